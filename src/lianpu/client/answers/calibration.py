"""Thresholds measured on the own gallery."""

from lianpu.client.answers.record import Record


class RateInterval(Record):
    low: float
    high: float


class MeasuredRate(Record):
    rate: float
    interval: RateInterval


class CalibratedThreshold(Record):
    """What a threshold means for this gallery."""

    kind: str
    """The one proposed, the one set for the gallery, the pack's own, or one of a row of rates."""
    wanted_fmr: float | None
    """The rate it was chosen for."""
    threshold: float
    """As a score 0…1. Above 1: nothing matches."""
    raw_threshold: float | None
    """The same in the pack's metric; null: no distance is too great."""
    fmr: float
    """How often a stranger's probe matches one given person: measured."""
    fmr_interval: RateInterval
    """Of the true rate at the stated confidence; knows that pairs which share a person are correlated."""
    fmr_interval_elsewhere: RateInterval
    """Where the rate lies that is measured on as many other people."""
    fmr_interval_of_pairs: RateInterval
    """What it would be if all pairs were independent: too narrow, for comparison."""
    matches: int | None
    """Comparisons that match; null where there are millions."""
    expected_false_matches: float
    """In one search for a stranger among all your people."""
    false_match_probability: float
    """That such a search names anybody: 1 - (1 - fmr)^people."""
    wrong_searches_per_1000: float
    """1,000 times that."""
    measured_search: MeasuredRate
    """Searches that named somebody when each of your people in turn was a stranger to the others. Fewer
    than the formula
    says where false matches gather on few people."""
    fnmr: MeasuredRate | None
    """Photos of your people that their other photos do not match; null: nobody has two."""


class SampledPeople(Record):
    people: int
    of: int
    seed: int


class LookAlike(Record):
    """Two persons whom a search can confuse."""

    person_ids: tuple[str, str]
    names: tuple[str, str]
    image_ids: tuple[str, str]
    score: float
    raw_value: float
    is_match: bool
    """At the proposed threshold."""
    suggested_threshold: float
    """As own threshold of both (`PATCH /api/v1/faces/{id}`) it keeps them apart."""


class RateCurves(Record):
    """Rates over thresholds, which rise."""

    thresholds: tuple[float, ...]
    fmr: tuple[float, ...]
    fnmr: tuple[float, ...] | None


class ScoreHistogram(Record):
    """Shares between edges (one more than shares)."""

    edges: tuple[float, ...]
    searches: tuple[float, ...]
    """A probe against each other person, by the best of that person's images."""
    images: tuple[float, ...]
    """Every image against every image of somebody else."""
    genuine: tuple[float, ...] | None
    """An image against the best other image of its person."""


class CalibrationReport(Record):
    pack: str
    pack_version: str
    metric: str
    wanted_fmr: float
    confidence: float
    people: int
    images: int
    people_with_several_images: int
    comparisons: int
    pairs_of_people: int
    effective_pairs: float
    """So many independent pairs would tell as much, at the proposed threshold."""
    sampled: SampledPeople | None
    """Null: everybody was compared with everybody."""
    least_fmr: float
    """With these people no lower rate can be promised at this confidence."""
    is_promised: bool
    """Whether the wanted rate is one that can be."""
    advice: str
    method: str
    proposed: CalibratedThreshold
    thresholds: tuple[CalibratedThreshold, ...]
    look_alikes: tuple[LookAlike, ...]
    curves: RateCurves
    histogram: ScoreHistogram
    plots: tuple[str, ...]
    """Pictures of this report."""


class Calibration(Record):
    request_id: str
    job_id: str
    calibration: CalibrationReport
