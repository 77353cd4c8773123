"""What a calibration is asked and what it answers."""

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from lianpu.evaluation.intervals import Interval
from lianpu.gallery.schemas import Answer, PackName, Strict, Threshold
from lianpu.packs.metric import Metric

DEFAULT_FMR = 1e-4


def _finite(raw: float | None) -> float | None:
    # JSON has no infinity.
    return raw if raw is None or math.isfinite(raw) else None


RawThreshold = Annotated[
    float | None,
    AfterValidator(_finite),
    Field(description="The same in the pack's metric; null: no distance is too great."),
]


class CalibrateFields(Strict):
    """What to calibrate for: a false-match rate, or how many searches for strangers may go wrong."""

    pack: PackName | None = None
    wanted_fmr: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        examples=[1e-4],
        description=f"Comparisons of a stranger with a person that may match; {DEFAULT_FMR:g} when both are left out.",
    )
    expected_false_matches: float | None = Field(
        default=None,
        gt=0,
        lt=1000,
        examples=[1],
        description="Of 1,000 searches for strangers among all your people, so many may name somebody.",
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1)

    @model_validator(mode="after")
    def _one_wish(self) -> Self:
        if self.wanted_fmr is not None and self.expected_false_matches is not None:
            raise ValueError("give wanted_fmr or expected_false_matches, not both")
        return self


class ThresholdFields(Strict):
    threshold: Threshold | None = Field(description="Score 0…1; null goes back to the pack's own.")


class RateInterval(BaseModel):
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval) -> "RateInterval":
        return cls(low=interval.low, high=interval.high)


class MeasuredRate(BaseModel):
    rate: float
    interval: RateInterval


class CalibratedThreshold(BaseModel):
    """What a threshold means for this gallery."""

    kind: Literal["proposed", "gallery", "pack", "ladder"] = Field(
        description="The one proposed, the one set for the gallery, the pack's own, or one of a row of rates."
    )
    wanted_fmr: float | None = Field(description="The rate it was chosen for.")
    threshold: float = Field(description="As a score 0…1. Above 1: nothing matches.")
    raw_threshold: RawThreshold
    fmr: float = Field(description="How often a stranger's probe matches one given person: measured.")
    fmr_interval: RateInterval = Field(
        description="Of the true rate at the stated confidence; knows that pairs which share a person are correlated."
    )
    fmr_interval_elsewhere: RateInterval = Field(
        description="Where the rate lies that is measured on as many other people."
    )
    fmr_interval_of_pairs: RateInterval = Field(
        description="What it would be if all pairs were independent: too narrow, for comparison."
    )
    matches: int | None = Field(description="Comparisons that match; null where there are millions.")
    expected_false_matches: float = Field(description="In one search for a stranger among all your people.")
    false_match_probability: float = Field(description="That such a search names anybody: 1 - (1 - fmr)^people.")
    wrong_searches_per_1000: float = Field(description="1,000 times that.")
    measured_search: MeasuredRate = Field(
        description="Searches that named somebody when each of your people in turn was a stranger to the others. Fewer "
        "than the formula says where false matches gather on few people."
    )
    fnmr: MeasuredRate | None = Field(
        description="Photos of your people that their other photos do not match; null: nobody has two."
    )


class SampledPeople(BaseModel):
    people: int
    of: int
    seed: int


class LookAlike(BaseModel):
    """Two persons whom a search can confuse."""

    person_ids: tuple[str, str]
    names: tuple[str, str]
    image_ids: tuple[str, str]
    score: float
    raw_value: float
    is_match: bool = Field(description="At the proposed threshold.")
    suggested_threshold: float = Field(
        description="As own threshold of both (`PATCH /api/v1/faces/{id}`) it keeps them apart."
    )


class RateCurves(BaseModel):
    """Rates over thresholds, which rise."""

    thresholds: list[float]
    fmr: list[float]
    fnmr: list[float] | None


class ScoreHistogram(BaseModel):
    """Shares between edges (one more than shares)."""

    edges: list[float]
    searches: list[float] = Field(description="A probe against each other person, by the best of that person's images.")
    images: list[float] = Field(description="Every image against every image of somebody else.")
    genuine: list[float] | None = Field(description="An image against the best other image of its person.")


class CalibrationReport(BaseModel):
    pack: str
    pack_version: str
    metric: Metric
    wanted_fmr: float
    confidence: float
    people: int
    images: int
    people_with_several_images: int
    comparisons: int
    pairs_of_people: int
    effective_pairs: float = Field(
        description="So many independent pairs would tell as much, at the proposed threshold."
    )
    sampled: SampledPeople | None = Field(description="Null: everybody was compared with everybody.")
    least_fmr: float = Field(description="With these people no lower rate can be promised at this confidence.")
    is_promised: bool = Field(description="Whether the wanted rate is one that can be.")
    advice: str
    method: str
    proposed: CalibratedThreshold
    thresholds: list[CalibratedThreshold]
    look_alikes: list[LookAlike]
    curves: RateCurves
    histogram: ScoreHistogram
    plots: list[str] = Field(examples=[["error_rates.png"]], description="Pictures of this report.")


class CalibrationAnswer(Answer):
    job_id: str
    calibration: CalibrationReport


class ModelThresholdAnswer(Answer):
    pack: str
    pack_version: str
    threshold: float = Field(description="The one that applies, as a score 0…1.")
    raw_threshold: RawThreshold
    threshold_source: Literal["gallery", "pack"]
    pack_threshold: float
