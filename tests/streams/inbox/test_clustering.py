"""R-LIB 13: clusters from their sums alone are what average linkage over all members says."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.packs.metric import Metric, score_of
from lianpu.streams.inbox.clustering import Clustering

DIMENSION = 16
Vectors = NDArray[np.float32]


def linkage(metric: Metric, some: Vectors, others: Vectors) -> float:
    """The score of the mean over all pairs, looked at one by one."""
    some, others = some.astype(np.float64), others.astype(np.float64)
    if metric is Metric.COSINE:
        some = some / np.linalg.norm(some, axis=1, keepdims=True)
        others = others / np.linalg.norm(others, axis=1, keepdims=True)
        return score_of(metric, float((some @ others.T).mean()))
    squares = np.square(some[:, None] - others[None]).sum(axis=2)
    return score_of(metric, float(np.sqrt(squares.mean())))


def filled(metric: Metric, members: dict[str, Vectors]) -> Clustering:
    clustering = Clustering(metric, DIMENSION)
    for cluster_id, vectors in members.items():
        for vector in vectors:
            clustering.add(cluster_id, vector)
    return clustering


@pytest.fixture(params=[Metric.COSINE, Metric.EUCLIDEAN])
def metric(request: pytest.FixtureRequest) -> Metric:
    return request.param


@pytest.fixture
def members() -> dict[str, Vectors]:
    """A hundred clusters, of one to six vectors of different lengths."""
    random = np.random.default_rng(7)
    return {
        f"c{number}": (0.3 * random.normal(size=(1 + number % 6, DIMENSION))).astype(np.float32)
        for number in range(100)
    }


def best(metric: Metric, probe: Vectors, members: dict[str, Vectors]) -> tuple[str, float]:
    scores = {cluster_id: linkage(metric, probe, vectors) for cluster_id, vectors in members.items()}
    winner = max(scores, key=lambda cluster_id: scores[cluster_id])
    return winner, scores[winner]


def assert_agrees(metric: Metric, clustering: Clustering, members: dict[str, Vectors]) -> None:
    assert len(clustering) == len(members)
    probe = np.random.default_rng(3).normal(size=(1, DIMENSION)).astype(np.float32)
    found = clustering.nearest(probe[0], 0.0)
    assert found is not None
    assert (found.cluster_id, pytest.approx(found.score)) == best(metric, probe, members)
    for cluster_id in list(members)[::17]:
        others = {one: vectors for one, vectors in members.items() if one != cluster_id}
        met = clustering.meeting(cluster_id, 0.0, ())
        assert met is not None
        assert (met.cluster_id, pytest.approx(met.score)) == best(metric, members[cluster_id], others)


def test_R_LIB_13_the_nearest_cluster_is_the_one_of_the_best_mean_over_its_members(
    metric: Metric, members: dict[str, Vectors]
) -> None:
    assert_agrees(metric, filled(metric, members), members)


def test_R_LIB_13_merging_and_taking_out_leave_what_the_members_that_are_left_say(
    metric: Metric, members: dict[str, Vectors]
) -> None:
    clustering = filled(metric, members)
    for into, other in (("c3", "c99"), ("c5", "c0"), ("c98", "c4")):
        clustering.merge(into, other)
        members[into] = np.concatenate([members[into], members.pop(other)])
    for cluster_id in ("c6", "c12", "c11"):
        for vector in members[cluster_id][:1]:
            clustering.remove(cluster_id, vector)
        members[cluster_id] = members[cluster_id][1:]
    members = {cluster_id: vectors for cluster_id, vectors in members.items() if len(vectors)}
    assert "c6" not in clustering  # it had one
    assert "c11" in clustering
    assert_agrees(metric, clustering, members)


def test_R_LIB_13_below_the_threshold_nobody_is_near(metric: Metric, members: dict[str, Vectors]) -> None:
    clustering = filled(metric, members)
    vector = members["c6"][0]
    found = clustering.nearest(vector, 1.0)
    assert found is not None
    assert found.cluster_id == "c6"
    assert clustering.nearest(-vector, 0.999) is None
    assert Clustering(metric, DIMENSION).nearest(vector, 0.0) is None


def test_R_LIB_13_who_is_to_stay_apart_is_not_met(metric: Metric, members: dict[str, Vectors]) -> None:
    clustering = filled(metric, {"one": members["c5"], "twin": members["c5"], "other": members["c4"]})
    met = clustering.meeting("one", 0.0, ())
    assert met is not None
    assert met.cluster_id == "twin"
    met = clustering.meeting("one", 0.0, {"twin", "gone meanwhile"})
    assert met is not None
    assert met.cluster_id == "other"
    assert clustering.meeting("one", 0.0, {"twin", "other"}) is None
