"""What the API takes and gives about swaps, their engines and how they are labelled."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lianpu.engines.image_header import ImageFormat
from lianpu.engines.swap.swapper import EngineReport, Finding, Readiness, SwapCapabilities, SwapFaces, SwapKind
from lianpu.swap.consents.policy import PolicyState
from lianpu.swap.consents.schemas import Purpose

SWAP_PATH = "/api/v1/swap"
RESULTS_PATH = f"{SWAP_PATH}/results"
LIVE_PATH = f"{SWAP_PATH}/live"
EngineName = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9_-]+$", examples=["landmark"])]
ConsentId = Annotated[str, Field(max_length=36)]


class OutputFormat(StrEnum):
    """Of photos; videos are always MP4."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"

    @property
    def image_format(self) -> ImageFormat:
        return ImageFormat(self.value)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SwapFields(_Strict):
    """Beside the file `target`."""

    consent_id: ConsentId
    purpose: Purpose
    engine: EngineName = "landmark"
    all_faces: bool = Field(default=False, description="Every face of the target; else the largest one alone.")
    preview: bool = Field(
        default=False,
        description="A small photo instead of the whole; of a video, one frame. Labelled like any output.",
    )
    output_format: OutputFormat | None = Field(default=None, description="Of a photo; left out: the target's, or JPEG.")

    @property
    def faces(self) -> SwapFaces:
        return SwapFaces(all_faces=self.all_faces)


class CheckFields(_Strict):
    consent_id: ConsentId
    purpose: Purpose
    kind: SwapKind
    engine: EngineName = "landmark"


class CheckAnswer(BaseModel):
    """It would be done; else there is a problem with the code of the reason."""

    person_id: str
    engine: str
    kind: SwapKind
    consent_valid_until: datetime
    labels: list[str] = Field(description="What the output would carry.", examples=[["visible", "xmp"]])
    request_id: str


class PolicyFields(_Strict):
    visible_label: bool


class PolicyAnswer(BaseModel):
    enabled: bool = Field(description="`swap.enabled` of the settings.")
    visible_label: bool = Field(description="The other labels cannot be removed.")
    changed_by: str | None = Field(description="Id of the user who said so last; null: as by default.")
    changed_at: datetime | None
    max_image_bytes: int
    max_video_bytes: int
    max_video_s: float
    result_ttl_minutes: float
    max_live: int
    request_id: str

    @classmethod
    def of(cls, state: PolicyState, limits: "SwapLimits", request_id: str) -> "PolicyAnswer":
        return cls(
            enabled=state.enabled,
            visible_label=state.visible_label,
            changed_by=state.changed_by,
            changed_at=state.changed_at,
            max_image_bytes=limits.max_image_bytes,
            max_video_bytes=limits.max_video_bytes,
            max_video_s=limits.max_video_s,
            result_ttl_minutes=limits.result_ttl_minutes,
            max_live=limits.max_live,
            request_id=request_id,
        )


class SwapLimits(BaseModel):
    """As the settings say."""

    model_config = ConfigDict(frozen=True)

    max_image_bytes: int
    max_video_bytes: int
    max_video_s: float
    result_ttl_minutes: float
    max_live: int
    time_limit_s: float


class EngineFindingAnswer(BaseModel):
    name: str
    is_ok: bool
    detail: str
    advice: str | None

    @classmethod
    def of(cls, finding: Finding) -> "EngineFindingAnswer":
        return cls(name=finding.name, is_ok=finding.is_ok, detail=finding.detail, advice=finding.advice)


class EngineAnswer(BaseModel):
    engine: str
    readiness: Readiness
    kinds: list[SwapKind]
    many_faces: bool
    needs_weights: bool
    is_external: bool
    licence: str
    commercial: bool
    providers: list[str]
    version: str | None
    provider: str | None = Field(description="What would really run it; null: not known.")
    findings: list[EngineFindingAnswer]

    @classmethod
    def of(cls, can: SwapCapabilities, report: EngineReport) -> "EngineAnswer":
        return cls(
            engine=report.engine,
            readiness=report.readiness,
            kinds=sorted(can.kinds),
            many_faces=can.many_faces,
            needs_weights=can.needs_weights,
            is_external=can.is_external,
            licence=can.licence,
            commercial=can.commercial,
            providers=list(can.providers),
            version=report.version,
            provider=report.provider,
            findings=[EngineFindingAnswer.of(finding) for finding in report.findings],
        )


class EngineListAnswer(BaseModel):
    engines: list[EngineAnswer]
    request_id: str
