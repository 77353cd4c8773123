"""False-match rates of searches: the numbers against plain sums, the intervals against people that are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.evaluation.false_matches import Comparisons, FalseMatches
from lianpu.evaluation.intervals import effective_pairs


def all_against_all(scores: NDArray[np.float64], *, keep: int | None = None) -> Comparisons:
    """`scores`: [n, n], one image each."""
    people = len(scores)
    probes, persons = np.nonzero(~np.eye(people, dtype=bool))
    values = scores[probes, persons]
    order = np.argsort(-values, kind="stable")[:keep]
    edges = np.linspace(0, 1, 2001)
    floor = -1.0 if keep is None else float(np.sort(values)[-keep - 1])
    return Comparisons(
        people,
        np.ones(people, bool),
        values[order],
        probes[order],
        persons[order],
        np.ones(len(order)),
        floor,
        edges,
        np.histogram(values, edges)[0].astype(float),
    )


def alike(people: int, seed: int, *, commonness: float = 0.0) -> NDArray[np.float64]:
    """Symmetric scores 0…1; some people have common faces that are like everybody's."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(people, people))
    common = commonness * random.normal(size=people)
    values = (np.triu(noise) + np.triu(noise, 1).T) + common[:, None] + common[None]
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize("wanted", [0.2, 0.05, 0.01, 0.001])
def test_R_LIB_8_threshold_is_the_lowest_that_keeps_the_wanted_rate(wanted: float) -> None:
    scores = alike(60, 1)
    rates = FalseMatches(all_against_all(scores))
    threshold = rates.threshold_for(wanted)
    others = scores[~np.eye(60, dtype=bool)]
    assert rates.rate(threshold) == pytest.approx((others >= threshold).mean())
    assert rates.rate(threshold) <= wanted
    lower = others[others < threshold].max()
    assert (others >= lower).mean() > wanted


def test_R_LIB_8_no_match_wanted_gives_a_threshold_above_all() -> None:
    scores = alike(20, 2)
    rates = FalseMatches(all_against_all(scores))
    threshold = rates.threshold_for(0.0)
    assert rates.estimate(threshold).matches == 0
    assert threshold > scores[~np.eye(20, dtype=bool)].max()
    assert rates.estimate(threshold).interval.high == pytest.approx(rates.least_promise())


def test_R_LIB_8_rates_beyond_the_kept_scores_come_from_the_counts() -> None:
    scores = alike(80, 3)
    rates, full = FalseMatches(all_against_all(scores, keep=200)), FalseMatches(all_against_all(scores))
    for wanted in (0.5, 0.1, 0.03):
        threshold = full.threshold_for(wanted)
        assert rates.rate(threshold) == pytest.approx(full.rate(threshold), abs=0.003)
        assert rates.threshold_for(wanted) == pytest.approx(threshold, abs=0.003)
    assert rates.estimate(full.threshold_for(0.5)).matches == -1


@pytest.mark.parametrize("commonness", [0.0, 0.7])
def test_R_LIB_8_effective_pairs_are_those_of_the_robust_variance_in_full(commonness: float) -> None:
    """The sums that look at matches alone give what all pairs, written out, give."""
    people = 70
    scores = alike(people, 4, commonness=commonness)
    rates = FalseMatches(all_against_all(scores))
    threshold = rates.threshold_for(0.05)
    pairs = np.array([(a, b) for a in range(people) for b in range(a)])
    written_out = effective_pairs(scores[pairs[:, 0], pairs[:, 1]] >= threshold, pairs)
    assert rates.estimate(threshold).effective_pairs == pytest.approx(written_out, rel=1e-6)
    if commonness:
        assert written_out < 0.5 * len(pairs)


def test_R_LIB_8_interval_covers_where_the_one_of_independent_pairs_does_not() -> None:
    """People with common faces: of 200 galleries, how often does the interval hold the true rate?"""
    population = alike(1500, 7, commonness=0.5)
    others = population[~np.eye(1500, dtype=bool)]
    random = np.random.default_rng(0)
    covered = naive = 0
    for _ in range(200):
        chosen = random.choice(1500, 80, replace=False)
        rates = FalseMatches(all_against_all(population[np.ix_(chosen, chosen)]))
        estimate = rates.estimate(rates.threshold_for(0.02))
        truth = float((others >= estimate.threshold).mean())
        covered += truth in estimate.interval
        naive += truth in estimate.interval_of_pairs
        assert estimate.interval_elsewhere.low <= estimate.interval.low
        assert estimate.interval_elsewhere.high >= estimate.interval.high
    assert covered >= 184
    assert naive < 160


def test_R_LIB_8_few_people_promise_little() -> None:
    least = [FalseMatches(all_against_all(alike(people, 5))).least_promise() for people in (12, 40, 150)]
    assert least[0] > least[1] > 1e-3 > least[2]
