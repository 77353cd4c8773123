"""The in-memory indexes of the gallery: one a pack version, filled from the database, kept in step by changes."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

from lianpu.database.session import Database
from lianpu.gallery.models import FaceEmbedding
from lianpu.gallery.repository import GalleryRepository
from lianpu.packs.metric import Metric
from lianpu.vectors.index import IndexedEmbedding, VectorIndex

ROWS_PER_STEP = 2000

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

    def sizes(self) -> dict[PackKey, int]:
        return {key: len(index) for key, index in self._indexes.items()}

    async def _filled(self, key: PackKey, dimension: int, metric: Metric) -> VectorIndex:
        index = self._make_index(dimension, metric)
        rows: list[IndexedEmbedding] = []
        async with self._database.session() as session:
            async for row in GalleryRepository(session).vectors(*key):
                rows.append(row)
                if len(rows) == ROWS_PER_STEP:
                    await asyncio.to_thread(index.add, rows)
                    rows = []
        await asyncio.to_thread(index.add, rows)
        return index
