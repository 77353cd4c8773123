"""What the API takes and gives about packs: coverage, the default pack, re-embedding, shadow mode."""

from typing import Annotated

from pydantic import BaseModel, Field

from lianpu.gallery.packs.agreement import Agreement, Disagreement, Outcome, Verdict
from lianpu.gallery.packs.coverage import GalleryCoverage
from lianpu.gallery.packs.default_pack import Switched
from lianpu.gallery.packs.shadow import ShadowReport
from lianpu.gallery.schemas import Answer, Strict

NamedPack = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        examples=["buffalo_l", "buffalo_l@0.7"],
        description="`name@version`, or `name`: the active version where it is the active pack, else the newest.",
    ),
]


class CoverageAnswer(BaseModel):
    """How much of the gallery a pack version can find."""

    images: int = Field(description="All images of the gallery.", examples=[7701])
    embedded: int = Field(description="Images with an embedding of this pack.", examples=[7690])
    failed: int = Field(description="Images in which this pack does not find the face.", examples=[3])
    missing: int = Field(description="Images not tried yet; 0: coverage is complete.", examples=[8])
    persons: int = Field(description="All persons of the gallery.", examples=[4281])
    persons_covered: int = Field(description="Persons whom this pack can find.", examples=[4280])
    is_complete: bool

    @classmethod
    def of(cls, coverage: GalleryCoverage) -> "CoverageAnswer":
        return cls.model_validate(coverage.figures())


class DefaultPackFields(Strict):
    pack: NamedPack
    force: bool = Field(
        default=False, description="Switch although images lack its embedding: those persons are not found any more."
    )


class FailedImageAnswer(BaseModel):
    image_id: str
    person_id: str
    reason: str


class DefaultPackAnswer(Answer):
    pack: str
    pack_version: str
    previous: str = Field(description="What was active before, `name@version`.", examples=["dlib@1"])
    coverage: CoverageAnswer
    failures: list[FailedImageAnswer] = Field(description="Images that this pack cannot find; the first 100.")

    @classmethod
    def of(cls, switched: Switched, request_id: str) -> "DefaultPackAnswer":
        pack, version = switched.key
        return cls(
            pack=pack,
            pack_version=version,
            previous=switched.previous,
            coverage=CoverageAnswer.of(switched.coverage),
            failures=[
                FailedImageAnswer(image_id=item.image_id, person_id=item.person_id, reason=item.reason)
                for item in switched.failures
            ],
            request_id=request_id,
        )


class ReembedFields(Strict):
    pack: NamedPack
    retry_failed: bool = Field(default=False, description="Try images again in which the pack found no face.")


class ShadowFields(Strict):
    pack: NamedPack
    sample_rate: float = Field(default=1.0, gt=0, le=1, description="Part of the searches that are repeated.")


class VerdictAnswer(BaseModel):
    person_id: str | None = Field(description="Null: unknown.")
    score: float | None = Field(description="Of the nearest person, in this pack's own scale.")
    margin: float | None

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictAnswer":
        return cls(person_id=verdict.person_id, score=verdict.score, margin=verdict.margin)


class DisagreementAnswer(BaseModel):
    time: str
    outcome: Outcome
    active: VerdictAnswer
    candidate: VerdictAnswer | None = Field(description="Null: the candidate's detector does not see the face.")

    @classmethod
    def of(cls, item: Disagreement) -> "DisagreementAnswer":
        candidate = None if item.candidate is None else VerdictAnswer.of(item.candidate)
        return cls(time=item.time, outcome=item.outcome, active=VerdictAnswer.of(item.active), candidate=candidate)


class LatencyAnswer(BaseModel):
    p50: float
    p95: float


class ShadowAnswer(BaseModel):
    pack: str
    pack_version: str
    active_pack: str = Field(description="What it is compared with, `name@version`.", examples=["dlib@1"])
    sample_rate: float
    since: str
    compared: int = Field(description="Photos searched by both packs.")
    dropped: int = Field(description="Photos let go because the server was busy.")
    errors: int
    last_error: str | None
    counts: dict[Outcome, int] = Field(description="Faces by what the two packs said of them.")
    agreement: float | None = Field(description="Part of the faces about which they agree; `not_covered` left out.")
    agreement_interval: tuple[float, float] | None = Field(description="Where the true rate lies, with 95 %.")
    latency_ms: dict[str, LatencyAnswer | None]
    coverage: CoverageAnswer
    disagreements: list[DisagreementAnswer] = Field(description="The newest 100, newest first.")
    advice: str

    @classmethod
    def of(cls, report: ShadowReport) -> "ShadowAnswer":
        candidate, agreement = report.candidate, report.agreement
        return cls(
            pack=candidate.key[0],
            pack_version=candidate.key[1],
            active_pack=agreement.active_pack,
            sample_rate=candidate.sample_rate,
            since=candidate.since,
            compared=agreement.compared,
            dropped=agreement.dropped,
            errors=agreement.errors,
            last_error=agreement.last_error,
            counts=agreement.counts,
            agreement=_rate(agreement),
            agreement_interval=agreement.interval(),
            latency_ms={
                name: None if figures is None else LatencyAnswer.model_validate(figures)
                for name, figures in agreement.latency_ms().items()
            },
            coverage=CoverageAnswer.of(report.coverage),
            disagreements=[DisagreementAnswer.of(item) for item in agreement.disagreements],
            advice=report.advice,
        )


class ShadowOnlyAnswer(Answer):
    shadow: ShadowAnswer | None = Field(description="Null: no pack runs in the shadow.")

    @classmethod
    def of(cls, report: ShadowReport | None, request_id: str) -> "ShadowOnlyAnswer":
        return cls(shadow=None if report is None else ShadowAnswer.of(report), request_id=request_id)


def _rate(agreement: Agreement) -> float | None:
    return agreement.agreeing / agreement.judged if agreement.judged else None
