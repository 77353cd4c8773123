"""R-OPS 3: what every vector index does, whatever it is made of."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lianpu.packs.metric import Metric
from lianpu.vectors.exact import ExactIndex
from lianpu.vectors.index import IndexedEmbedding, VectorIndex
from lianpu.vectors.milvus import Milvus, MilvusAddress, MilvusIndex
from tests.vectors.brute_force import DIMENSION, assert_answers, some_rows

Make = Callable[[Metric], VectorIndex]
RANDOM = np.random.default_rng(5)


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milvus]:
    pytest.importorskip("milvus_lite")
    opened = Milvus(MilvusAddress.of_file(tmp_path_factory.mktemp("milvus") / "index.db"))
    yield opened
    opened.close()


@pytest.fixture(params=["exact", "milvus"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    if request.param == "exact":
        yield lambda metric: ExactIndex(DIMENSION, metric)
        return
    milvus: Milvus = request.getfixturevalue("milvus")
    name = request.node.name
    yield lambda metric: MilvusIndex(milvus, f"{name}-{metric}", DIMENSION, metric)


def probes(count: int) -> np.ndarray:
    return RANDOM.standard_normal((count, DIMENSION)).astype(np.float32)


@pytest.mark.parametrize("metric", list(Metric))
def test_R_OPS_3_each_person_is_found_by_the_best_row_in_the_packs_metric(make: Make, metric: Metric) -> None:
    index = make(metric)
    rows = some_rows(300, rows_per_person=7)
    index.add(rows)
    assert_answers(index, {row.embedding_id: row for row in rows}, probes(5), 9)


@pytest.mark.parametrize("metric", list(Metric))
def test_R_OPS_3_a_person_who_owns_all_the_nearest_rows_hides_nobody(make: Make, metric: Metric) -> None:
    index = make(metric)
    probe = probes(1)
    near = [IndexedEmbedding(f"n{at}", "many", (probe[0] * (1 + at / 1000)).astype(np.float32)) for at in range(200)]
    rows = [*near, *some_rows(6)]
    index.add(rows)
    assert_answers(index, {row.embedding_id: row for row in rows}, probe, 4)
    assert_answers(index, {row.embedding_id: row for row in rows}, probe, 50)


def test_R_OPS_3_a_row_that_is_added_again_is_replaced_and_one_that_is_removed_is_gone(make: Make) -> None:
    index = make(Metric.COSINE)
    rows = {row.embedding_id: row for row in some_rows(40, rows_per_person=2)}
    index.add(rows.values())
    rows["e3"] = IndexedEmbedding("e3", "somebody else, 张三 \"'\\", probes(1)[0])
    index.add([rows["e3"]])
    index.remove(["e4", "e5", "nothing"])
    del rows["e4"], rows["e5"]
    assert_answers(index, rows, probes(3), 30)
    assert index.owners() == {row.embedding_id: row.person_id for row in rows.values()}
    assert [index.holds(one) for one in ("e3", "e4", "nothing")] == [True, False, False]


def test_R_OPS_3_matrices_and_rows_are_the_same(make: Make) -> None:
    index = make(Metric.EUCLIDEAN)
    rows = some_rows(50)
    ids, persons = [row.embedding_id for row in rows], [row.person_id for row in rows]
    index.add_matrix(ids, persons, np.stack([row.vector for row in rows]))
    assert_answers(index, {row.embedding_id: row for row in rows}, probes(2), 5)
    with pytest.raises(ValueError):
        index.add_matrix(["x"], ["y"], np.ones((1, DIMENSION + 1), np.float32))
    with pytest.raises(ValueError):
        index.add_matrix(["x", "z"], ["y"], np.ones((1, DIMENSION), np.float32))
    assert len(index) == 50


def test_R_OPS_3_an_empty_index_answers_nobody(make: Make) -> None:
    index = make(Metric.COSINE)
    assert (len(index), index.owners()) == (0, {})
    assert index.search(probes(2), 5) == [[], []]
    assert index.search(np.empty((0, DIMENSION), np.float32), 5) == []
    index.add(some_rows(3))
    assert index.search(probes(1), 0) == [[]]
    index.remove(["e0", "e1", "e2"])
    assert index.search(probes(1), 5) == [[]]


def test_R_OPS_3_milvus_keeps_what_it_holds_and_what_does_not_fit_is_made_anew(tmp_path: Path) -> None:
    pytest.importorskip("milvus_lite")
    address = MilvusAddress.of_file(tmp_path / "index.db")
    rows = {row.embedding_id: row for row in some_rows(1100, rows_per_person=3)}
    milvus = Milvus(address)
    MilvusIndex(milvus, "alpha@1", DIMENSION, Metric.COSINE).add(rows.values())
    milvus.close()
    milvus = Milvus(address)
    try:
        index = MilvusIndex(milvus, "alpha@1", DIMENSION, Metric.COSINE)
        assert len(index.owners()) == 1100
        assert_answers(index, rows, probes(2), 5)
        assert len(MilvusIndex(milvus, "alpha@2", DIMENSION, Metric.COSINE)) == 0
        assert len(MilvusIndex(milvus, "alpha@1", DIMENSION, Metric.EUCLIDEAN)) == 0
        assert len(MilvusIndex(milvus, "alpha@1", DIMENSION + 1, Metric.EUCLIDEAN)) == 0
    finally:
        milvus.close()


def test_R_OPS_3_the_address_of_a_milvus_is_told_without_its_token() -> None:
    address = MilvusAddress.of_url("https://root:p%40ss@milvus.example:19530/faces")
    assert (address.uri, address.token, address.database) == ("https://milvus.example:19530", "root:p@ss", "faces")
    assert "p@ss" not in repr(address)
    assert MilvusAddress.of_url("http://tokenalone@milvus:19530").token == "tokenalone"
