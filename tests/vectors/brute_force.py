"""What an index must answer: every row compared with every probe, in float64."""

import numpy as np
import pytest

from lianpu.packs.metric import Metric
from lianpu.vectors.index import IndexedEmbedding, VectorIndex

DIMENSION = 64
Rows = dict[str, IndexedEmbedding]


def value_of(vector: np.ndarray, probe: np.ndarray, metric: Metric) -> float:
    vector, probe = vector.astype(np.float64), probe.astype(np.float64)
    if metric is Metric.EUCLIDEAN:
        return float(np.linalg.norm(vector - probe))
    return float(vector @ probe / np.linalg.norm(vector) / np.linalg.norm(probe))


def best_values(rows: Rows, probe: np.ndarray, metric: Metric) -> dict[str, float]:
    """The best value of every person, by brute force."""
    better = min if metric is Metric.EUCLIDEAN else max
    best: dict[str, float] = {}
    for row in rows.values():
        value = value_of(row.vector, probe, metric)
        best[row.person_id] = better(best.get(row.person_id, value), value)
    return best


def assert_answers(index: VectorIndex, rows: Rows, probes: np.ndarray, top_k: int) -> None:
    """Persons of equal value may come in any order and, at the end, instead of each other; values may not differ."""
    assert len(index) == len(rows)
    for probe, hits in zip(probes, index.search(probes, top_k), strict=True):
        best = best_values(rows, probe, index.metric)
        wanted = sorted(best.values(), reverse=index.metric is Metric.COSINE)[:top_k]
        assert [hit.raw_value for hit in hits] == pytest.approx(wanted, abs=2e-6)
        assert len({hit.person_id for hit in hits}) == len(hits)
        for hit in hits:
            row = rows[hit.embedding_id]
            assert row.person_id == hit.person_id
            assert hit.raw_value == pytest.approx(best[hit.person_id], abs=2e-6)
            assert hit.raw_value == pytest.approx(value_of(row.vector, probe, index.metric), abs=2e-6)


def some_rows(count: int, *, rows_per_person: int = 1, seed: int = 3) -> list[IndexedEmbedding]:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return [IndexedEmbedding(f"e{at}", f"p{at // rows_per_person}", vector) for at, vector in enumerate(vectors)]
