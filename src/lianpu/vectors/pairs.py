"""Everybody against everybody: the scores of all embeddings of one pack version, block by block."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.metric import Metric, score_of

Scores = NDArray[np.float64]
Numbers = NDArray[np.int64]

BLOCK_VALUES = 4_000_000
"""Scores at once: 16 MB as float32, and a few times that for what is made of them."""
BLOCK_ROWS = 4096
FINE_BINS = 4000
DISTRIBUTION_VALUES = 100_000_000
"""Scores that are counted, beside those that are kept: probes come in random order, so that these stand for all."""
FEWEST_STRANGERS = 30


@dataclass(frozen=True, slots=True)
class ScanLimits:
    max_comparisons: int
    """Of two embeddings. Where all against all would be more, persons drawn at random are compared with everybody."""
    tail: int = 1_000_000
    """How many of the greatest scores between a probe and another person are kept one by one."""
    seed: int = 20_260
    with_distribution: bool = True
    """Count the scores that are not kept, too."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The greatest scores, falling. A probe is an embedding compared with everybody else, as a search would."""

    scores: Scores
    """[k] best score of the probe among the person's embeddings."""
    probes: Numbers
    """[k] row of the embedding."""
    persons: Numbers
    """[k] number of the other person."""
    floor: float
    """Every comparison that scores more is here; below 0 where all are."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Counts between edges, which are scores and rise."""

    edges: Scores
    """[bins + 1]."""
    searches: Scores
    """[bins] a probe against the best embedding of each other person; every person's probes weigh 1 together."""
    images: Scores
    """[bins] every embedding of a probed person against every one of somebody else."""


@dataclass(frozen=True, slots=True)
class PairScores:
    """What a scan found. Arrays of n follow the embeddings as they were given; scores are 0…1, whatever the metric."""

    persons: int
    probed: NDArray[np.bool_]
    """[persons] whose embeddings were compared with everybody: all, unless sampled."""
    own: Scores
    """[n] best score against another embedding of the same person; NaN where there is none or it was not probed."""
    other: Scores
    """[n] best score against another person; NaN where not probed."""
    other_person: Numbers
    """[n] who that is; -1 where not probed."""
    tail: Tail
    distribution: Distribution | None


