"""The map between a pack's own metric and the score 0…1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.packs.metric import Metric, raw_of, score_of

COSINES = st.floats(-1, 1)
# Wider than any pack's embeddings lie apart; below 1e-6 the score is 1 to the last digit.
DISTANCES = st.floats(1e-6, 20)
SCORES = st.floats(1e-12, 1 - 1e-12)


@given(COSINES, COSINES)
def test_R_LIB_cosine_score_is_monotone(a: float, b: float) -> None:
    scores = score_of(Metric.COSINE, a), score_of(Metric.COSINE, b)
    assert all(0 <= score <= 1 for score in scores)
    if a - b > 1e-15:
        assert scores[0] > scores[1]


@given(DISTANCES, DISTANCES)
def test_R_LIB_euclidean_score_falls_strictly_with_distance(a: float, b: float) -> None:
    nearer, farther = sorted((a, b))
    scores = score_of(Metric.EUCLIDEAN, nearer), score_of(Metric.EUCLIDEAN, farther)
    assert 0 <= scores[1] <= scores[0] <= 1
    if farther - nearer > 1e-6:
        assert scores[0] > scores[1]


@given(st.sampled_from(Metric), SCORES)
def test_R_LIB_a_threshold_may_be_given_in_either_unit(metric: Metric, score: float) -> None:
    assert score_of(metric, raw_of(metric, score)) == pytest.approx(score, rel=1e-9, abs=1e-12)


@given(st.lists(st.floats(0, 3), min_size=2, max_size=20))
def test_R_LIB_arrays_give_the_same_as_numbers(raws: list[float]) -> None:
    for metric in Metric:
        scores = score_of(metric, np.array(raws, np.float32))
        assert scores.dtype == np.float64
        assert scores.tolist() == [score_of(metric, float(np.float32(raw))) for raw in raws]


def test_R_LIB_fixed_points() -> None:
    assert score_of(Metric.COSINE, 1.0) == 1 == score_of(Metric.EUCLIDEAN, 0.0)
    assert score_of(Metric.COSINE, -1.0) == 0 == score_of(Metric.EUCLIDEAN, 1e9)
    assert score_of(Metric.COSINE, 1.0000001) == 1
    assert raw_of(Metric.EUCLIDEAN, 0.0) == float("inf")
    assert raw_of(Metric.EUCLIDEAN, 1.0) == 0
    assert score_of(Metric.EUCLIDEAN, 0.6) == pytest.approx(0.6977, abs=1e-4)
    assert isinstance(score_of(Metric.COSINE, np.float32(0.5)), float)
