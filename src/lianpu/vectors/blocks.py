"""Rows of an exact index in blocks: float32 vectors, and beside them their int8 codes."""

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.metric import Metric
from lianpu.vectors.codes import encoded

FEW_PROBES = 8
"""Up to here a dot product for each row and probe is quicker than a matrix product."""
PROBES_AT_ONCE = 20
BLAS_SINGLE_THREAD_PRODUCTS = 2**18
"""OpenBLAS multiplies matrices of up to so many scalar products in the thread that calls it. Above, it wakes threads of
its own, which get into each other's way when several callers do so at once."""


class RowCodes:
    """The codes of a block's rows, as `codes.Codes` says, and the greatest of their bounds."""

    def __init__(self, rows: int, dimension: int) -> None:
        self.values = np.empty((rows, dimension), np.int8)
        self.steps = np.empty(rows, np.float32)
        self.errors = np.empty(rows, np.float32)
        self.lengths = np.empty(rows, np.float32)
        self.largest_error = 0.0
        self.largest_length = 0.0

    def write(self, at: slice, vectors: NDArray[np.float32]) -> None:
        codes = encoded(vectors)
        self.values[at], self.steps[at] = codes.values, codes.steps
        self.errors[at], self.lengths[at] = codes.errors, codes.lengths
        self.largest_error = max(self.largest_error, float(codes.errors.max()))
        self.largest_length = max(self.largest_length, float(codes.lengths.max()))


class RowBlock:
    """A fixed number of rows, each written once before `used` counts it and never moved.

    A row that is removed is marked `dead`. A block whose living rows were copied to others is `retired`: its flags and
    vectors stay as they were, for the scans that still read it.
    """

    def __init__(self, rows: int, dimension: int, *, with_codes: bool) -> None:
        self.vectors = np.empty((rows, dimension), dtype=np.float32)
        self.squares = np.empty(rows, dtype=np.float32)
        self.codes = RowCodes(rows, dimension) if with_codes else None
        self.persons = np.empty(rows, dtype=np.int32)
        self.embedding_ids: list[str] = []
        self.dead = np.zeros(rows, dtype=np.bool_)
        self.dead_count = 0
        self.used = 0
        self.retired = False

    def write(self, vectors: NDArray[np.float32]) -> None:
        """Append rows that there is room for; their persons and ids have been written."""
        added = slice(self.used, self.used + len(vectors))
        self.vectors[added] = vectors
        self.squares[added] = np.vecdot(vectors, vectors)
        if self.codes is not None:
            self.codes.write(added, vectors)
        self.used = added.stop

    def distances(self, used: int, probes: NDArray[np.float32], metric: Metric) -> NDArray[np.float32]:
        """[n, used]: less is nearer, infinite is dead. For cosine -p·v, for Euclidean |v|² - 2 p·v."""
        products = _products(self.vectors[:used], probes)
        # |p|² is left out: it is the same for every row.
        distances = np.ascontiguousarray(products.T)
        distances *= -2.0 if metric is Metric.EUCLIDEAN else -1.0
        if metric is Metric.EUCLIDEAN:
            distances += self.squares[:used]
        distances[:, np.flatnonzero(self.dead[:used])] = np.inf
        return distances

    def distances_of_pairs(
        self, rows: NDArray[np.intp], probes: NDArray[np.float32], metric: Metric
    ) -> NDArray[np.float32]:
        """[m] as `distances`, each row with a probe of its own ([m, dimension]); the dead like the living."""
        products = np.vecdot(self.vectors[rows], probes)
        return -products if metric is Metric.COSINE else self.squares[rows] - 2.0 * products


def _products(rows: NDArray[np.float32], probes: NDArray[np.float32]) -> NDArray[np.float32]:
    """[rows, probes], in this thread alone and without the interpreter."""
    if len(probes) <= FEW_PROBES:
        return np.vecdot(rows[:, None], probes[None])
    products = np.empty((len(rows), len(probes)), np.float32)
    dimension = rows.shape[1]
    for start in range(0, len(probes), PROBES_AT_ONCE):
        some = probes[start : start + PROBES_AT_ONCE]
        height = max(1, BLAS_SINGLE_THREAD_PRODUCTS // (dimension * len(some)))
        even = len(rows) // height * height
        into = products[:, start : start + PROBES_AT_ONCE]
        into[:even] = np.matmul(rows[:even].reshape(-1, height, dimension), some.T).reshape(even, len(some))
        into[even:] = np.vecdot(rows[even:, None], some[None])
    return products
