"""What the API of photo enhancement takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lianpu.engines.restore.enhancement import (
    SCALES,
    EnhancementEngine,
    EnhancementOptions,
    EnhancementPlan,
    OutputFormat,
    Stage,
)
from lianpu.enhance.report_schemas import EnginesUsed, EnhancementReportAnswer
from lianpu.enhance.results import StoredResult, spelt
from lianpu.enhance.tasks import CleaningReason, EnhancementStatus, EnhancementTask, PhotoStep, StepStatus
from lianpu.errors import LianpuError

ENHANCE_PATH = "/api/v1/enhance"
TOKEN_HEADER = "X-Retrieval-Token"  # noqa: S105 (no token)
EngineName = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9][a-z0-9._@+-]*$")]


class EnhanceFields(BaseModel):
    """The form's fields beside the file."""

    model_config = ConfigDict(extra="forbid")

    enhancement_level: int = Field(2, ge=min(SCALES), le=max(SCALES), description="1, 2, 3, 4: ×1, ×2, ×4, ×8.")
    preserve_identity: bool = Field(True, description="Blend each face back until it is still the same person.")
    output_format: OutputFormat = Field(OutputFormat.SAME, description="`same`: as it came.")
    restorer: EngineName | None = Field(None, description="One of the engines; `none`; left out: the best at hand.")
    upscaler: EngineName | None = Field(None, description="Likewise; `lanczos`: no network.")
    fidelity: float = Field(0.5, ge=0, le=1, description="Of restorers that have it: 1 keeps most of the original.")
    identity_threshold: float | None = Field(None, ge=-1, le=1, description="Least cosine before and after.")
    keep_gps: bool = False
    time_budget_s: float | None = Field(
        None,
        gt=0,
        le=3600,
        description="What a photo may take; engines that are not named are chosen by it. Left out: the setting.",
    )

    def options(self) -> EnhancementOptions:
        return EnhancementOptions(
            level=self.enhancement_level, **self.model_dump(exclude={"enhancement_level"}, mode="python")
        )

    @classmethod
    def of(cls, options: EnhancementOptions) -> "EnhanceFields":
        return cls(
            enhancement_level=options.level,
            preserve_identity=options.preserve_identity,
            output_format=options.output_format,
            restorer=options.restorer,
            upscaler=options.upscaler,
            fidelity=options.fidelity,
            identity_threshold=options.identity_threshold,
            keep_gps=options.keep_gps,
            time_budget_s=options.time_budget_s,
        )


class EnhancementProblem(BaseModel):
    code: str = Field(examples=["image_damaged"])
    title: str
    detail: str

    @classmethod
    def of(cls, error: LianpuError) -> "EnhancementProblem":
        return cls(code=error.code, title=error.title, detail=error.detail)


class EnhancementPhotoAnswer(BaseModel):
    """One photo on its way."""

    position: int = Field(description="From 0, in the order of the archive.")
    name: str = Field(description="As it was sent, with the folders of an archive.", examples=["holiday/beach.jpg"])
    size_bytes: int
    status: StepStatus
    stage: Stage | None = Field(description="What is being done; null while it waits.")
    progress: float = Field(description="0…1.")
    output_name: str | None = Field(description="In the result.", examples=["holiday/beach.jpg"])
    output_size_bytes: int | None
    report: EnhancementReportAnswer | None = Field(description="Of an enhanced photo: what ran, and what it brought.")
    error: EnhancementProblem | None = Field(description="Of a failed one.")

    @classmethod
    def of(cls, position: int, step: PhotoStep) -> "EnhancementPhotoAnswer":
        return cls(
            position=position,
            name=step.name,
            size_bytes=step.size_bytes,
            status=step.status,
            stage=step.stage,
            progress=round(step.share, 3),
            output_name=step.output_name,
            output_size_bytes=step.output_bytes,
            report=None if step.report is None else EnhancementReportAnswer.of(step.report),
            error=None if step.error is None else EnhancementProblem.of(step.error),
        )


class EnhancementResultAnswer(BaseModel):
    """Waits to be fetched once."""

    url: str = Field(description=f"GET it with the retrieval token as `{TOKEN_HEADER}` or `?token=`.")
    file_name: str = Field(examples=["beach.jpg"])
    media_type: str = Field(examples=["image/jpeg"])
    size_bytes: int
    expires_at: datetime = Field(description="Then it is overwritten.")

    @classmethod
    def of(cls, enhancement_id: str, result: StoredResult) -> "EnhancementResultAnswer":
        return cls(
            url=f"{ENHANCE_PATH}/{enhancement_id}/result",
            file_name=result.file_name,
            media_type=result.media_type,
            size_bytes=result.size_bytes,
            expires_at=result.expires_at,
        )


