"""The measures of biometric verification and identification, on scores of which greater means more alike.

Names follow ISO/IEC 19795-1: a genuine pair shows one person, an impostor pair two; at a threshold, pairs that score
it or more match. FMR is the rate of impostor pairs that match, FNMR that of genuine pairs that do not; TAR is 1 - FNMR,
FAR here another word for FMR. All arrays are float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.evaluation.intervals import Interval, People, clopper_pearson, effective_pairs, wilson

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Fewer matches than this say nothing about how matches gather on few persons.
_ENOUGH_TO_SEE_CLUSTERS = 30


@dataclass(frozen=True, slots=True)
class ThresholdEstimate:
    """A threshold for a wanted false-match rate, and what is known of the rate it really gives."""

    threshold: float
    """Match at this score or more. Above 1 where an impostor pair scores 1 and none may match."""
    fmr: float
    """The rate measured on the given scores: at most the wanted one."""
    interval: Interval
    """Of the true rate, at the wanted confidence."""
    accepted: int
    """Impostor pairs that match."""
    pairs: int
    effective_pairs: float
    """Independent pairs with the same information; `pairs` itself where the persons are not given."""


@dataclass(frozen=True, slots=True)
class Curve:
    """FMR and FNMR at every threshold where one of them changes, rising; the last threshold is above every score."""

    thresholds: Scores
    fmr: Scores
    """[n], falling from 1 to 0."""
    fnmr: Scores
    """[n], rising from 0 to 1."""


@dataclass(frozen=True, slots=True)
class EqualError:
    """Where FMR and FNMR cross: their rate there and the threshold, interpolated."""

    rate: float
    threshold: float


@dataclass(frozen=True, slots=True)
class TarAtFar:
    """The true-accept rate at a wanted false-accept rate."""

    wanted_far: float
    tar: float | None
    """None where there are too few impostor pairs to measure such a rate: fewer than 1 / wanted_far."""
    interval: Interval | None
    """Wilson's, of the TAR at this threshold."""
    estimate: ThresholdEstimate


