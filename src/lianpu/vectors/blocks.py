"""Rows of an exact index in blocks, and the scan that finds the persons nearest to a probe in them."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.metric import Metric

FEW_PROBES = 8
"""Up to here a dot product for each row and probe is quicker than a matrix product."""
PROBES_AT_ONCE = 20
BLAS_SINGLE_THREAD_PRODUCTS = 2**18
"""OpenBLAS multiplies matrices of up to so many scalar products in the thread that calls it. Above, it wakes threads of
its own, which get into each other's way when several callers do so at once."""


class RowBlock:
    """A fixed number of rows, each written once before `used` counts it and never moved.

    A row that is removed is marked `dead`. A block whose living rows were copied to others is `retired`: its flags and
    vectors stay as they were, for the scans that still read it.
    """

    def __init__(self, rows: int, dimension: int) -> None:
        self.vectors = np.empty((rows, dimension), dtype=np.float32)
        self.squares = np.empty(rows, dtype=np.float32)
        self.persons = np.empty(rows, dtype=np.int32)
        self.embedding_ids: list[str] = []
        self.dead = np.zeros(rows, dtype=np.bool_)
        self.dead_count = 0
        self.used = 0
        self.retired = False

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


@dataclass(frozen=True, slots=True)
class Leaders:
    """Persons nearest to one probe, nearest first, each by the nearest of its rows."""

    distances: NDArray[np.float32]
    persons: NDArray[np.int32]
    rows: NDArray[np.int64]
    """Number of the block in the scan, times the rows of a block, plus the row in it."""

    def bound(self, wanted: int) -> float:
        """A row that is not nearer than this leads nobody."""
        return float(self.distances[wanted - 1]) if len(self.persons) >= wanted else np.inf


NOBODY = Leaders(np.empty(0, np.float32), np.empty(0, np.int32), np.empty(0, np.int64))


def scan(
    blocks: Sequence[tuple[RowBlock, int]],
    probes: NDArray[np.float32],
    metric: Metric,
    wanted: int,
    helpers: ThreadPoolExecutor | None,
    threads: int,
) -> list[Leaders]:
    """The `wanted` nearest persons of each probe, or all if there are fewer.

    Every block is read once for all probes. The caller's thread works beside up to `threads - 1` of the `helpers`, and
    waits for none that has not begun.

    Args:
        blocks: with how many of their rows are looked at.
        probes: [n, dimension], normalised where the metric is cosine.
    """
    left = deque(enumerate(blocks))

    def work() -> list[Leaders]:
        found = [NOBODY] * len(probes)
        while True:
            try:
                number, (block, used) = left.popleft()
            except IndexError:
                return found
            first_row = number * len(block.vectors)
            for at, distances in enumerate(block.distances(used, probes, metric)):
                found[at] = _with_block(found[at], distances, block.persons, first_row, wanted)

    helping = min(threads, len(blocks)) - 1
    futures = [helpers.submit(work) for _ in range(helping)] if helpers is not None else []
    found = work()
    for future in futures:
        if not future.cancel():
            found = [_merged(mine, theirs, wanted) for mine, theirs in zip(found, future.result(), strict=True)]
    return found


def _with_block(
    leaders: Leaders, distances: NDArray[np.float32], persons: NDArray[np.int32], first_row: int, wanted: int
) -> Leaders:
    nearer = np.flatnonzero(distances < leaders.bound(wanted))
    if not len(nearer):
        return leaders

    def nearest_of(rows: NDArray[np.intp]) -> Leaders:
        return _leading(distances[rows], persons[rows], rows + first_row, wanted)

    return _merged(leaders, _from_nearest_rows(nearer, distances, nearest_of, wanted), wanted)


def _from_nearest_rows(
    rows: NDArray[np.intp],
    distances: NDArray[np.float32],
    leaders_of: Callable[[NDArray[np.intp]], Leaders],
    wanted: int,
) -> Leaders:
    """A person may own many rows: more of the nearest are taken until they show `wanted` persons, or are all."""
    count = 4 * wanted
    while count < len(rows):
        nearest = rows[np.argpartition(distances[rows], count - 1)[:count]]
        leaders = leaders_of(nearest)
        if len(leaders.persons) == wanted:
            return leaders
        count *= 8
    return leaders_of(rows)


def _merged(first: Leaders, second: Leaders, wanted: int) -> Leaders:
    if not len(first.persons) or not len(second.persons):
        return first if len(first.persons) else second
    return _leading(
        np.concatenate((first.distances, second.distances)),
        np.concatenate((first.persons, second.persons)),
        np.concatenate((first.rows, second.rows)),
        wanted,
    )


def _leading(
    distances: NDArray[np.float32], persons: NDArray[np.int32], rows: NDArray[np.int64], wanted: int
) -> Leaders:
    order = np.argsort(distances, kind="stable")
    firsts = np.unique(persons[order], return_index=True)[1]
    firsts.sort()
    chosen = order[firsts[:wanted]]
    return Leaders(distances[chosen], persons[chosen], rows[chosen])