class EnhancementAnswer(BaseModel):
    enhancement_id: str = Field(examples=["0199a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b"])
    is_batch: bool
    status: EnhancementStatus
    progress: float = Field(description="0…1, of the whole.")
    done: int = Field(description="Photos that have ended, well or not.")
    total: int | None = Field(description="Null: the archive was not looked through yet.")
    estimated_s: float | None = Field(description="When it was sent, for this machine, without waiting.")
    options: EnhanceFields | None
    photos: list[EnhancementPhotoAnswer] = Field(
        description="Empty where the process that had them is gone, or an hour later."
    )
    result: EnhancementResultAnswer | None = Field(description="Of a completed one.")
    error: EnhancementProblem | None = Field(description="Of a failed one.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cleaned_at: datetime | None = Field(description="When the last of it was overwritten.")
    cleaned_by: CleaningReason | None

    @classmethod
    def of(cls, task: EnhancementTask) -> "EnhancementAnswer":
        result = task.result if task.status is EnhancementStatus.COMPLETED else None
        return cls(
            enhancement_id=task.id,
            is_batch=task.is_batch,
            status=task.status,
            progress=round(task.share, 3),
            done=task.done,
            total=task.total,
            estimated_s=None if task.estimated_s is None else round(task.estimated_s, 1),
            options=EnhanceFields.of(task.options),
            photos=[EnhancementPhotoAnswer.of(position, step) for position, step in enumerate(task.steps)],
            result=None if result is None else EnhancementResultAnswer.of(task.id, result),
            error=None if task.error is None else EnhancementProblem.of(task.error),
            created_at=task.created_at,
            started_at=task.started_at,
            finished_at=task.finished_at,
            cleaned_at=task.cleaned_at,
            cleaned_by=task.cleaned_by,
        )


class EnhancementOnlyAnswer(BaseModel):
    enhancement: EnhancementAnswer
    request_id: str


class EnhancementSubmittedAnswer(BaseModel):
    """200: it is done. 202: it goes on, `GET /api/v1/enhance/{enhancement_id}` says how far it is."""

    enhancement: EnhancementAnswer
    retrieval_token: str = Field(description="Told here alone. Without it nobody, the server neither, has the result.")
    request_id: str

    @classmethod
    def of(cls, task: EnhancementTask, token: bytes, request_id: str) -> "EnhancementSubmittedAnswer":
        return cls(enhancement=EnhancementAnswer.of(task), retrieval_token=spelt(token), request_id=request_id)


class PushedEnhancement(BaseModel):
    """What is pushed to its owner beside the job; `GET` has the rest."""

    enhancement_id: str
    is_batch: bool
    status: EnhancementStatus
    progress: float
    done: int
    total: int | None
    failed: int = Field(description="Photos that could not be enhanced.")
    position: int | None = Field(description="Of the photo that is being worked on.")
    stage: Stage | None
    photo_progress: float | None
    cleaned_at: datetime | None
    cleaned_by: CleaningReason | None


class EnhancementEstimateAnswer(BaseModel):
    width_after: int
    height_after: int
    engines: EnginesUsed
    estimated_s: float = Field(description="On this machine, without waiting.")
    is_quick: bool = Field(description="`POST /api/v1/enhance` waits for it and answers 200.")
    peak_bytes: int
    request_id: str

    @classmethod
    def of(cls, plan: EnhancementPlan, *, is_quick: bool, request_id: str) -> "EnhancementEstimateAnswer":
        return cls(
            width_after=plan.width_after,
            height_after=plan.height_after,
            engines=EnginesUsed.of(plan.engines),
            estimated_s=round(plan.estimated_s, 2),
            is_quick=is_quick,
            peak_bytes=plan.peak_bytes,
            request_id=request_id,
        )


class EnhancementEngineAnswer(BaseModel):
    name: str
    kind: str = Field(examples=["upscaler"])
    pack: str | None
    licence: str
    commercial: bool = Field(description="Whether the licence allows commercial use.")
    has_fidelity: bool
    seconds_per_megapixel: float | None = Field(description="Upscalers: of output; restorers: a face. Null: unknown.")

    @classmethod
    def of(cls, engine: EnhancementEngine) -> "EnhancementEngineAnswer":
        return cls(
            name=engine.name,
            kind=engine.kind,
            pack=engine.pack,
            licence=engine.licence,
            commercial=engine.commercial,
            has_fidelity=engine.has_fidelity,
            seconds_per_megapixel=engine.seconds_per_megapixel,
        )


class EnhancementEnginesAnswer(BaseModel):
    """The first of each kind is taken where a request names none."""

    restorers: list[EnhancementEngineAnswer]
    upscalers: list[EnhancementEngineAnswer]
    max_upload_bytes: int
    max_archive_bytes: int
    archive_formats: list[str] = Field(examples=[["zip", "tar", "rar", "7z"]])
    result_ttl_s: float
    request_id: str
