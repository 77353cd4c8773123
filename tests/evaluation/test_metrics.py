"""The measures against cases small enough to count by hand, against brute force, and against known truths."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta

from lianpu.evaluation.intervals import clopper_pearson, effective_pairs, wilson
from lianpu.evaluation.metrics import (
    auc_of,
    best_threshold,
    curve_of,
    equal_error,
    fold_accuracy,
    histogram_of,
    tar_at_far,
    threshold_at_fmr,
)

Scores = NDArray[np.float64]
# Few different values, so that ties are common.
tied = st.lists(st.integers(0, 20).map(lambda number: number / 20), min_size=1, max_size=40).map(np.array)


def test_R_OPS_3_rates_by_hand() -> None:
    genuine, impostor = np.array([0.9, 0.8, 0.4]), np.array([0.5, 0.3, 0.2, 0.1])
    curve = curve_of(genuine, impostor)
    at = dict(zip(curve.thresholds.tolist(), zip(curve.fmr.tolist(), curve.fnmr.tolist(), strict=True), strict=True))
    assert at[0.1] == (1.0, 0.0)
    assert at[0.4] == (0.25, 0.0)
    assert at[0.5] == (0.25, pytest.approx(1 / 3))
    assert at[0.8] == (0.0, pytest.approx(1 / 3))
    assert (curve.fmr[-1], curve.fnmr[-1]) == (0.0, 1.0)
    # Of the twelve comparisons of a genuine with an impostor score, only 0.4 against 0.5 is lost.
    assert auc_of(curve) == pytest.approx(11 / 12)
    # Between 0.4 (FMR 1/4, FNMR 0) and 0.5 (1/4, 1/3) the two cross at 1/4.
    assert equal_error(curve).rate == pytest.approx(0.25)
    assert equal_error(curve).threshold == pytest.approx(0.475)


@given(tied, tied)
def test_R_OPS_3_auc_is_the_chance_of_the_right_order(genuine: Scores, impostor: Scores) -> None:
    wins = (genuine[:, None] > impostor).mean() + 0.5 * (genuine[:, None] == impostor).mean()
    assert auc_of(curve_of(genuine, impostor)) == pytest.approx(wins, abs=1e-12)


@given(tied, tied)
def test_R_OPS_3_curve_says_what_counting_says(genuine: Scores, impostor: Scores) -> None:
    curve = curve_of(genuine, impostor)
    for threshold, fmr, fnmr in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
        assert fmr == pytest.approx((impostor >= threshold).mean(), abs=1e-12)
        assert fnmr == pytest.approx((genuine < threshold).mean(), abs=1e-12)
    error = equal_error(curve)
    assert 0 <= error.rate <= 1
    assert curve.thresholds[0] <= error.threshold <= curve.thresholds[-1]


@given(tied, st.floats(0, 1))
def test_R_LIB_8_threshold_keeps_the_wanted_rate_and_no_lower_score_would(impostor: Scores, wanted: float) -> None:
    estimate = threshold_at_fmr(impostor, wanted)
    measured = (impostor >= estimate.threshold).mean()
    assert estimate.fmr == pytest.approx(measured, abs=1e-12)
    assert estimate.accepted == (impostor >= estimate.threshold).sum()
    assert measured <= wanted + 1e-9
    lower = impostor[impostor < estimate.threshold]
    if len(lower):
        assert (impostor >= lower.max()).mean() > wanted - 1e-9
    assert estimate.interval.low <= estimate.fmr <= estimate.interval.high


def test_R_LIB_8_threshold_lies_right_above_the_first_refused() -> None:
    impostor = np.array([0.1, 0.2, 0.3, 0.5])
    assert 0.3 < threshold_at_fmr(impostor, 0.25).threshold < 0.3 + 1e-9
    nobody = threshold_at_fmr(impostor, 0.2)
    assert 0.5 < nobody.threshold < 0.5 + 1e-9
    assert (nobody.fmr, nobody.accepted, nobody.interval.low) == (0.0, 0, 0.0)
    # Nothing seen in 4 does not show a rate of 0: 1 - 0.025 ** (1 / 4).
    assert nobody.interval.high == pytest.approx(1 - 0.025**0.25)
    assert threshold_at_fmr(impostor, 1).threshold == 0.1
    with pytest.raises(ValueError, match="0 impostor scores"):
        threshold_at_fmr(np.empty(0), 0.1)


def test_R_LIB_8_interval_of_the_rate_holds_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    # For uniform scores the true rate of a threshold t is 1 - t.
    estimates = [threshold_at_fmr(random.random(2000), 0.01, 0.9) for _ in range(400)]
    covered = np.mean([1 - estimate.threshold in estimate.interval for estimate in estimates])
    assert 0.88 <= covered <= 0.96


def test_R_LIB_8_interval_by_people_holds_where_the_one_by_pairs_does_not() -> None:
    random = np.random.default_rng(3)
    first, second = np.triu_indices(80, 1)
    people = np.stack([first, second], axis=1)
    by_people, by_pairs = [], []
    for _ in range(150):
        # Some people look like everybody: their scores are higher with all others.
        common = random.normal(0, 0.7, 80)
        scores = common[first] + common[second] + random.normal(0, 1, len(first))
        known, unknown = threshold_at_fmr(scores, 0.01, people=people), threshold_at_fmr(scores, 0.01)
        assert known.threshold == unknown.threshold
        true = 1 - NormalDist(0, (2 * 0.7**2 + 1) ** 0.5).cdf(known.threshold)
        by_people.append(true in known.interval)
        by_pairs.append(true in unknown.interval)
    # Over 2,000 such galleries: 93 % and 62 %.
    assert np.mean(by_people) >= 0.9
    assert np.mean(by_pairs) <= 0.75


def test_R_LIB_8_independent_pairs_count_fully_and_copies_count_once() -> None:
    random = np.random.default_rng(9)
    apart = np.arange(4000).reshape(2000, 2)
    accepted = random.random(2000) < 0.1
    assert effective_pairs(accepted, apart) == pytest.approx(2000, rel=0.01)
    # Ten times the same two thousand pairs say no more than once.
    assert effective_pairs(np.tile(accepted, 10), np.tile(apart, (10, 1))) == pytest.approx(2000, rel=0.01)


@pytest.mark.parametrize(
    ("hits", "trials"), [(0, 10), (1, 10), (10, 10), (3, 3000), (7.5, 200.25), (1000, 10_000_000), (500_000, 1_000_000)]
)
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_R_LIB_8_clopper_pearson_is_scipys(hits: float, trials: float, confidence: float) -> None:
    interval = clopper_pearson(hits, trials, confidence)
    tail = (1 - confidence) / 2
    low = beta.ppf(tail, hits, trials - hits + 1) if hits else 0.0
    high = beta.ppf(1 - tail, hits + 1, trials - hits) if hits < trials else 1.0
    assert interval.low == pytest.approx(low, rel=1e-7)
    assert interval.high == pytest.approx(high, rel=1e-7)


def test_R_LIB_8_wilson_by_hand() -> None:
    # Newcombe 1998 (https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E), table I.
    assert (round(wilson(81, 263).low, 4), round(wilson(81, 263).high, 4)) == (0.2553, 0.3662)
    assert (round(wilson(15, 148).low, 4), round(wilson(15, 148).high, 4)) == (0.0624, 0.1605)
    assert (wilson(0, 20).low, round(wilson(0, 20).high, 4)) == (0.0, 0.1611)
    assert (round(wilson(1, 29).low, 4), round(wilson(1, 29).high, 4)) == (0.0061, 0.1718)


@given(st.lists(st.tuples(st.integers(0, 12).map(lambda n: n / 12), st.booleans()), min_size=1, max_size=30))
def test_R_OPS_3_best_threshold_is_as_good_as_any(labelled: list[tuple[float, bool]]) -> None:
    scores, same = np.array([score for score, _ in labelled]), np.array([flag for _, flag in labelled])
    threshold, accuracy = best_threshold(scores, same)
    assert ((scores >= threshold) == same).mean() == pytest.approx(accuracy)
    tried = np.concatenate([np.linspace(-0.1, 1.1, 241), scores])
    assert accuracy >= max(((scores >= candidate) == same).mean() for candidate in tried) - 1e-12


def test_R_OPS_3_best_threshold_lies_in_the_widest_gap() -> None:
    threshold, accuracy = best_threshold(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert (threshold, accuracy) == (0.5, 1.0)


def test_R_OPS_3_fold_is_measured_at_the_threshold_of_the_others() -> None:
    # Fold 0 alone would choose 0.2 and be perfect; fold 1 chooses 0.7 for it, which loses a genuine pair of 0.3.
    scores = np.array([0.3, 0.1, 0.8, 0.6])
    same = np.array([True, False, True, False])
    measured = fold_accuracy(scores, same, np.array([0, 0, 1, 1]))
    assert measured.folds == (0.5, 0.5)
    assert measured.thresholds == (pytest.approx(0.7), pytest.approx(0.2))
    assert (measured.mean, measured.std) == (0.5, 0.0)
    with pytest.raises(ValueError, match="two folds"):
        fold_accuracy(scores, same, np.zeros(4, int))


def test_R_OPS_3_misses_count_as_errors_and_choose_no_threshold() -> None:
    scores = np.array([0.9, 0.1, 0.9, np.nan])
    same = np.array([True, False, True, False])
    wrong = np.array([False, False, False, True])
    measured = fold_accuracy(scores, same, np.array([0, 0, 1, 1]), wrong=wrong)
    assert measured.folds == (1.0, 0.5)
    # Mean 0.75; deviations 0.25, over two folds 0.25 and, of the mean, 0.3536 / sqrt(2).
    assert (measured.std, measured.standard_error) == (0.25, pytest.approx(0.25))


def test_R_OPS_3_tar_says_when_there_are_too_few_pairs() -> None:
    genuine, impostor = np.linspace(0.45, 1, 100), np.linspace(0, 0.5, 1000)
    tenth, thousandth, below = tar_at_far(genuine, impostor, [0.1, 1e-3, 1e-4])
    # The greatest that may not match is 0.44995, below every genuine score.
    assert (tenth.tar, tenth.estimate.accepted) == (1.0, 100)
    # The best there is at this rate: one impostor pair may match, so all genuine scores above the second greatest do.
    assert thousandth.tar == (genuine > np.sort(impostor)[-2]).mean()
    assert thousandth.interval is not None
    assert thousandth.tar in thousandth.interval
    assert (below.tar, below.interval) == (None, None)


@given(tied, tied)
def test_R_OPS_3_histogram_loses_no_score(genuine: Scores, impostor: Scores) -> None:
    histogram = histogram_of(genuine, impostor, bins=7)
    assert (histogram.genuine.sum(), histogram.impostor.sum()) == (len(genuine), len(impostor))
    assert len(histogram.edges) == 8
