"""Searches for one face's embedding in a second, in the gallery's index or in one that is made up."""

import threading

import numpy as np

from lianpu.capacity.rate import Rate, rate_of, warm_up
from lianpu.packs.metric import Metric
from lianpu.vectors.exact import ExactIndex
from lianpu.vectors.index import VectorIndex

MADE_UP_ROWS = 100_000
_CHUNK_ROWS = 16_384
_ROWS_PER_PERSON = 2
_TOP_K = 5
_PROBES = 64


def made_up_index(dimension: int, metric: Metric, *, threads: int, rows: int = MADE_UP_ROWS) -> ExactIndex:
    """An exact index of random vectors of length 1, two rows a person."""
    index = ExactIndex(dimension, metric, threads=threads)
    random = np.random.default_rng(0)
    for start in range(0, rows, _CHUNK_ROWS):
        numbers = range(start, min(rows, start + _CHUNK_ROWS))
        vectors = _unit_vectors(random, len(numbers), dimension)
        persons = [f"p{number // _ROWS_PER_PERSON}" for number in numbers]
        index.add_matrix([f"e{number}" for number in numbers], persons, vectors)
    return index


def searches_rate(index: VectorIndex, callers: int, seconds: float) -> Rate:
    """
    Raises:
        VectorIndexUnavailableError: the index lies elsewhere, and is away.
    """
    probes = _unit_vectors(np.random.default_rng(1), _PROBES, index.dimension)
    # An index that keeps its last answer must not be asked the same again; each caller has its turn of the probes.
    turn = threading.local()

    def search() -> None:
        turn.number = getattr(turn, "number", -1) + 1
        index.search(probes[turn.number % _PROBES][None], _TOP_K)

    warm_up(search, callers)
    return rate_of(search, callers, seconds)


def _unit_vectors(random: np.random.Generator, count: int, dimension: int) -> np.ndarray:
    vectors = random.standard_normal((count, dimension), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
