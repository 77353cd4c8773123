"""Exact search against brute force in float64, whatever was added and removed before or meanwhile."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianpu.packs.metric import Metric
from lianpu.vectors import exact
from lianpu.vectors.blocks import FEW_PROBES, PROBES_AT_ONCE
from lianpu.vectors.exact import SPARE_CANDIDATES, ExactIndex
from lianpu.vectors.index import IndexedEmbedding
from tests.vectors.brute_force import DIMENSION, assert_answers, best_values, some_rows


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(list(Metric)),
    steps=st.lists(st.tuples(st.sampled_from(("add", "add_matrix", "remove")), st.integers(1, 120)), max_size=12),
    persons=st.sampled_from((1, 7, 60)),
    distinct_vectors=st.sampled_from((3, 500)),
    top_k=st.integers(1, 80),
    threads=st.sampled_from((1, 3)),
)
def test_R_LIB_11_search_equals_brute_force_after_any_adds_and_removes(
    seed: int,
    metric: Metric,
    steps: list[tuple[str, int]],
    persons: int,
    distinct_vectors: int,
    top_k: int,
    threads: int,
) -> None:
    """Few distinct vectors make ties; few persons own many rows each; blocks of 16 rows are left and moved often."""
    random = np.random.default_rng(seed)
    pool = random.standard_normal((distinct_vectors, DIMENSION)).astype(np.float32)
    index, rows = ExactIndex(DIMENSION, metric, threads=threads, block_rows=16), dict[str, IndexedEmbedding]()
    for action, count in steps:
        ids = [f"e{random.integers(200)}" for _ in range(count)]
        if action == "remove":
            index.remove(ids)
            rows = {key: row for key, row in rows.items() if key not in ids}
        else:
            new = [IndexedEmbedding(key, f"p{random.integers(persons)}", random.choice(pool)) for key in ids]
            if action == "add":
                index.add(new)
            else:
                index.add_matrix(ids, [row.person_id for row in new], np.stack([row.vector for row in new]))
            rows |= {row.embedding_id: row for row in new}
        assert_answers(index, rows, np.stack([random.choice(pool), random.standard_normal(DIMENSION)]), top_k)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("block_rows", [64, 1024])
def test_R_LIB_11_a_person_with_hundreds_of_rows_hides_nobody(metric: Metric, block_rows: int) -> None:
    rows = some_rows(300)
    crowd = [
        IndexedEmbedding(f"c{at}", "crowd", rows[0].vector + np.float32(1e-4 * at) * rows[1].vector)
        for at in range(500)
    ]
    index = ExactIndex(DIMENSION, metric, block_rows=block_rows)
    index.add([*crowd, *rows])
    assert_answers(index, {row.embedding_id: row for row in (*rows, *crowd)}, rows[0].vector[None], 10)


@pytest.mark.parametrize("faces", [1, FEW_PROBES, FEW_PROBES + 1, PROBES_AT_ONCE, 2 * PROBES_AT_ONCE + 1])
def test_R_LIB_11_many_faces_are_answered_as_each_alone(faces: int) -> None:
    rows = some_rows(3000, rows_per_person=2)
    index = ExactIndex(DIMENSION, Metric.COSINE, block_rows=2048)
    index.add(rows)
    probes = np.stack([row.vector for row in rows[:faces]])
    assert_answers(index, {row.embedding_id: row for row in rows}, probes, 5)


def test_R_LIB_11_nothing_to_search_is_an_empty_answer() -> None:
    index = ExactIndex(DIMENSION, Metric.COSINE)
    assert index.search(np.ones((2, DIMENSION), np.float32), 5) == [[], []]
    assert index.search(np.empty((0, DIMENSION), np.float32), 5) == []


@pytest.mark.parametrize("shape", [(DIMENSION + 1,), (1, DIMENSION)])
def test_R_LIB_6_vector_of_another_dimension_is_refused_and_nothing_is_added(shape: tuple[int, ...]) -> None:
    index = ExactIndex(DIMENSION, Metric.COSINE)
    with pytest.raises(ValueError, match="does not fit"):
        index.add([*some_rows(3), IndexedEmbedding("e", "p", np.zeros(shape, dtype=np.float32))])
    with pytest.raises(ValueError, match="does not fit"):
        index.add_matrix(["e"], ["p"], np.zeros((1, DIMENSION + 1), dtype=np.float32))
    with pytest.raises(ValueError, match="2 ids and 1 persons"):
        index.add_matrix(["e", "f"], ["p"], np.zeros((1, DIMENSION), dtype=np.float32))
    assert len(index) == 0


def test_R_LIB_11_persons_who_come_and_go_leave_no_memory_behind() -> None:
    index = ExactIndex(DIMENSION, Metric.COSINE, block_rows=32)
    rows = some_rows(40 * 32)
    for start in range(0, len(rows), 32):
        index.add(rows[start : start + 32])
        index.remove(row.embedding_id for row in rows[max(0, start - 32) : start])
    assert len(index) == 32
    assert len(index._blocks) <= 3
    assert len(index._person_ids) <= 64
    index.remove(row.embedding_id for row in rows)
    assert_answers(index, {}, rows[0].vector[None], 3)


def disturbed(
    index: ExactIndex,
    monkeypatch: pytest.MonkeyPatch,
    *,
    before: Callable[[], Any] = int,
    after: Callable[[], Any] = int,
) -> list[None]:
    """Whoever scans without the lock is disturbed between the snapshot and the scan, or between scan and answer."""
    real, scans = exact.scan, list[None]()

    def scan(*arguments: Any) -> Any:
        scans.append(None)
        if index._lock.locked():
            return real(*arguments)
        before()
        leaders = real(*arguments)
        after()
        return leaders

    monkeypatch.setattr(exact, "scan", scan)
    return scans


@pytest.mark.parametrize("when", ["before", "after"])
def test_R_LIB_11_rows_lost_during_a_scan_make_room_for_the_next_persons(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = some_rows(200)
    index = ExactIndex(DIMENSION, Metric.COSINE, block_rows=32)
    index.add(rows)
    probe = rows[0].vector[None]
    left = {row.embedding_id: row for row in rows}

    def lose_the_nearest() -> None:
        best = best_values(left, probe[0], Metric.COSINE)
        for person in sorted(best, key=best.__getitem__, reverse=True)[: SPARE_CANDIDATES + 3]:
            index.remove([f"e{person[1:]}"])
            del left[f"e{person[1:]}"]

    scans = disturbed(index, monkeypatch, **{when: lose_the_nearest})
    assert_answers(index, left, probe, 5)
    # Disturbed before each scan is only seen as rows that are not there; after each scan, every answer is in doubt.
    assert len(scans) == (1 if when == "before" else exact.FREE_TRIES + 1)


def test_R_LIB_11_rows_that_move_during_a_scan_are_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some_rows(64)
    index = ExactIndex(DIMENSION, Metric.COSINE, block_rows=32)
    index.add(rows)
    gone = [row.embedding_id for row in rows[:20]]
    disturbed(index, monkeypatch, before=lambda: index.remove(gone))
    left = {row.embedding_id: row for row in rows[20:]}
    hits = index.search(rows[25].vector[None], 3)[0]
    assert hits[0].embedding_id == "e25"
    assert_answers(index, left, rows[25].vector[None], 3)


def test_R_LIB_11_an_embedding_that_is_replaced_during_a_scan_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some_rows(64)
    index = ExactIndex(DIMENSION, Metric.COSINE, block_rows=32)
    index.add(rows)
    moved = IndexedEmbedding("e5", "merged", rows[5].vector)
    disturbed(index, monkeypatch, before=lambda: index.add([moved]))
    assert index.search(rows[5].vector[None], 1)[0][0].person_id == "merged"


def test_R_LIB_11_rows_removed_before_a_search_are_never_answered_while_others_change() -> None:
    random = np.random.default_rng(7)
    index = ExactIndex(64, Metric.EUCLIDEAN, threads=2, block_rows=256)
    vectors = random.standard_normal((3000, 64)).astype(np.float32)
    index.add(IndexedEmbedding(f"e{i}", f"p{i // 3}", vector) for i, vector in enumerate(vectors))
    removed: set[str] = set()
    failures: list[str] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            before = set(removed)
            for at, hits in enumerate(index.search(vectors[2400:2408], 5), 2400):
                failures.extend(hit.embedding_id for hit in hits if hit.embedding_id in before)
                # Nobody took this one: it is found whatever happens to the others.
                if hits[0].embedding_id != f"e{at}":
                    failures.append(f"e{at} missed")

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(2400):
        index.remove([f"e{i}"])
        removed.add(f"e{i}")
        if i % 8 == 0:
            index.add([IndexedEmbedding(f"new{i}", f"n{i}", vectors[i] + np.float32(9))])
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(index) == 900
