"""Exact search: every row is compared with every probe, in memory."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.metric import Metric
from lianpu.runtime.providers import usable_cores
from lianpu.vectors.blocks import RowBlock
from lianpu.vectors.index import IndexedEmbedding, PersonHit
from lianpu.vectors.int8 import int8_library
from lianpu.vectors.passes import Hits, Passes, Request
from lianpu.vectors.scan import Leaders, Search, scan

BLOCK_ROWS = 16_384
MOST_PROBES = 32
"""Of one pass: a caller with more lets others pass in between."""
SPARE_CANDIDATES = 16
"""Persons looked at beyond the wanted ones: some may lose their rows while a scan runs, and the scan's float32 may rank
persons wrongly whose distances differ in the last digits."""
FREE_TRIES = 3

Snapshot = list[tuple[RowBlock, int]]


class ExactIndex:
    """Implements `VectorIndex` by reading all rows once a search, on several threads, whatever the number of probes.

    Searches that come while another runs wait for it, and are then made in one pass. What is read is the rows' int8
    codes, where the processor multiplies them quickly; the answer is that of float32 all the same.

    Scans hold no lock: they see the rows complete when they began, and the rows of the winners are read again under
    the lock, so that a row removed meanwhile is never answered. A scan that rows were taken from in such numbers that
    its answer is not certain, or during which an embedding was replaced, is made again; after a few tries under the
    lock. When more than half the rows of a block are dead, the living move on and the block goes; running scans keep
    it.

    Memory: the rows' float32, a quarter of that for codes, about 360 bytes a row for ids and places, and at most as
    much again for dead rows.
    """

    def __init__(
        self,
        dimension: int,
        metric: Metric,
        *,
        threads: int | None = None,
        block_rows: int = BLOCK_ROWS,
        with_codes: bool = True,
    ) -> None:
        """
        Args:
            dimension: of the vectors.
            metric: by which they are near.
            threads: how many read at once for one search; None: one for each core the process may use.
            block_rows: rows that are allocated and read together.
            with_codes: compare int8 codes first, where `int8_library` has what it takes.
        """
        self.dimension = dimension
        self.metric = metric
        self.is_usable = True
        self._threads = threads or usable_cores()
        self._helpers = ThreadPoolExecutor(self._threads - 1, "vectors") if self._threads > 1 else None
        self._block_rows = block_rows
        self._library = int8_library(dimension) if with_codes else None
        self._passes = Passes(MOST_PROBES)
        self._lock = Lock()
        self._blocks: dict[int, RowBlock] = {}
        """By the number of their first row; the last one is open."""
        self._next_block = 0
        self._sparse: set[int] = set()
        """Blocks with more dead rows than living ones."""
        self._rows: dict[str, int] = {}
        """Embedding id -> row number."""
        self._person_ids: list[str] = []
        self._person_numbers: dict[str, int] = {}
        self._rows_of_person: list[list[int]] = []
        self._free_numbers: list[int] = []
        """Numbers of persons without rows. A scan may still know a number by its former person: it is asked again
        under the lock, and answers for whom it stands by then."""
        self._replaced = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Iterable[IndexedEmbedding]) -> None:
        listed = list(rows)
        if listed:
            vectors = [self._checked(np.asarray(row.vector, dtype=np.float32), 1) for row in listed]
            self.add_matrix([row.embedding_id for row in listed], [row.person_id for row in listed], np.stack(vectors))

    def add_matrix(self, embedding_ids: Sequence[str], person_ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        vectors = self._prepared(self._checked(np.asarray(vectors, dtype=np.float32), 2))
        if not len(embedding_ids) == len(person_ids) == len(vectors):
            raise ValueError(f"{len(embedding_ids)} ids and {len(person_ids)} persons for {len(vectors)} vectors")
        with self._lock:
            self._fill(embedding_ids, person_ids, vectors)
            self._move_on()

    def remove(self, embedding_ids: Iterable[str]) -> None:
        with self._lock:
            for embedding_id in embedding_ids:
                if embedding_id in self._rows:
                    self._kill(embedding_id)
            self._move_on()

    def holds(self, embedding_id: str) -> bool:
        return embedding_id in self._rows

    def owners(self) -> dict[str, str]:
        with self._lock:
            places = ((embedding_id, *self._place(row)) for embedding_id, row in self._rows.items())
            return {embedding_id: self._person_ids[int(block.persons[at])] for embedding_id, block, at in places}

    def search(self, probes: NDArray[np.float32], top_k: int) -> list[list[PersonHit]]:
        if not len(probes) or top_k < 1:
            return [[] for _ in probes]
        prepared = self._prepared(self._checked(np.asarray(probes, dtype=np.float32), 2))
        parts = (prepared[start : start + MOST_PROBES] for start in range(0, len(prepared), MOST_PROBES))
        return [hits for part in parts for hits in self._passes.answered(part, top_k, self._answer)]

    def _answer(self, requests: Sequence[Request]) -> list[Hits]:
        """Answer all of them by the same pass."""
        probes = np.concatenate([request.probes for request in requests])
        top_ks = [request.top_k for request in requests for _ in request.probes]
        wanted = max(top_ks) + SPARE_CANDIDATES
        search = Search(probes, self.metric, wanted, self._library)
        for _ in range(FREE_TRIES):
            with self._lock:
                blocks, replaced = self._snapshot(), self._replaced
            leaders = scan(blocks, search, self._helpers, self._threads)
            with self._lock:
                if replaced == self._replaced and self._are_certain(blocks, leaders, top_ks, wanted):
                    hits = iter(self._hits(probes, leaders, top_ks))
                    break
        else:
            with self._lock:
                leaders = scan(self._snapshot(), search, self._helpers, self._threads)
                hits = iter(self._hits(probes, leaders, top_ks))
        return [[next(hits) for _ in request.probes] for request in requests]

    def _snapshot(self) -> Snapshot:
        return [(block, block.used) for block in self._blocks.values()]

    def _are_certain(self, blocks: Snapshot, leaders: list[Leaders], top_ks: list[int], wanted: int) -> bool:
        """Only leaders can be among the `top_k`: there are no others, or enough of them kept their rows."""
        return all(
            len(one.persons) < wanted or self._kept(blocks, one) >= top_k
            for one, top_k in zip(leaders, top_ks, strict=True)
        )

    def _kept(self, blocks: Snapshot, leaders: Leaders) -> int:
        kept = 0
        for row in leaders.rows:
            block = blocks[int(row) // self._block_rows][0]
            # What became of a row that moved is not known here: it counts as lost.
            kept += not block.retired and not block.dead[int(row) % self._block_rows]
        return kept

    def _hits(self, probes: NDArray[np.float32], leaders: list[Leaders], top_ks: list[int]) -> Hits:
        sign = -1.0 if self.metric is Metric.COSINE else 1.0
        answers: Hits = []
        for probe, of_probe, top_k in zip(probes, leaders, top_ks, strict=True):
            persons = [person for person in of_probe.persons.tolist() if self._rows_of_person[person]]
            hits = self._best_rows(probe, persons)
            answers.append(sorted(hits, key=lambda hit: (sign * hit.raw_value, hit.person_id))[:top_k])
        return answers

    def _best_rows(self, probe: NDArray[np.float32], persons: list[int]) -> list[PersonHit]:
        """Measured again in float64: the expanded distance of the scan loses digits between near vectors.

        Each row by itself, so that equal rows have equal values whatever else is measured.
        """
        if not persons:
            return []
        places = [self._place(row) for person in persons for row in self._rows_of_person[person]]
        vectors = np.array([block.vectors[at] for block, at in places], np.float64)
        if self.metric is Metric.COSINE:
            values: list[float] = np.vecdot(vectors, probe.astype(np.float64)).tolist()
            best = max
        else:
            values = np.linalg.norm(vectors - probe.astype(np.float64), axis=1).tolist()
            best = min
        hits: list[PersonHit] = []
        start = 0
        for person in persons:
            end = start + len(self._rows_of_person[person])
            winner = best(range(start, end), key=values.__getitem__)
            block, at = places[winner]
            hits.append(PersonHit(self._person_ids[person], block.embedding_ids[at], values[winner]))
            start = end
        return hits

    def _checked(self, vectors: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
        if vectors.ndim != dimensions or vectors.shape[-1] != self.dimension:
            raise ValueError(f"a vector of shape {vectors.shape} does not fit {self.dimension} dimensions")
        return vectors

    def _prepared(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.metric is Metric.EUCLIDEAN:
            return vectors
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        norms[norms == 0] = 1.0
        return vectors / norms

    def _place(self, row: int) -> tuple[RowBlock, int]:
        at = row % self._block_rows
        return self._blocks[row - at], at

    def _open_block(self) -> tuple[int, RowBlock]:
        """The block that the next row goes to, and the number of its first row."""
        first_row = self._next_block - self._block_rows
        if first_row not in self._blocks or self._blocks[first_row].used == self._block_rows:
            first_row = self._next_block
            self._blocks[first_row] = RowBlock(self._block_rows, self.dimension, with_codes=self._library is not None)
            self._next_block += self._block_rows
        return first_row, self._blocks[first_row]

    def _fill(self, embedding_ids: Sequence[str], person_ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        start = 0
        while start < len(vectors):
            first_row, block = self._open_block()
            end = min(len(vectors), start + self._block_rows - block.used)
            self._append(first_row, block, embedding_ids[start:end], person_ids[start:end], vectors[start:end])
            start = end

    def _append(
        self,
        first_row: int,
        block: RowBlock,
        embedding_ids: Sequence[str],
        person_ids: Sequence[str],
        vectors: NDArray[np.float32],
    ) -> None:
        """Add rows that have room in the block; an embedding that is there already is replaced."""
        used = block.used
        for row, (embedding_id, person_id) in enumerate(zip(embedding_ids, person_ids, strict=True), first_row + used):
            if embedding_id in self._rows:
                self._kill(embedding_id)
                self._replaced += 1
            person = self._number_of(person_id)
            block.persons[row - first_row] = person
            block.embedding_ids.append(embedding_id)
            self._rows[embedding_id] = row
            self._rows_of_person[person].append(row)
        block.write(vectors)

    def _number_of(self, person_id: str) -> int:
        number = self._person_numbers.get(person_id)
        if number is None:
            if self._free_numbers:
                number = self._free_numbers.pop()
                self._person_ids[number] = person_id
            else:
                number = len(self._person_ids)
                self._person_ids.append(person_id)
                self._rows_of_person.append([])
            self._person_numbers[person_id] = number
        return number

    def _kill(self, embedding_id: str) -> None:
        row = self._rows.pop(embedding_id)
        block, at = self._place(row)
        block.dead[at] = True
        block.dead_count += 1
        if block.dead_count > self._block_rows // 2:
            self._sparse.add(row - at)
        person = int(block.persons[at])
        self._rows_of_person[person].remove(row)
        if not self._rows_of_person[person]:
            del self._person_numbers[self._person_ids[person]]
            self._free_numbers.append(person)

    def _move_on(self) -> None:
        """Copy the living rows of sparse blocks to the open one and let those blocks go."""
        for first_row in sorted(self._sparse):
            block = self._blocks[first_row]
            if block.used < self._block_rows:
                continue
            self._sparse.discard(first_row)
            del self._blocks[first_row]
            block.retired = True
            living = [int(at) for at in np.flatnonzero(~block.dead)]
            embedding_ids = [block.embedding_ids[at] for at in living]
            numbers = [int(person) for person in block.persons[living]]
            for embedding_id, person in zip(embedding_ids, numbers, strict=True):
                self._rows_of_person[person].remove(self._rows.pop(embedding_id))
            self._fill(embedding_ids, [self._person_ids[person] for person in numbers], block.vectors[living])
