"""Rows of a calibration: one threshold, what it lets through and what it misses."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lianpu.evaluation.false_matches import FalseMatches
from lianpu.evaluation.intervals import wilson
from lianpu.gallery.insights.calibration_schemas import CalibratedThreshold, MeasuredRate, RateInterval
from lianpu.packs.metric import Metric, raw_of
from lianpu.vectors.pairs import PairScores

LADDER = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


class TableMaker:
    """Knows the scores; `row` puts a threshold to them."""

    def __init__(
        self,
        rates: FalseMatches,
        scores: PairScores,
        persons: NDArray[np.int64],
        metric: Metric,
        confidence: float,
    ) -> None:
        self._rates = rates
        self._persons = persons
        self._people = scores.persons
        self._metric = metric
        self._confidence = confidence
        self._has_own = ~np.isnan(scores.own)
        self._was_probed = ~np.isnan(scores.other)
        self._own = scores.own
        self._other = scores.other

    @property
    def genuine(self) -> NDArray[np.float64]:
        """[m] score of an image against the best other image of its person, of all images that have one."""
        return self._own[self._has_own]

    def row(
        self, kind: Literal["proposed", "gallery", "pack", "ladder"], threshold: float, wanted_fmr: float | None = None
    ) -> CalibratedThreshold:
        estimate = self._rates.estimate(threshold)
        named = self._by_person(self._other >= threshold, self._was_probed)
        probability = -float(np.expm1(self._people * np.log1p(-min(estimate.rate, 1 - 1e-12))))
        assert named is not None
        return CalibratedThreshold(
            kind=kind,
            wanted_fmr=wanted_fmr,
            threshold=threshold,
            raw_threshold=raw_of(self._metric, threshold),
            fmr=estimate.rate,
            fmr_interval=RateInterval.of(estimate.interval),
            fmr_interval_elsewhere=RateInterval.of(estimate.interval_elsewhere),
            fmr_interval_of_pairs=RateInterval.of(estimate.interval_of_pairs),
            matches=None if estimate.matches < 0 else estimate.matches,
            expected_false_matches=estimate.rate * self._people,
            false_match_probability=probability,
            wrong_searches_per_1000=1000 * probability,
            measured_search=named,
            fnmr=self._by_person(self._own < threshold, self._has_own),
        )

    def _by_person(self, happened: NDArray[np.bool_], looked_at: NDArray[np.bool_]) -> MeasuredRate | None:
        """Mean over persons of the share of their images; Wilson's interval with persons as trials."""
        persons = self._persons[looked_at]
        if not len(persons):
            return None
        counts = np.bincount(persons, minlength=self._people)
        hits = np.bincount(persons, happened[looked_at], minlength=self._people)
        shares = hits[counts > 0] / counts[counts > 0]
        rate = float(shares.mean())
        interval = wilson(min(rate * len(shares), len(shares)), len(shares), self._confidence)
        return MeasuredRate(rate=rate, interval=RateInterval.of(interval))
