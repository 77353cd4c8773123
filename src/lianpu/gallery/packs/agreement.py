"""How far two packs agree about the faces of the same photos: what is counted, and what it says."""

import math
from collections import deque
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

DISAGREEMENTS_KEPT = 100
LATENCIES_KEPT = 1000
ENOUGH_FACES = 300
"""With as many faces and no disagreement, more than 1 % of disagreement is ruled out (95 %)."""
Z_95 = 1.96


class Outcome(StrEnum):
    """What the active pack and the candidate say of one face."""

    SAME_PERSON = "same_person"
    BOTH_UNKNOWN = "both_unknown"
    ONLY_ACTIVE_KNOWS = "only_active_knows"
    ONLY_CANDIDATE_KNOWS = "only_candidate_knows"
    DIFFERENT_PERSONS = "different_persons"
    FACE_NOT_FOUND = "face_not_found"
    """The candidate's detector does not see the face."""
    NOT_COVERED = "not_covered"
    """The person has embeddings of one pack only: nothing can be said."""


AGREEING = (Outcome.SAME_PERSON, Outcome.BOTH_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one pack says of one face."""

    person_id: str | None
    """Best match; None: unknown."""
    score: float | None
    """Of the nearest person, match or not; None: the gallery is empty for this pack."""
    margin: float | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One face about which the packs differ. No picture, no embedding."""

    time: str
    outcome: Outcome
    active: Verdict
    candidate: Verdict | None


@dataclass
class Agreement:
    """Counts since the comparison began; everything in it survives a restart but the latencies."""

    active_pack: str
    """`name@version` that the candidate is compared with."""
    compared: int = 0
    """Photos searched by both."""
    dropped: int = 0
    """Photos let go because the server was busy."""
    errors: int = 0
    last_error: str | None = None
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    disagreements: deque[Disagreement] = field(default_factory=lambda: deque[Disagreement](maxlen=DISAGREEMENTS_KEPT))
    active_ms: deque[float] = field(default_factory=lambda: deque[float](maxlen=LATENCIES_KEPT))
    candidate_ms: deque[float] = field(default_factory=lambda: deque[float](maxlen=LATENCIES_KEPT))

    def count(self, outcome: Outcome, disagreement: Disagreement) -> None:
        self.counts[outcome] += 1
        if outcome not in AGREEING and outcome is not Outcome.NOT_COVERED:
            self.disagreements.appendleft(disagreement)

    @property
    def judged(self) -> int:
        """Faces about which both packs could say something."""
        return sum(count for outcome, count in self.counts.items() if outcome is not Outcome.NOT_COVERED)

    @property
    def agreeing(self) -> int:
        return sum(self.counts[outcome] for outcome in AGREEING)

    def interval(self) -> tuple[float, float] | None:
        """The rate of agreement lies in here with 95 % confidence (Wilson's score interval)."""
        return wilson(self.agreeing, self.judged)

    def latency_ms(self) -> dict[str, dict[str, float] | None]:
        """Work on a photo without waiting for it, over the last 1000."""
        return {"active": _quantiles(self.active_ms), "candidate": _quantiles(self.candidate_ms)}

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "active_pack": self.active_pack,
            "compared": self.compared,
            "dropped": self.dropped,
            "errors": self.errors,
            "last_error": self.last_error,
            "counts": dict(self.counts),
            "disagreements": [asdict(item) for item in self.disagreements],
        }

    @classmethod
    def of_kept(cls, kept: dict[str, Any]) -> "Agreement":
        made = cls(kept["active_pack"], kept["compared"], kept["dropped"], kept["errors"], kept["last_error"])
        made.counts |= {Outcome(name): count for name, count in kept["counts"].items()}
        for item in kept["disagreements"]:
            candidate = item["candidate"]
            made.disagreements.append(
                Disagreement(
                    item["time"],
                    Outcome(item["outcome"]),
                    Verdict(**item["active"]),
                    None if candidate is None else Verdict(**candidate),
                )
            )
        return made


def outcome_of(active: Verdict, candidate: Verdict | None) -> Outcome:
    """`candidate` is None where that pack found no such face."""
    if candidate is None:
        return Outcome.FACE_NOT_FOUND
    if active.person_id == candidate.person_id:
        return Outcome.BOTH_UNKNOWN if active.person_id is None else Outcome.SAME_PERSON
    if candidate.person_id is None:
        return Outcome.ONLY_ACTIVE_KNOWS
    return Outcome.ONLY_CANDIDATE_KNOWS if active.person_id is None else Outcome.DIFFERENT_PERSONS


def wilson(hits: int, count: int) -> tuple[float, float] | None:
    """95 % interval of a rate (Wilson 1927); None without any observation."""
    if count == 0:
        return None
    rate, square = hits / count, Z_95 * Z_95 / count
    centre = (rate + square / 2) / (1 + square)
    half = Z_95 / (1 + square) * math.sqrt(rate * (1 - rate) / count + square / (4 * count))
    return max(0.0, centre - half), min(1.0, centre + half)


def _quantiles(values: deque[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p95 = np.quantile(np.asarray(values), (0.5, 0.95))
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}
