"""Exact search against brute force in float64, whatever was added and removed before."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianpu.packs.metric import Metric
from lianpu.vectors import exact
from lianpu.vectors.exact import ExactIndex
from lianpu.vectors.index import IndexedEmbedding

DIMENSION = 16
Rows = dict[str, IndexedEmbedding]


def brute_force(rows: Rows, probe: np.ndarray, metric: Metric, top_k: int) -> list[tuple[str, float]]:
    best: dict[str, float] = {}
    for row in rows.values():
        vector, query = row.vector.astype(np.float64), probe.astype(np.float64)
        if metric is Metric.EUCLIDEAN:
            value = float(np.linalg.norm(vector - query))
            best[row.person_id] = min(best.get(row.person_id, np.inf), value)
        else:
            value = float(vector @ query / np.linalg.norm(vector) / np.linalg.norm(query))
            best[row.person_id] = max(best.get(row.person_id, -np.inf), value)
    return sorted(best.items(), key=lambda item: item[1], reverse=metric is Metric.COSINE)[:top_k]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(list(Metric)),
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=12),
    top_k=st.integers(1, 8),
)
def test_R_LIB_11_search_equals_brute_force_after_any_adds_and_removes(
    seed: int, metric: Metric, steps: list[tuple[bool, int]], top_k: int
) -> None:
    random = np.random.default_rng(seed)
    index, rows = ExactIndex(DIMENSION, metric), dict[str, IndexedEmbedding]()
    # Small blocks, so that several of them and a compaction are met.
    exact.BLOCK_ROWS = 16
    try:
        for adds, count in steps:
            if adds:
                new = [
                    IndexedEmbedding(
                        f"e{random.integers(80)}",
                        f"p{random.integers(12)}",
                        random.standard_normal(DIMENSION).astype(np.float32),
                    )
                    for _ in range(count)
                ]
                index.add(new)
                rows |= {row.embedding_id: row for row in new}
            else:
                gone = [f"e{random.integers(80)}" for _ in range(count)]
                index.remove(gone)
                rows = {key: row for key, row in rows.items() if key not in gone}
            probes = random.standard_normal((2, DIMENSION)).astype(np.float32)
            assert len(index) == len(rows)
            for probe, hits in zip(probes, index.search(probes, top_k), strict=True):
                wanted = brute_force(rows, probe, metric, top_k)
                assert [hit.person_id for hit in hits] == [person for person, _ in wanted]
                assert [hit.raw_value for hit in hits] == pytest.approx([value for _, value in wanted], abs=2e-6)
    finally:
        exact.BLOCK_ROWS = 16_384


def test_R_LIB_6_vector_of_another_dimension_is_refused() -> None:
    index = ExactIndex(DIMENSION, Metric.COSINE)
    with pytest.raises(ValueError, match="does not fit"):
        index.add([IndexedEmbedding("e", "p", np.zeros(DIMENSION + 1, dtype=np.float32))])
    assert len(index) == 0


def test_R_LIB_11_rows_removed_before_a_search_are_never_answered_while_others_change() -> None:
    random = np.random.default_rng(7)
    index = ExactIndex(64, Metric.EUCLIDEAN)
    vectors = random.standard_normal((3000, 64)).astype(np.float32)
    index.add(IndexedEmbedding(f"e{i}", f"p{i // 3}", vector) for i, vector in enumerate(vectors))
    removed: set[str] = set()
    failures: list[str] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            before = set(removed)
            for hits in index.search(vectors[:8], 5):
                failures.extend(hit.embedding_id for hit in hits if hit.embedding_id in before)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(2400):
        index.remove([f"e{i}"])
        removed.add(f"e{i}")
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(index) == 600
