"""Everybody against everybody: the blocks give what a plain double loop gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lianpu.packs.metric import Metric, raw_value, score_of
from lianpu.vectors import pairs
from lianpu.vectors.pairs import PairScan, PairScores, ScanLimits

ALL = 10**12
METRICS = [Metric.COSINE, Metric.EUCLIDEAN]


def scanned(vectors: NDArray[np.float32], persons: NDArray[np.int64], metric: Metric, **limits: int) -> PairScores:
    scan = PairScan(vectors, persons, metric, ScanLimits(**{"max_comparisons": ALL, **limits}), rows=3)
    done = list(scan.steps())
    assert done[-1] == scan.probes
    return scan.result()


def naive(vectors: NDArray[np.float32], metric: Metric) -> NDArray[np.float64]:
    raw = np.array([[raw_value(metric, one, other) for other in vectors] for one in vectors])
    return score_of(metric, raw)


@st.composite
def galleries(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    counts = draw(st.lists(st.integers(1, 5), min_size=2, max_size=7))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    persons = random.permutation(np.repeat(np.arange(len(counts)), counts))
    scale = draw(st.sampled_from([0.3, 1.0]))
    return (random.normal(size=(len(persons), 4)) * scale).astype(np.float32), persons


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=60, deadline=None)
@given(gallery=galleries())
def test_R_LIB_8_scan_agrees_with_a_plain_loop(
    metric: Metric, gallery: tuple[NDArray[np.float32], NDArray[np.int64]]
) -> None:
    vectors, persons = gallery
    scores, found = naive(vectors, metric), scanned(vectors, persons, metric)
    assert found.probed.all()
    expected: list[tuple[float, int, int]] = []
    for row, person in enumerate(persons):
        own = (persons == person) & (np.arange(len(persons)) != row)
        assert found.own[row] == pytest.approx(scores[row][own].max() if own.any() else np.nan, abs=1e-5, nan_ok=True)
        best = {int(one): scores[row][persons == one].max() for one in set(persons) - {person}}
        assert found.other[row] == pytest.approx(max(best.values()), abs=1e-5)
        assert best[int(found.other_person[row])] == pytest.approx(max(best.values()), abs=1e-5)
        expected += [(score, row, one) for one, score in best.items()]
    assert len(found.tail.scores) == len(expected)
    assert found.tail.floor < 0
    kept = {
        (int(probe), int(person)): score
        for probe, person, score in zip(found.tail.probes, found.tail.persons, found.tail.scores, strict=True)
    }
    for score, row, person in expected:
        assert kept[row, person] == pytest.approx(score, abs=1e-5)
    assert (np.diff(found.tail.scores) <= 1e-12).all()
    assert found.distribution is not None
    counts = np.bincount(persons)
    assert found.distribution.searches.sum() == pytest.approx(len(counts) * (len(counts) - 1))
    assert found.distribution.images.sum() == len(persons) ** 2 - np.square(counts).sum()


@pytest.mark.parametrize("metric", METRICS)
def test_R_LIB_8_only_the_greatest_are_kept_and_all_above_the_floor_are_there(metric: Metric) -> None:
    random = np.random.default_rng(5)
    vectors, persons = random.normal(size=(90, 8)).astype(np.float32) * 0.3, np.arange(90) // 2
    full, found = scanned(vectors, persons, metric), scanned(vectors, persons, metric, tail=100)
    assert 90 <= len(found.tail.scores) <= 100
    assert found.tail.floor > 0
    above = full.tail.scores[full.tail.scores > found.tail.floor + 1e-9]
    assert np.allclose(above, found.tail.scores)


def test_R_LIB_8_large_galleries_are_sampled_by_a_seed_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "FEWEST_STRANGERS", 2)
    random = np.random.default_rng(5)
    vectors, persons = random.normal(size=(60, 8)).astype(np.float32), np.arange(60) // 2
    found = scanned(vectors, persons, Metric.COSINE, max_comparisons=60 * 20, seed=1)
    assert found.probed.sum() == 10
    assert (np.isnan(found.other) == ~found.probed[persons]).all()
    assert len(found.tail.scores) == 20 * 29
    again = scanned(vectors, persons, Metric.COSINE, max_comparisons=60 * 20, seed=1)
    other = scanned(vectors, persons, Metric.COSINE, max_comparisons=60 * 20, seed=2)
    assert (again.probed == found.probed).all()
    assert (other.probed != found.probed).any()


def test_R_LIB_8_a_vector_of_zeros_is_like_nobody() -> None:
    vectors = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    found = scanned(vectors, np.arange(3), Metric.COSINE)
    assert found.other == pytest.approx([0.5, 0.5, 0.5])


def test_R_LIB_8_one_person_cannot_be_compared_with_others() -> None:
    with pytest.raises(ValueError, match="two persons"):
        PairScan(np.ones((3, 2), np.float32), np.zeros(3, np.int64), Metric.COSINE, ScanLimits(ALL))
