"""The in-memory indexes of the gallery: one a pack version, filled from the database, kept in step by changes."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from lianpu.database.session import Database
from lianpu.gallery.models import FaceEmbedding
from lianpu.gallery.repository import GalleryRepository, VectorChunk
from lianpu.observability.stages import Stage, count_faces, stage
from lianpu.packs.folder import folder_name
from lianpu.packs.metric import Metric
from lianpu.vectors.index import IndexedEmbedding, PersonHit, VectorIndex

ROWS_PER_STEP = 2048

IndexFactory = Callable[[int, Metric], VectorIndex]
PackKey = tuple[str, str]
"""(pack name, pack version): vectors of different keys never meet."""


class GalleryIndexes:
    """`lock` is held by whoever changes the gallery: an index is filled under it, so that no commit slips past."""

    def __init__(self, database: Database, make_index: IndexFactory) -> None:
        self.lock = asyncio.Lock()
        self._database = database
        self._make_index = make_index
        self._indexes: dict[PackKey, VectorIndex] = {}

    async def index_of(self, key: PackKey, dimension: int, metric: Metric) -> VectorIndex:
        """The index of a pack version, filled from the database at the first call."""
        if key not in self._indexes:
            async with self.lock:
                if key not in self._indexes:
                    self._indexes[key] = await self._filled(key, dimension, metric)
        return self._indexes[key]

    async def index_within_change(self, key: PackKey, dimension: int, metric: Metric) -> VectorIndex:
        """The same for whoever holds `lock`, as every change does: it holds all that was committed before."""
        if key not in self._indexes:
            self._indexes[key] = await self._filled(key, dimension, metric)
        return self._indexes[key]

    def add(self, embeddings: Iterable[FaceEmbedding]) -> None:
        """Rows of an index not filled yet are left to its filling."""
        rows: dict[PackKey, list[IndexedEmbedding]] = defaultdict(list)
        for row in embeddings:
            rows[row.pack, row.pack_version].append(IndexedEmbedding(row.id, row.person_id, row.vector))
        for key, added in rows.items():
            if key in self._indexes:
                self._indexes[key].add(added)

    def remove(self, embedding_ids: Iterable[str]) -> None:
        ids = list(embedding_ids)
        for index in self._indexes.values():
            index.remove(ids)

    def holds_any(self, embedding_ids: Iterable[str]) -> bool:
        """Whether an index still has one of these rows."""
        ids = list(embedding_ids)
        return any(index.holds(embedding_id) for index in self._indexes.values() for embedding_id in ids)

    def owners(self, key: PackKey) -> dict[str, str] | None:
        """Embedding id -> person id of every row; None where the index is not filled yet. Blocks."""
        return self._indexes[key].owners() if key in self._indexes else None

    async def refill(self, key: PackKey) -> None:
        """Fill an index anew from the database; searches use the old one until then."""
        async with self.lock:
            if key in self._indexes:
                old = self._indexes[key]
                self._indexes[key] = await self._filled(key, old.dimension, old.metric)

    async def drop(self, key: PackKey) -> None:
        """Free the memory of an index; it is filled anew when it is next needed."""
        async with self.lock:
            self._indexes.pop(key, None)

    def sizes(self) -> dict[PackKey, int]:
        return {key: len(index) for key, index in self._indexes.items()}

    async def _filled(self, key: PackKey, dimension: int, metric: Metric) -> VectorIndex:
        index = self._make_index(dimension, metric)
        async with self._database.session() as session:
            async for chunk in GalleryRepository(session).vector_chunks(*key, ROWS_PER_STEP):
                await asyncio.to_thread(_add_chunk, index, chunk, dimension)
        return index


def search_index(
    index: VectorIndex, key: PackKey, embeddings: NDArray[np.float32], top_k: int
) -> list[list[PersonHit]]:
    """As `VectorIndex.search`, measured. Blocks."""
    label = folder_name(*key)
    with stage(Stage.SEARCH, label):
        hits = index.search(embeddings, top_k)
    count_faces(Stage.SEARCH, label, len(embeddings))
    return hits


def _add_chunk(index: VectorIndex, chunk: VectorChunk, dimension: int) -> None:
    size = 4 * dimension
    for embedding_id, vector in zip(chunk.embedding_ids, chunk.vectors, strict=True):
        if len(vector) != size:
            raise ValueError(f"embedding {embedding_id} has {len(vector)} bytes instead of {size}")
    vectors = np.frombuffer(b"".join(chunk.vectors), dtype="<f4").astype(np.float32, copy=False)
    index.add_matrix(chunk.embedding_ids, chunk.person_ids, vectors.reshape(-1, dimension))