@dataclass(frozen=True, slots=True)
class FoldAccuracy:
    """Accuracy by cross-validation: every fold measured at the threshold that is best on all others."""

    mean: float
    std: float
    """Standard deviation over the folds (of the population), as most papers state it."""
    standard_error: float
    """Of the mean, as LFW's own protocol states it."""
    folds: tuple[float, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between consecutive edges."""

    edges: Scores
    """[bins + 1]."""
    genuine: NDArray[np.int64]
    impostor: NDArray[np.int64]


def threshold_at_fmr(
    impostor_scores: Scores, fmr: float, confidence: float = 0.95, *, people: People | None = None
) -> ThresholdEstimate:
    """The lowest threshold at which at most the wanted rate of impostor pairs match.

    It lies right above the greatest score that may not match. The interval is Clopper and Pearson's, which holds for
    the threshold picked from the same scores too (the true rate there lies between two order statistics, Beta(k,
    n - k + 1) and Beta(k + 1, n - k)). It takes pairs for independent. With `people` it takes the effective number of
    pairs instead, and holds for pairs that share persons: use that for any set of all-against-all pairs.

    Args:
        impostor_scores: [n], in any order.
        fmr: 0…1.
        confidence: 0…1.
        people: [n, 2] integers, the two persons of each pair.

    Raises:
        ValueError: no scores, or a rate or confidence outside 0…1.
    """
    total = len(impostor_scores)
    if not total or not 0 <= fmr <= 1:
        raise ValueError(f"no threshold for a rate of {fmr} from {total} impostor scores")
    # 0.1 * 30 is 3.0000000000000004, and 0.7 * 10 falls short of 7.
    allowed = int(np.floor(fmr * total * (1 + 1e-12)))
    if allowed >= total:
        threshold = float(impostor_scores.min())
    else:
        greatest_refused = float(np.partition(impostor_scores, total - allowed - 1)[total - allowed - 1])
        threshold = float(np.nextafter(greatest_refused, np.inf))
    matches = impostor_scores >= threshold
    accepted = int(matches.sum())
    effective = float(total) if people is None else total * independent_share(impostor_scores, matches, people)
    interval = clopper_pearson(accepted / total * effective, effective, confidence)
    return ThresholdEstimate(threshold, accepted / total, interval, accepted, total, effective)


def independent_share(scores: Scores, matches: Flags, people: People) -> float:
    """Effective pairs in a pair, 0…1; where few match, as seen among the greatest scores.

    Args:
        scores: [n] of impostor pairs.
        matches: [n].
        people: [n, 2], as `effective_pairs` takes them.
    """
    total = len(scores)
    wanted = min(total - 1, _ENOUGH_TO_SEE_CLUSTERS)
    if int(matches.sum()) < wanted:
        matches = scores >= np.partition(scores, total - wanted)[total - wanted]
    return effective_pairs(matches, people) / total


def curve_of(genuine: Scores, impostor: Scores) -> Curve:
    """
    Raises:
        ValueError: one of the two has no scores.
    """
    if not len(genuine) or not len(impostor):
        raise ValueError("a curve needs genuine and impostor scores")
    scores = np.unique(np.concatenate([genuine, impostor]))
    thresholds = np.append(scores, np.nextafter(scores[-1], np.inf))
    fnmr = np.searchsorted(np.sort(genuine), thresholds, side="left") / len(genuine)
    fmr = 1.0 - np.searchsorted(np.sort(impostor), thresholds, side="left") / len(impostor)
    return Curve(thresholds, fmr, fnmr)


def auc_of(curve: Curve) -> float:
    """Area under TAR over FAR: the chance that a genuine pair outscores an impostor pair, ties counted half."""
    return float(np.trapezoid(1.0 - curve.fnmr[::-1], curve.fmr[::-1]))


def equal_error(curve: Curve) -> EqualError:
    """The equal error rate, linearly interpolated between the two thresholds around the crossing."""
    difference = curve.fnmr - curve.fmr
    # It rises from -1 to 1, so there is always a crossing.
    after = int(np.argmax(difference >= 0))
    before = after - 1
    share = float(difference[before] / (difference[before] - difference[after]))
    rate = curve.fmr[before] + share * (curve.fmr[after] - curve.fmr[before])
    threshold = curve.thresholds[before] + share * (curve.thresholds[after] - curve.thresholds[before])
    return EqualError(float(rate), float(threshold))


def tar_at_far(
    genuine: Scores,
    impostor: Scores,
    wanted: Sequence[float],
    confidence: float = 0.95,
    *,
    people: People | None = None,
) -> list[TarAtFar]:
    """TAR at each wanted FAR, at the lowest threshold that keeps it.

    Args:
        genuine: [m].
        impostor: [n].
        wanted: rates 0…1.
        confidence: of all intervals.
        people: [n, 2], the persons of each impostor pair, for the interval of the FAR.
    """
    results: list[TarAtFar] = []
    for far in wanted:
        estimate = threshold_at_fmr(impostor, far, confidence, people=people)
        if far * len(impostor) < 1 - 1e-9 or not len(genuine):
            results.append(TarAtFar(far, None, None, estimate))
            continue
        hits = int((genuine >= estimate.threshold).sum())
        results.append(TarAtFar(far, hits / len(genuine), wilson(hits, len(genuine), confidence), estimate))
    return results


def best_threshold(scores: Scores, same: Flags) -> tuple[float, float]:
    """(threshold, accuracy) where most pairs are right; of several equally good, the one in the widest gap.

    Args:
        scores: [n].
        same: [n], whether the pair is genuine.

    Raises:
        ValueError: no scores.
    """
    if not len(scores):
        raise ValueError("a best threshold needs scores")
    order = np.argsort(scores, kind="stable")
    values, flags = scores[order], same[order]
    # Cutting before place i refuses the i lowest: right are their impostors and the genuine of the rest.
    below = np.concatenate([[0], np.cumsum(~flags)])
    above = int(flags.sum()) - np.concatenate([[0], np.cumsum(flags)])
    right = below + above
    ends = np.concatenate([[-np.inf], values, [np.inf]])
    gaps = ends[1:] - ends[:-1]
    # Between equal scores no threshold fits.
    right[gaps == 0] = -1
    best = np.flatnonzero(right == right.max())
    inner = best[np.isfinite(gaps[best])]
    if not len(inner):
        place = int(best[0])
        threshold = float(values[0]) if place == 0 else float(np.nextafter(values[-1], np.inf))
    else:
        place = int(inner[np.argmax(gaps[inner])])
        low, high = float(values[place - 1]), float(values[place])
        # Between neighbouring floats there is no middle.
        threshold = max(float(np.nextafter(low, np.inf)), (low + high) / 2)
    return threshold, float(right.max()) / len(scores)


def fold_accuracy(
    scores: Scores, same: Flags, folds: NDArray[np.integer], *, wrong: Flags | None = None
) -> FoldAccuracy:
    """Cross-validated accuracy as LFW's image-restricted View 2 has it (Huang et al. 2007, UMass TR 07-49).

    Args:
        scores: [n].
        same: [n], whether the pair is genuine.
        folds: [n], the fold of each pair.
        wrong: [n], pairs that count as errors whatever the threshold, such as those without a score; their score is
            not looked at.

    Raises:
        ValueError: fewer than two folds, or a fold that leaves no scored pair to pick a threshold on.
    """
    numbers = np.unique(folds)
    if len(numbers) < 2:
        raise ValueError("cross-validation needs at least two folds")
    usable = np.ones(len(scores), dtype=np.bool_) if wrong is None else ~wrong
    accuracies: list[float] = []
    thresholds: list[float] = []
    for number in numbers:
        measured = folds == number
        chosen = ~measured & usable
        threshold, _ = best_threshold(scores[chosen], same[chosen])
        right = ((scores >= threshold) == same) & usable
        accuracies.append(float(right[measured].mean()))
        thresholds.append(threshold)
    values = np.array(accuracies)
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return FoldAccuracy(float(values.mean()), float(values.std()), error, tuple(accuracies), tuple(thresholds))


def histogram_of(genuine: Scores, impostor: Scores, bins: int = 80) -> Histogram:
    """Counts of both kinds of scores over their common range.

    Raises:
        ValueError: no scores at all.
    """
    both = np.concatenate([genuine, impostor])
    if not len(both):
        raise ValueError("a histogram needs scores")
    edges = np.histogram_bin_edges(both, bins)
    return Histogram(edges, np.histogram(genuine, edges)[0], np.histogram(impostor, edges)[0])
