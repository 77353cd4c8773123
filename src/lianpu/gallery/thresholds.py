"""Which threshold applies to a match: the request's, else the embedding's, else the person's, else the pack's."""

from dataclasses import dataclass
from enum import StrEnum


class ThresholdSource(StrEnum):
    REQUEST = "request"
    EMBEDDING = "embedding"
    PERSON = "person"
    PACK = "pack"


@dataclass(frozen=True, slots=True)
class AppliedThreshold:
    value: float
    """Least score, 0…1, that counts as the same person."""
    source: ThresholdSource


def applied_threshold(
    *, request: float | None, embedding: float | None, person: float | None, pack: float
) -> AppliedThreshold:
    for value, source in (
        (request, ThresholdSource.REQUEST),
        (embedding, ThresholdSource.EMBEDDING),
        (person, ThresholdSource.PERSON),
    ):
        if value is not None:
            return AppliedThreshold(value, source)
    return AppliedThreshold(pack, ThresholdSource.PACK)
