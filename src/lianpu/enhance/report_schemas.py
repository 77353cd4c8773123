"""What the API says of an enhanced photo: engines, sizes, sharpness, and of each face whether it is the same person."""

from pydantic import BaseModel, Field

from lianpu.engines.restore.enhancement import Engines, EnhancedFace, EnhancementReport, IdentityStatus
from lianpu.gallery.schemas import PixelBox


class EnginesUsed(BaseModel):
    restorer: str | None = Field(examples=["gfpgan@1.4"])
    upscaler: str | None = Field(examples=["realesrgan-compact"])
    recogniser: str | None = Field(description="What measured the identity.", examples=["dlib@19.22"])

    @classmethod
    def of(cls, engines: Engines) -> "EnginesUsed":
        return cls(restorer=engines.restorer, upscaler=engines.upscaler, recogniser=engines.recogniser)


class IdentityAnswer(BaseModel):
    status: IdentityStatus
    similarity: float | None = Field(description="Cosine of the embeddings before and after; null: not measurable.")
    threshold: float | None
    restored_share: float = Field(description="0…1: how much of the restored face is in the result.")


class EnhancedFaceAnswer(BaseModel):
    box: PixelBox
    is_restored: bool
    reason: str | None = Field(description="Why it was not restored.")
    identity: IdentityAnswer
    sharpness_before: float
    sharpness_after: float
    quality_before: float
    quality_after: float

    @classmethod
    def of(cls, face: EnhancedFace) -> "EnhancedFaceAnswer":
        box, identity = face.box, face.identity
        return cls(
            box=PixelBox(x=box.x1, y=box.y1, width=box.x2 - box.x1, height=box.y2 - box.y1),
            is_restored=face.is_restored,
            reason=face.reason,
            identity=IdentityAnswer(
                status=identity.status,
                similarity=identity.similarity,
                threshold=identity.threshold,
                restored_share=identity.restored_share,
            ),
            sharpness_before=face.sharpness_before,
            sharpness_after=face.sharpness_after,
            quality_before=face.quality_before,
            quality_after=face.quality_after,
        )


class EnhancementReportAnswer(BaseModel):
    width_before: int
    height_before: int
    width_after: int
    height_after: int
    scale: int
    engines: EnginesUsed
    faces: list[EnhancedFaceAnswer] = Field(description="Largest first; empty: the photo was enhanced as a whole.")
    sharpness_before: float = Field(description="0…1.")
    sharpness_after: float
    enhancement_ratio: float = Field(description="Sharpness after to before.")
    notes: list[str] = Field(description="What was done otherwise than one might expect.")
    seconds: float

    @classmethod
    def of(cls, report: EnhancementReport) -> "EnhancementReportAnswer":
        return cls(
            width_before=report.width_before,
            height_before=report.height_before,
            width_after=report.width_after,
            height_after=report.height_after,
            scale=report.scale,
            engines=EnginesUsed.of(report.engines),
            faces=[EnhancedFaceAnswer.of(face) for face in report.faces],
            sharpness_before=report.sharpness_before,
            sharpness_after=report.sharpness_after,
            enhancement_ratio=report.enhancement_ratio,
            notes=list(report.notes),
            seconds=round(report.seconds, 3),
        )