class PairScan:
    """One pass over all pairs; `steps` does the work, `result` gives what came of it.

    Scores are computed in float32 as an index scans: vectors are normalised for cosine, and near vectors lose digits
    of their Euclidean distance. Memory: one ordered copy of the vectors, and the blocks.
    """

    def __init__(
        self, vectors: NDArray[np.float32], persons: Numbers, metric: Metric, limits: ScanLimits, *, rows: int = 1024
    ) -> None:
        """
        Args:
            vectors: [n, dimension] float32, as stored.
            persons: [n] 0…m - 1, every number used; at least two.
            limits: how much is compared and kept.
            rows: of probes at once.

        Raises:
            ValueError: fewer than two persons.
        """
        self._metric = metric
        self._limits = limits
        counts = np.bincount(persons)
        if len(counts) < 2:
            raise ValueError("a scan needs two persons")
        # Persons with equally many embeddings stand together: their maxima are then taken in one go.
        self._numbers = np.argsort(counts, kind="stable")
        """By place in this order, the number that the caller knows a person by."""
        places = np.argsort(self._numbers)
        self._order = np.argsort(places[persons], kind="stable")
        self._persons = places[persons[self._order]]
        self._counts = counts[self._numbers]
        self._starts = np.concatenate([[0], np.cumsum(self._counts)])
        ordered = vectors[self._order]
        if metric is Metric.COSINE:
            norms = np.linalg.norm(ordered, axis=1, keepdims=True)
            norms[norms == 0] = 1.0
            ordered /= norms
        self._vectors = ordered
        self._squares = np.vecdot(ordered, ordered)
        random = np.random.default_rng(limits.seed)
        self._probed = self._chosen(random)
        self._probes = random.permutation(np.flatnonzero(self._probed[self._persons]))
        self._chunks = self._person_chunks()
        widest = max(int(self._starts[last] - self._starts[first]) for first, last in self._chunks)
        self._rows = max(1, min(rows, BLOCK_VALUES // widest))
        total = len(ordered)
        self._own = np.full(total, -np.inf, np.float32)
        self._other = np.full(total, -np.inf, np.float32)
        self._other_person = np.full(total, -1, np.int64)
        self._counted = 0
        self._tail = _Tail(limits.tail)
        self._bins = _Bins(metric, self._squares) if limits.with_distribution else None

    @property
    def probes(self) -> int:
        """How many embeddings are compared with everybody."""
        return len(self._probes)

    def steps(self) -> Iterator[int]:
        """Blocks; each step works for a moment and says how many probes are done."""
        for start in range(0, len(self._probes), self._rows):
            self._scan(self._probes[start : start + self._rows])
            yield min(start + self._rows, len(self._probes))

    def result(self) -> PairScores:
        total = len(self._vectors)
        own, other = np.full(total, np.nan), np.full(total, np.nan)
        other_person = np.full(total, -1, np.int64)
        probes = self._order[self._probes]
        own[probes] = self._scored(self._own[self._probes])
        own[np.isneginf(own)] = np.nan
        other[probes] = self._scored(self._other[self._probes])
        other_person[probes] = self._numbers[self._other_person[self._probes]]
        values, rows, persons, floor = self._tail.sorted()
        lowest = -1.0 if np.isneginf(floor) else float(self._scored(np.array([floor]))[0])
        tail = Tail(self._scored(values), self._order[rows], self._numbers[persons], lowest)
        distribution = None if self._bins is None else self._bins.distribution(self._scored)
        probed = np.zeros_like(self._probed)
        probed[self._numbers] = self._probed
        return PairScores(len(self._counts), probed, own, other, other_person, tail, distribution)

    def _scan(self, rows: Numbers) -> None:
        probes, persons = self._vectors[rows], self._persons[rows]
        columns = np.arange(len(rows))
        weights = 1.0 / self._counts[persons]
        counted = self._counted < DISTRIBUTION_VALUES
        self._counted += len(rows) * len(self._vectors)
        for first, last in self._chunks:
            start, end = int(self._starts[first]), int(self._starts[last])
            # Persons in rows and probes in columns: the maximum over a person's few rows then runs along memory.
            close = self._vectors[start:end] @ probes.T
            if self._metric is Metric.EUCLIDEAN:
                close *= 2.0
                close -= self._squares[start:end, None]
                close -= self._squares[rows]
                np.minimum(close, 0.0, out=close)
            self._take_own(close, start, rows, persons, first, last)
            count = int(self._counts[first])
            best = close if count == 1 else close.reshape(last - first, count, -1).max(axis=1)
            peaks = best.max(axis=0)
            better = columns[peaks > self._other[rows]]
            self._other[rows[better]] = peaks[better]
            self._other_person[rows[better]] = best[:, better].argmax(axis=0) + first
            if self._bins is not None and counted:
                self._bins.add(close, best, weights)
            self._tail.add(best, rows, first)

    def _take_own(
        self, close: NDArray[np.float32], start: int, rows: Numbers, persons: Numbers, first: int, last: int
    ) -> None:
        """Note the best of the probe's own person, and take that person out of the block."""
        for column in np.flatnonzero((persons >= first) & (persons < last)):
            row, person = int(rows[column]), int(persons[column])
            begin, end = int(self._starts[person]) - start, int(self._starts[person + 1]) - start
            close[row - start, column] = -np.inf
            self._own[row] = close[begin:end, column].max()
            close[begin:end, column] = -np.inf

    def _chosen(self, random: np.random.Generator) -> NDArray[np.bool_]:
        total, persons = len(self._persons), len(self._counts)
        if total * total <= self._limits.max_comparisons:
            return np.ones(persons, np.bool_)
        drawn = random.permutation(persons)
        affordable = int(np.searchsorted(np.cumsum(self._counts[drawn]), self._limits.max_comparisons / total, "right"))
        probed = np.zeros(persons, np.bool_)
        probed[drawn[: max(affordable, FEWEST_STRANGERS)]] = True
        return probed

    def _person_chunks(self) -> list[tuple[int, int]]:
        """Ranges of persons with equally many embeddings, about `BLOCK_ROWS` together; a person stays whole."""
        chunks: list[tuple[int, int]] = []
        ends = np.flatnonzero(np.diff(self._counts, append=-1)) + 1
        first = 0
        for end in ends.tolist():
            step = max(1, BLOCK_ROWS // int(self._counts[first]))
            chunks += [(start, min(start + step, end)) for start in range(first, end, step)]
            first = end
        return chunks

    def _scored(self, close: NDArray[np.float32]) -> Scores:
        values = close.astype(np.float64)
        unknown = np.isneginf(values)
        values[unknown] = 0.0
        raw = values if self._metric is Metric.COSINE else np.sqrt(np.maximum(-values, 0.0))
        scores = score_of(self._metric, raw)
        scores[unknown] = -np.inf
        return scores


class _Tail:
    """Keeps the greatest values; `floor` rises as they come."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._floor = np.float32(-np.inf)
        self._kept: list[tuple[NDArray[np.float32], Numbers, Numbers]] = []
        self._count = 0

    def add(self, best: NDArray[np.float32], rows: Numbers, first_person: int) -> None:
        """`best`: [persons, rows]; -inf is nobody."""
        places = np.flatnonzero(best > self._floor)
        if not len(places):
            return
        persons, columns = np.divmod(places, best.shape[1])
        self._kept.append((best.ravel()[places], rows[columns], persons + first_person))
        self._count += len(persons)
        if self._count > 2 * self._size:
            self._shrink()

    def sorted(self) -> tuple[NDArray[np.float32], Numbers, Numbers, np.float32]:
        """Values falling, with rows and persons, and the floor."""
        if self._count > self._size:
            self._shrink()
        values, rows, persons = self._joined()
        order = np.lexsort((persons, rows, -values))
        return values[order], rows[order], persons[order], self._floor

    def _shrink(self) -> None:
        values, rows, persons = self._joined()
        self._floor = np.partition(values, len(values) - self._size - 1)[len(values) - self._size - 1]
        kept = values > self._floor
        self._kept = [(values[kept], rows[kept], persons[kept])]
        self._count = int(kept.sum())

    def _joined(self) -> tuple[NDArray[np.float32], Numbers, Numbers]:
        if not self._kept:
            return np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.int64)
        values, rows, persons = zip(*self._kept, strict=True)
        return np.concatenate(values), np.concatenate(rows), np.concatenate(persons)


class _Bins:
    """Even bins of the values that a block holds: cosines, or negative squared distances."""

    def __init__(self, metric: Metric, squares: NDArray[np.float32]) -> None:
        # No distance is greater than twice the longest vector.
        self._low = -1.0 if metric is Metric.COSINE else -4.0 * float(squares.max(initial=0.0)) - 1e-6
        self._high = 1.0 if metric is Metric.COSINE else 0.0
        self._scale = FINE_BINS / (self._high - self._low)
        self._searches = np.zeros(FINE_BINS + 1)
        self._images = np.zeros(FINE_BINS + 1)

    def add(self, close: NDArray[np.float32], best: NDArray[np.float32], weights: Scores) -> None:
        self._images += np.bincount(self._places(close), minlength=FINE_BINS + 1)
        by_search = np.broadcast_to(weights, best.shape).ravel()
        self._searches += np.bincount(self._places(best), by_search, minlength=FINE_BINS + 1)

    def _places(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """1…bins; 0 is nobody."""
        places = (values.ravel() - np.float32(self._low)) * np.float32(self._scale)
        np.clip(places, -1.0, FINE_BINS - 1, out=places)
        return (places + 1.0).astype(np.intp)

    def distribution(self, scored: Callable[[NDArray[np.float32]], Scores]) -> Distribution:
        edges = np.linspace(self._low, self._high, FINE_BINS + 1).astype(np.float32)
        return Distribution(scored(edges), self._searches[1:], self._images[1:])
