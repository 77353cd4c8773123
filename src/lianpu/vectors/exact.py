"""Exact search: every row is compared with every probe, in memory."""

from collections.abc import Iterable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.metric import Metric
from lianpu.vectors.index import IndexedEmbedding, PersonHit

BLOCK_ROWS = 16_384
SPARE_CANDIDATES = 16
"""Persons looked at beyond the wanted ones: some may lose their last row while a scan runs."""


class _Block:
    """A fixed number of rows, each written once before `used` counts it and never moved."""

    def __init__(self, dimension: int) -> None:
        self.vectors = np.empty((BLOCK_ROWS, dimension), dtype=np.float32)
        self.squares = np.empty(BLOCK_ROWS, dtype=np.float32)
        self.persons = np.empty(BLOCK_ROWS, dtype=np.int32)
        self.dead = np.zeros(BLOCK_ROWS, dtype=np.bool_)
        self.used = 0


class ExactIndex:
    """Implements `VectorIndex` by one matrix product a block of rows.

    Scans hold no lock: they see the rows complete when they began, and the rows of the winners are read again under
    the lock, so that a row removed meanwhile is never answered. When half of the rows are dead, the living move to
    fresh blocks; running scans keep the old ones.
    """

    def __init__(self, dimension: int, metric: Metric) -> None:
        self.dimension = dimension
        self.metric = metric
        self._lock = Lock()
        self._clear()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Iterable[IndexedEmbedding]) -> None:
        with self._lock:
            for row in rows:
                vector = np.asarray(row.vector, dtype=np.float32)
                if vector.shape != (self.dimension,):
                    raise ValueError(f"a vector of shape {vector.shape} does not fit {self.dimension} dimensions")
                if row.embedding_id in self._rows:
                    self._kill(row.embedding_id)
                self._append(row.embedding_id, row.person_id, self._prepared(vector))

    def remove(self, embedding_ids: Iterable[str]) -> None:
        with self._lock:
            for embedding_id in embedding_ids:
                if embedding_id in self._rows:
                    self._kill(embedding_id)
            if self._dead_rows > max(BLOCK_ROWS, len(self._rows)):
                self._compact()

    def search(self, probes: NDArray[np.float32], top_k: int) -> list[list[PersonHit]]:
        with self._lock:
            blocks = [(block, block.used) for block in self._blocks]
            person_count = len(self._person_ids)
            generation = self._generation
        probes = np.stack([self._prepared(probe) for probe in probes]) if len(probes) else probes
        best = np.full((len(probes), person_count), -np.inf, dtype=np.float32)
        for block, used in blocks:
            closeness = probes @ block.vectors[:used].T
            if self.metric is Metric.EUCLIDEAN:
                # |q - v|² = |q|² + |v|² - 2 q·v, and |q|² is the same for every row.
                closeness = 2.0 * closeness - block.squares[:used]
            closeness[:, block.dead[:used]] = -np.inf
            for row_of_best, row_of_closeness in zip(best, closeness, strict=True):
                np.maximum.at(row_of_best, block.persons[:used], row_of_closeness)
        with self._lock:
            if generation == self._generation:
                return [self._hits(probe, row, top_k) for probe, row in zip(probes, best, strict=True)]
        # The rows were renumbered during the scan, which happens once in many thousand removals.
        return self.search(probes, top_k)

    def _hits(self, probe: NDArray[np.float32], best: NDArray[np.float32], top_k: int) -> list[PersonHit]:
        wanted = min(len(best), top_k + SPARE_CANDIDATES)
        candidates = np.argpartition(-best, wanted - 1)[:wanted] if wanted else np.empty(0, dtype=np.intp)
        hits: list[PersonHit] = []
        for person in candidates[np.argsort(-best[candidates], kind="stable")]:
            hit = self._best_row(probe, int(person))
            if hit is not None:
                hits.append(hit)
        hits.sort(key=lambda hit: hit.raw_value, reverse=self.metric is Metric.COSINE)
        return hits[:top_k]

    def _best_row(self, probe: NDArray[np.float32], person: int) -> PersonHit | None:
        """Measured again in float64: the expanded distance of the scan loses digits between near vectors."""
        rows = list(self._rows_of_person[person].items())
        if not rows:
            return None
        vectors = np.stack([self._blocks[at // BLOCK_ROWS].vectors[at % BLOCK_ROWS] for _, at in rows])
        vectors = vectors.astype(np.float64)
        if self.metric is Metric.COSINE:
            values = vectors @ probe.astype(np.float64)
            winner = int(np.argmax(values))
        else:
            values = np.linalg.norm(vectors - probe.astype(np.float64), axis=1)
            winner = int(np.argmin(values))
        return PersonHit(self._person_ids[person], rows[winner][0], float(values[winner]))

    def _prepared(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.metric is Metric.EUCLIDEAN:
            return vector
        norm = float(np.linalg.norm(vector))
        return vector / norm if norm > 0 else vector

    def _clear(self) -> None:
        self._generation = object()
        self._blocks: list[_Block] = []
        self._rows: dict[str, tuple[int, int]] = {}
        """Embedding id -> (row number, person number)."""
        self._person_ids: list[str] = []
        self._person_numbers: dict[str, int] = {}
        self._rows_of_person: list[dict[str, int]] = []
        self._dead_rows = 0

    def _append(self, embedding_id: str, person_id: str, vector: NDArray[np.float32]) -> None:
        person = self._person_numbers.get(person_id)
        if person is None:
            person = self._person_numbers[person_id] = len(self._person_ids)
            self._person_ids.append(person_id)
            self._rows_of_person.append({})
        if not self._blocks or self._blocks[-1].used == BLOCK_ROWS:
            self._blocks.append(_Block(self.dimension))
        block = self._blocks[-1]
        row = (len(self._blocks) - 1) * BLOCK_ROWS + block.used
        block.vectors[block.used] = vector
        block.squares[block.used] = np.dot(vector, vector)
        block.persons[block.used] = person
        block.used += 1
        self._rows[embedding_id] = (row, person)
        self._rows_of_person[person][embedding_id] = row

    def _kill(self, embedding_id: str) -> None:
        row, person = self._rows.pop(embedding_id)
        del self._rows_of_person[person][embedding_id]
        self._blocks[row // BLOCK_ROWS].dead[row % BLOCK_ROWS] = True
        self._dead_rows += 1

    def _compact(self) -> None:
        blocks, rows, person_ids = self._blocks, self._rows, self._person_ids
        self._clear()
        for embedding_id, (row, person) in rows.items():
            vector = blocks[row // BLOCK_ROWS].vectors[row % BLOCK_ROWS]
            self._append(embedding_id, person_ids[person], vector)
