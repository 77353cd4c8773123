"""Evaluates packs on a data set: from embeddings to every figure of the report."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.errors import EvaluationInvalidError
from lianpu.evaluation.datasets import DataSet, Protocol
from lianpu.evaluation.extraction import Extracted
from lianpu.evaluation.identification import Identification, identify, prepared
from lianpu.evaluation.intervals import Interval, clopper_pearson, wilson
from lianpu.evaluation.metrics import (
    EqualError,
    FoldAccuracy,
    Scores,
    TarAtFar,
    auc_of,
    best_threshold,
    curve_of,
    equal_error,
    fold_accuracy,
    independent_share,
    tar_at_far,
)
from lianpu.evaluation.pairs import Flags, Pairs
from lianpu.packs.metric import Metric, score_of

FARS = (1e-1, 1e-2, 1e-3, 1e-4)
_HARDEST = 10
_BLOCK_PAIRS = 65_536


@dataclass(frozen=True, slots=True)
class Rates:
    """What a threshold gives on the scored pairs."""

    threshold: float
    """As a score."""
    fmr: float
    fmr_interval: Interval
    """Clopper and Pearson's at the effective number of pairs: pairs that share a person are correlated."""
    fnmr: float
    fnmr_interval: Interval


@dataclass(frozen=True, slots=True)
class HardPair:
    """A pair that the pack gets most wrong, by its score; a wrong label, often."""

    first: str
    second: str
    score: float


@dataclass(frozen=True, slots=True)
class PackEvaluation:
    """Everything measured of one pack. Thresholds are scores 0…1."""

    pack: str
    version: str
    metric: Metric
    dimension: int
    images: int
    misses: tuple[str, ...]
    """Images in which the pack found no face."""
    pairs: Pairs
    """Those with a face in both images."""
    scores: Scores
    """[pairs]."""
    lost_genuine: int
    lost_impostor: int
    """Pairs that a miss leaves without a score."""
    accuracy: FoldAccuracy | None
    """None where the data set has no folds."""
    accuracy_with_misses: FoldAccuracy | None
    """Pairs without a score count as errors."""
    best: tuple[float, float]
    """Threshold, and the accuracy there: picked on the very pairs it is measured on."""
    best_with_misses: float
    """That accuracy, pairs without a score counted as errors."""
    at_recommended: Rates
    """At the pack's own threshold."""
    equal: EqualError
    auc: float
    tars: tuple[TarAtFar, ...]
    identification: tuple[Identification, ...]
    hardest_genuine: tuple[HardPair, ...]
    hardest_impostor: tuple[HardPair, ...]

    @property
    def name(self) -> str:
        return f"{self.pack}@{self.version}"

    @property
    def genuine(self) -> Scores:
        return self.scores[self.pairs.same]

    @property
    def impostor(self) -> Scores:
        return self.scores[~self.pairs.same]

    def tar_with_misses(self, tar: TarAtFar) -> float | None:
        """Genuine pairs without a score count as not accepted."""
        total = len(self.genuine) + self.lost_genuine
        return None if tar.tar is None else tar.tar * len(self.genuine) / total


def evaluate(data: DataSet, analyzer: FaceAnalyzer, extracted: Extracted) -> PackEvaluation:
    """
    Raises:
        EvaluationInvalidError: no genuine or no impostor pair has a face in both images.
    """
    scored = extracted.found[data.pairs.first] & extracted.found[data.pairs.second]
    pairs = data.pairs.taken(scored)
    lost = data.pairs.same[~scored]
    if not pairs.same.any() or pairs.same.all():
        kind = "impostor" if pairs.same.any() else "genuine"
        raise EvaluationInvalidError(
            f"With pack '{analyzer.pack_name}' there is no {kind} pair with a face in both images: of "
            f"{len(data.images)} images it finds one in {int(extracted.found.sum())}."
        )
    scores = pair_scores(extracted.embeddings, pairs, analyzer.metric)
    people = data.people_of_pairs[scored]
    genuine, impostor = scores[pairs.same], scores[~pairs.same]
    curve = curve_of(genuine, impostor)
    threshold, accuracy = best_threshold(scores, pairs.same)
    in_folds = pairs.folds is not None and len(np.unique(pairs.folds)) > 1
    return PackEvaluation(
        pack=analyzer.pack_name,
        version=analyzer.pack_version,
        metric=analyzer.metric,
        dimension=analyzer.dimension,
        images=len(data.images),
        misses=tuple(data.images[place] for place in np.flatnonzero(~extracted.found)),
        pairs=pairs,
        scores=scores,
        lost_genuine=int(lost.sum()),
        lost_impostor=int((~lost).sum()),
        accuracy=fold_accuracy(scores, pairs.same, pairs.folds) if in_folds and pairs.folds is not None else None,
        accuracy_with_misses=_with_misses(data.pairs, scored, scores) if in_folds else None,
        best=(threshold, accuracy),
        best_with_misses=accuracy * len(pairs) / len(data.pairs),
        at_recommended=_rates(scores, pairs.same, people, analyzer.threshold),
        equal=equal_error(curve),
        auc=auc_of(curve),
        tars=tuple(tar_at_far(genuine, impostor, FARS, people=people[~pairs.same])),
        identification=tuple(
            identify(extracted.embeddings, extracted.found, data.persons, analyzer.metric)
            if data.protocol is Protocol.FOLDER
            else ()
        ),
        hardest_genuine=_hardest(data, pairs, scores, same=True),
        hardest_impostor=_hardest(data, pairs, scores, same=False),
    )


def pair_scores(embeddings: NDArray[np.float32], pairs: Pairs, metric: Metric) -> Scores:
    """[pairs] scores 0…1."""
    vectors = prepared(embeddings, metric)
    raw = np.empty(len(pairs))
    for start in range(0, len(pairs), _BLOCK_PAIRS):
        block = slice(start, start + _BLOCK_PAIRS)
        first, second = vectors[pairs.first[block]], vectors[pairs.second[block]]
        if metric is Metric.COSINE:
            raw[block] = np.einsum("ij,ij->i", first, second)
        else:
            raw[block] = np.linalg.norm(first - second, axis=1)
    return score_of(metric, raw)


def _with_misses(pairs: Pairs, scored: Flags, scores: Scores) -> FoldAccuracy | None:
    if pairs.folds is None:
        return None
    every = np.full(len(pairs), np.nan)
    every[scored] = scores
    return fold_accuracy(every, pairs.same, pairs.folds, wrong=~scored)


def _rates(scores: Scores, same: Flags, people: NDArray[np.int64], threshold: float) -> Rates:
    matches = scores >= threshold
    false_matches = matches[~same]
    effective = len(false_matches) * independent_share(scores[~same], false_matches, people[~same])
    fmr = float(false_matches.mean())
    missed, genuine = int((~matches[same]).sum()), int(same.sum())
    return Rates(
        threshold,
        fmr,
        clopper_pearson(fmr * effective, effective),
        missed / genuine,
        wilson(missed, genuine),
    )


def _hardest(data: DataSet, pairs: Pairs, scores: Scores, *, same: bool) -> tuple[HardPair, ...]:
    places = np.flatnonzero(pairs.same == same)
    order = places[np.argsort(scores[places] if same else -scores[places], kind="stable")][:_HARDEST]
    return tuple(
        HardPair(data.images[pairs.first[place]], data.images[pairs.second[place]], float(scores[place]))
        for place in order
    )
