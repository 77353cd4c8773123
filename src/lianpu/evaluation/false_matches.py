"""False-match rates of searches, from everybody against everybody, with intervals that know who is in which pair.

A comparison is one probe against one other person, by the best of that person's embeddings, as a 1:N search makes it;
every stranger's probes weigh 1 together. Comparisons that share a person are correlated: somebody with a common face is
confused with many. The variance of a rate is therefore estimated from sums by person, robustly for dyads (Aronow,
Samii and Assenova 2015, https://doi.org/10.1093/pan/mpv018), and turned into the number of independent pairs with the
same variance (Korn and Graubard 1998), of which the interval is Clopper and Pearson's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.evaluation.intervals import Interval, clopper_pearson

Scores = NDArray[np.float64]
Numbers = NDArray[np.int64]

ENOUGH_TO_SEE_CLUSTERS = 30
"""Fewer matching pairs do not show how matches gather on few persons: then so many of the greatest are looked at."""


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The comparisons that score most, and how many there are of all."""

    people: int
    strangers: NDArray[np.bool_]
    """[people] who was compared with everybody else."""
    scores: Scores
    """[k], falling."""
    probes: Numbers
    """[k] person of the probe."""
    persons: Numbers
    """[k] the other person."""
    weights: Scores
    """[k] 1 divided by the number of that person's probes."""
    floor: float
    """All comparisons that score more are among these."""
    edges: Scores
    """[bins + 1] rising scores."""
    counts: Scores
    """[bins] weights of comparisons between the edges, of all or of a random part; for rates beyond the floor."""


@dataclass(frozen=True, slots=True)
class RateEstimate:
    """A false-match rate at a threshold."""

    threshold: float
    rate: float
    interval: Interval
    """Of the true rate."""
    interval_elsewhere: Interval
    """Where the rate lies that is measured at this threshold on as many other people: wider, since that is one more
    measurement with an error of its own."""
    interval_of_pairs: Interval
    """What the interval would be if no two pairs shared a person. Too narrow; for comparison."""
    matches: int
    """Comparisons that reach the threshold; -1 where there are too many to have been kept."""
    pairs: int
    """Different pairs of people compared."""
    effective_pairs: float


class FalseMatches:
    """Rates over thresholds of one set of comparisons."""

    def __init__(self, comparisons: Comparisons, confidence: float = 0.95) -> None:
        self._given = comparisons
        self._confidence = confidence
        people, strangers = comparisons.people, int(comparisons.strangers.sum())
        self.comparisons = strangers * (people - 1)
        both_ways = strangers * (strangers - 1) // 2
        self.pairs = both_ways + strangers * (people - strangers)
        self._squared_directions = 4 * both_ways + strangers * (people - strangers)
        self._cumulated = np.cumsum(comparisons.weights)
        self._ascending = comparisons.scores[::-1]
        above = np.concatenate([np.cumsum(comparisons.counts[::-1])[::-1], [0.0]])
        self._survival = above / max(float(above[0]), 1.0)

    def rate(self, threshold: float) -> float:
        """Share of the comparisons that score this or more; beyond the floor as the counts show it."""
        kept = self._kept(threshold)
        if threshold > self._given.floor:
            return float(self._cumulated[kept - 1]) / self.comparisons if kept else 0.0
        return float(np.interp(threshold, self._given.edges, self._survival))

    def threshold_for(self, wanted: float) -> float:
        """The lowest threshold with at most this rate, midway between two scores; above all where none may match."""
        scores = self._given.scores
        allowed = int(np.searchsorted(self._cumulated, wanted * self.comparisons * (1 + 1e-12), "right"))
        if allowed >= len(scores):
            if self._given.floor < 0:
                return float(scores[-1])
            # Survival falls while edges rise; interp wants rising.
            beyond = float(np.interp(wanted, self._survival[::-1], self._given.edges[::-1]))
            return min(beyond, self._given.floor)
        refused = float(scores[allowed])
        above = self._ascending[np.searchsorted(self._ascending, refused, "right") :]
        following = float(np.nextafter(refused, np.inf))
        return following if not len(above) else max(following, (refused + float(above[0])) / 2)

    def estimate(self, threshold: float) -> RateEstimate:
        rate = self.rate(threshold)
        effective = self.pairs * self._independent_share(threshold)
        beyond = threshold <= self._given.floor
        return RateEstimate(
            threshold,
            rate,
            clopper_pearson(rate * effective, effective, self._confidence),
            clopper_pearson(rate * effective / 2, effective / 2, self._confidence),
            clopper_pearson(rate * self.pairs, self.pairs, self._confidence),
            -1 if beyond else self._kept(threshold),
            self.pairs,
            effective,
        )

    def least_promise(self) -> float:
        """Upper end of the interval where not one comparison matches: no lower rate can be promised."""
        effective = self.pairs * self._independent_share(np.inf)
        return clopper_pearson(0, effective, self._confidence).high

    def _kept(self, threshold: float) -> int:
        return len(self._ascending) - int(np.searchsorted(self._ascending, threshold, "left"))

    def _independent_share(self, threshold: float) -> float:
        """Effective pairs in a pair, 0…1."""
        given = self._given
        # A pair compared both ways shows up twice.
        kept = min(len(given.scores), max(self._kept(threshold), 2 * ENOUGH_TO_SEE_CLUSTERS))
        rate = float(self._cumulated[kept - 1]) / self.comparisons if kept else 0.0
        if not 0 < rate < 1:
            return 1.0
        variance = self._variance(kept, rate)
        return min(1.0, rate * (1 - rate) / self.pairs / variance) if variance > 0 else 1.0

    def _variance(self, kept: int, rate: float) -> float:
        """Of the rate, by the sums of residuals of all comparisons that share a person; only matches are looked at."""
        given = self._given
        probes, persons, weights = given.probes[:kept], given.persons[:kept], given.weights[:kept]
        matched = np.bincount(probes, weights, minlength=given.people)
        matched += np.bincount(persons, weights, minlength=given.people)
        strangers = int(given.strangers.sum())
        made = np.where(given.strangers, given.people - 1 + strangers - 1, strangers)
        residuals = matched - rate * made
        # What both directions of a pair share was counted once for each of its two people.
        low, high = np.minimum(probes, persons), np.maximum(probes, persons)
        keys, places = np.unique(low * given.people + high, return_inverse=True)
        by_pair = np.bincount(places, weights)
        directions = given.strangers[keys // given.people].astype(np.int64) + given.strangers[keys % given.people]
        squares = float((np.square(by_pair) - 2 * rate * directions * by_pair).sum())
        squares += rate * rate * self._squared_directions
        return (float(np.square(residuals).sum()) - squares) / self.comparisons**2
