"""What the API takes and says about labels."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lianpu.engines.provenance.manifest import ManifestReport
from lianpu.engines.provenance.metadata import Metadata
from lianpu.engines.provenance.verification import Conclusion, Media, ProvenanceReport
from lianpu.engines.provenance.watermark import Reading
from lianpu.provenance.models import LabelledOutput

FILE_FIELD = "file"


class VerifyFields(BaseModel):
    """Beside the file there is none."""

    model_config = ConfigDict(extra="forbid")


class VisibleAnswer(BaseModel):
    found: bool
    score: float = Field(description="Correlation with the label's shape, 0…1.")


class MetadataAnswer(BaseModel):
    digital_source_type: str | None = Field(
        description="IPTC's URI.",
        examples=["http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"],
    )
    aigc: dict[str, str] | None = Field(description="The field AIGC of GB 45438-2025.")

    @classmethod
    def of(cls, metadata: Metadata) -> "MetadataAnswer":
        return cls(digital_source_type=metadata.digital_source, aigc=metadata.aigc)


class ManifestAnswer(BaseModel):
    valid: bool = Field(description="The signature is whole, and the file is the one that was signed.")
    trusted: bool = Field(description="And it was signed by this installation, or by one that it trusts.")
    issuer: str | None
    generator: str | None
    digital_source_type: str | None
    problems: list[str] = Field(description="C2PA's codes.", examples=[["assertion.dataHash.mismatch"]])

    @classmethod
    def of(cls, manifest: ManifestReport) -> "ManifestAnswer":
        return cls(
            valid=manifest.is_valid,
            trusted=manifest.is_trusted,
            issuer=manifest.issuer,
            generator=manifest.generator,
            digital_source_type=manifest.digital_source,
            problems=list(manifest.problems),
        )


class WatermarkAnswer(BaseModel):
    mark: str = Field(description="64 bits in hexadecimal.", examples=["3f2a9c0d5b7e1846"])
    sureness: float = Field(description="Standard deviations by which its pattern stands out.")
    scale: float = Field(description="1 unless the picture was cropped or got a border.")

    @classmethod
    def of(cls, reading: Reading) -> "WatermarkAnswer":
        return cls(mark=f"{reading.mark:016x}", sureness=round(reading.sureness, 2), scale=round(reading.scale, 4))


class OutputAnswer(BaseModel):
    """What the operator's records say."""

    kind: str = Field(examples=["swap"])
    job_id: str
    owner_id: str | None
    engine: str
    consent_id: str | None
    labels: list[str]
    sha256: str = Field(description="Of the file as it was given out; empty: it was a live stream.")
    created_at: datetime

    @classmethod
    def of(cls, output: LabelledOutput) -> "OutputAnswer":
        return cls(
            kind=output.kind,
            job_id=output.job_id,
            owner_id=output.owner_id,
            engine=output.engine,
            consent_id=output.consent_id,
            labels=output.labels,
            sha256=output.sha256,
            created_at=output.created_at,
        )


class MarkAnswer(BaseModel):
    mark: str
    is_own: bool = Field(description="This installation has given it out.")
    output: OutputAnswer | None = Field(description="For those who may read the audit log (`audit:read`).")


class ProvenanceAnswer(BaseModel):
    media: Media
    conclusion: Conclusion = Field(
        description="`intact`: signed by somebody trusted, and not a bit was changed. `signed`: the same by somebody "
        "else. `altered`: labelled, and changed or saved anew. `unlabelled`: nothing was found, which proves nothing."
    )
    survived: list[str] = Field(
        description="Of `visible`, `xmp`, `aigc`, `c2pa` (valid), `watermark`.", examples=[["visible", "watermark"]]
    )
    visible: VisibleAnswer
    metadata: MetadataAnswer
    manifest: ManifestAnswer | None
    watermark: WatermarkAnswer | None
    marks: list[MarkAnswer] = Field(description="Every id that was read.")
    request_id: str

    @classmethod
    def of(
        cls, report: ProvenanceReport, known: Mapping[str, LabelledOutput], *, tells_records: bool, request_id: str
    ) -> "ProvenanceAnswer":
        marks = [f"{mark:016x}" for mark in report.marks]
        return cls(
            media=report.media,
            conclusion=report.conclusion,
            survived=[label.value for label in report.survived],
            visible=VisibleAnswer(found=report.is_visible, score=round(report.visible_score, 3)),
            metadata=MetadataAnswer.of(report.metadata),
            manifest=None if report.manifest is None else ManifestAnswer.of(report.manifest),
            watermark=None if report.watermark is None else WatermarkAnswer.of(report.watermark),
            marks=[
                MarkAnswer(
                    mark=mark,
                    is_own=mark in known,
                    output=OutputAnswer.of(known[mark]) if tells_records and mark in known else None,
                )
                for mark in marks
            ],
            request_id=request_id,
        )
