"""One pass over blocks of rows: it finds the persons nearest to each of some probes, as measuring all in float32 does.

Where blocks have codes, these are compared first. A row whose certain bound says that it leads nobody is done with; the
others are measured in float32. Where too many are left of a block, because its rows lie closer together than codes can
tell, the whole block is.
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.metric import Metric
from lianpu.vectors.blocks import RowBlock, RowCodes
from lianpu.vectors.codes import ProbeBounds, encoded
from lianpu.vectors.int8 import ProbeProducts

SEED_ROWS = 4
"""Rows for each wanted person that are measured first, so that there is a reach."""
CROWD_SHARE = 16
"""More than one row in so many, for one probe, is a crowd: measuring them one by one takes longer than the block."""
UNSETTLED_ROWS = 128
"""For each probe. Measured later, fewer of those that wait are still open; measured sooner, fewer are left open."""

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Leaders:
    """Persons nearest to one probe, nearest first, each by the nearest of its rows."""

    distances: NDArray[np.float32]
    persons: NDArray[np.int32]
    rows: NDArray[np.int64]
    """Number of the block in the scan, times the rows of a block, plus the row in it."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """Rows with their distances from probes: m pairs."""

    at: Places
    """[m] number of the probe."""
    distances: NDArray[np.float32]
    persons: NDArray[np.int32]
    rows: NDArray[np.int64]
    """As of `Leaders`."""

    def __getitem__(self, chosen: Places | NDArray[np.bool_] | slice) -> "_Measured":
        return _Measured(self.at[chosen], self.distances[chosen], self.persons[chosen], self.rows[chosen])

    @staticmethod
    def joined(parts: "Sequence[_Measured]") -> "_Measured":
        return _Measured(
            np.concatenate([part.at for part in parts]),
            np.concatenate([part.distances for part in parts]),
            np.concatenate([part.persons for part in parts]),
            np.concatenate([part.rows for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """Rows of one block whose codes leave open whether they lead."""

    block: RowBlock
    first_row: int
    at: Places
    rows: Places
    lowest: NDArray[np.float64]
    """No distance will be less."""


NOTHING = _Measured(np.empty(0, np.intp), np.empty(0, np.float32), np.empty(0, np.int32), np.empty(0, np.int64))


class Search:
    """What a pass looks for."""

    def __init__(self, probes: NDArray[np.float32], metric: Metric, wanted: int, library: ModuleType | None) -> None:
        """
        Args:
            probes: [n, dimension], normalised where the metric is cosine.
            metric: by which they are near.
            wanted: persons for each probe.
            library: as of `Int8Choice`; None: the blocks have no codes.
        """
        self.probes = probes
        self.metric = metric
        self.wanted = wanted
        self.library = library
        self.codes = encoded(probes)
        self.bounds = ProbeBounds(self.codes, metric)
        self.factors = self.codes.steps[:, None] * np.float32(-2.0 if metric is Metric.EUCLIDEAN else -1.0)
        """[n, 1] what makes a distance of a product with the probes' codes, but for the rows' squares."""


def scan(
    blocks: Sequence[tuple[RowBlock, int]], search: Search, helpers: ThreadPoolExecutor | None, threads: int
) -> list[Leaders]:
    """The wanted nearest persons of each probe, or all if there are fewer.

    Every block is read once for all probes. The caller's thread works beside up to `threads - 1` of the `helpers`, and
    waits for none that has not begun.

    Args:
        blocks: with how many of their rows are looked at.
    """
    left = deque(enumerate(blocks))
    reach = np.full(len(search.probes), np.inf, np.float32)

    def work() -> _Measured:
        worker: _Worker | None = None
        while True:
            try:
                number, (block, used) = left.popleft()
            except IndexError:
                return NOTHING if worker is None else worker.leaders()
            worker = worker or _Worker(search, reach, len(block.vectors))
            worker.look_at(block, used, number * len(block.vectors))

    helping = min(threads, len(blocks)) - 1
    futures = [helpers.submit(work) for _ in range(helping)] if helpers is not None else []
    parts = [work(), *(future.result() for future in futures if not future.cancel())]
    leaders = _Measured.joined(parts)
    leaders = leaders[_leading(leaders, search.wanted)[0]]
    ends = np.searchsorted(leaders.at, np.arange(len(search.probes) + 1))
    of_probes = [leaders[start:end] for start, end in pairwise(ends.tolist())]
    return [Leaders(one.distances, one.persons, one.rows) for one in of_probes]


class _Worker:
    """One thread's part of a pass.

    `reach` is shared: a row that is no nearer than a probe's reach does not lead, as enough persons are nearer. Threads
    lower it without a lock. One may undo what another just did, and then has more to look at.
    """

    def __init__(self, search: Search, reach: NDArray[np.float32], rows: int) -> None:
        """`rows`: of a block."""
        self._search = search
        self._reach = reach
        self._found = NOTHING
        self._measured: list[_Measured] = []
        self._unsettled: list[_Unsettled] = []
        self._waiting = 0
        if search.library is not None:
            self._products = ProbeProducts(search.library, search.codes.values, rows)
            self._distances = np.empty((len(search.probes), rows), np.float32)

    def look_at(self, block: RowBlock, used: int, first_row: int) -> None:
        at = np.arange(len(self._search.probes))
        if block.codes is not None:
            at = self._compare_codes(block, block.codes, used, first_row)
        if len(at):
            self._compare_vectors(block, used, first_row, at)
        if self._waiting > UNSETTLED_ROWS * len(self._reach) or np.isinf(self._reach).any():
            self._settle()

    def leaders(self) -> _Measured:
        self._settle()
        return self._found

    def _compare_codes(self, block: RowBlock, codes: RowCodes, used: int, first_row: int) -> Places:
        """Returns the probes that codes are of no use for, in this block."""
        distances = self._code_distances(block, codes, used)
        crowd = max(SEED_ROWS * self._search.wanted, used // CROWD_SHARE)
        if used > crowd and np.isinf(self._reach).any():
            self._seed(block, distances, first_row)
        # Not even the nearest rows showed enough persons.
        is_hopeless = np.isinf(self._reach) & (used > crowd)
        bounds = self._search.bounds
        with np.errstate(over="ignore", invalid="ignore"):
            limits = (self._reach + bounds.of_all(codes.largest_error, codes.largest_length)).astype(np.float32)
            limits = np.nextafter(limits, np.float32(np.inf))
            # What is not a number is no bound.
            limits[np.isnan(limits)] = np.inf
            limits[is_hopeless] = -np.inf
            at, rows = np.divmod(np.flatnonzero(distances < limits[:, None]), used)
            lowest = distances[at, rows] - bounds.of_pairs(at, codes.errors[rows], codes.lengths[rows])
        is_open = ~(lowest >= self._reach[at]) & ~block.dead[rows]
        at, rows, lowest = at[is_open], rows[is_open], lowest[is_open]
        is_crowded = np.bincount(at, minlength=len(self._reach)) > crowd
        if is_crowded.any():
            is_alone = ~is_crowded[at]
            at, rows, lowest = at[is_alone], rows[is_alone], lowest[is_alone]
        if len(at):
            self._unsettled.append(_Unsettled(block, first_row, at, rows, lowest))
            self._waiting += len(at)
        return np.flatnonzero(is_crowded | is_hopeless)

    def _code_distances(self, block: RowBlock, codes: RowCodes, used: int) -> NDArray[np.float32]:
        """[n, used] as `RowBlock.distances`, but for the dead, and as near as codes come."""
        distances = self._distances[:, :used]
        products = self._products.of(codes.values[:used])
        np.multiply(products, codes.steps[:used], out=distances, dtype=np.float32, casting="unsafe")
        distances *= self._search.factors
        if self._search.metric is Metric.EUCLIDEAN:
            distances += block.squares[:used]
        return distances

    def _seed(self, block: RowBlock, distances: NDArray[np.float32], first_row: int) -> None:
        """Measure the rows that look nearest, where nobody was found before."""
        count = SEED_ROWS * self._search.wanted
        unbounded = np.flatnonzero(np.isinf(self._reach))
        rows = np.argpartition(distances[unbounded], count, axis=1)[:, :count].ravel()
        at = np.repeat(unbounded, count)
        is_alive = ~block.dead[rows]
        lowest = np.full(int(is_alive.sum()), -np.inf)
        self._unsettled.append(_Unsettled(block, first_row, at[is_alive], rows[is_alive], lowest))
        self._settle()

    def _compare_vectors(self, block: RowBlock, used: int, first_row: int, at: Places) -> None:
        distances = block.distances(used, self._search.probes[at], self._search.metric)
        for probe, of_probe in zip(at.tolist(), distances, strict=True):
            rows = np.flatnonzero(of_probe < self._reach[probe])
            if len(rows):
                rows = _nearest_of_persons(rows, of_probe, block.persons, self._search.wanted)
                measured = _Measured(
                    np.full(len(rows), probe), of_probe[rows], block.persons[rows], rows.astype(np.int64) + first_row
                )
                self._measured.append(measured)
                self._waiting += len(rows)

    def _settle(self) -> None:
        """Measure what waits, keep the leaders, and lower the reach to the last of them."""
        for one in self._unsettled:
            is_open = ~(one.lowest >= self._reach[one.at])
            at, rows = one.at[is_open], one.rows[is_open]
            distances = one.block.distances_of_pairs(rows, self._search.probes[at], self._search.metric)
            measured = _Measured(at, distances, one.block.persons[rows], rows.astype(np.int64) + one.first_row)
            self._measured.append(measured[distances < self._reach[at]])
        if self._measured:
            measured = _Measured.joined([self._found, *self._measured])
            chosen, last = _leading(measured, self._search.wanted)
            self._found = measured[chosen]
            at = measured.at[last]
            self._reach[at] = np.minimum(self._reach[at], measured.distances[last])
        self._unsettled, self._measured, self._waiting = [], [], 0


def _leading(measured: _Measured, wanted: int) -> tuple[Places, Places]:
    """Places of the nearest row of each leading person, by probe and nearest first; of them those that come last."""
    order = np.lexsort((measured.distances, measured.at))
    persons = measured.at[order] << 32 | measured.persons[order]
    firsts = np.unique(persons, return_index=True)[1]
    firsts.sort()
    chosen = order[firsts]
    at = measured.at[chosen]
    ranks = np.arange(len(at)) - np.searchsorted(at, at)
    return chosen[ranks < wanted], chosen[ranks == wanted - 1]


def _nearest_of_persons(
    rows: Places, distances: NDArray[np.float32], persons: NDArray[np.int32], wanted: int
) -> Places:
    """The nearest row of each of the `wanted` nearest persons among the rows, and maybe more.

    A person may own many rows: more of the nearest are taken until they show enough persons, or are all.
    """
    count = SEED_ROWS * wanted
    while count < len(rows):
        nearest = rows[np.argpartition(distances[rows], count - 1)[:count]]
        firsts = _first_of_persons(nearest, distances, persons)
        if len(firsts) >= wanted:
            return firsts
        count *= 8
    return _first_of_persons(rows, distances, persons)


def _first_of_persons(rows: Places, distances: NDArray[np.float32], persons: NDArray[np.int32]) -> Places:
    ordered = rows[np.argsort(distances[rows], kind="stable")]
    return ordered[np.unique(persons[ordered], return_index=True)[1]]
