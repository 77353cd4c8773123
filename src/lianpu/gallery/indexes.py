"""The gallery's indexes: one a pack version, filled from the database, kept in step by the changes of all nodes."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.session import Database
from lianpu.errors import VectorIndexUnavailableError
from lianpu.gallery.change_log import GalleryLog
from lianpu.gallery.models import FaceEmbedding
from lianpu.gallery.repository import GalleryRepository, VectorChunk, batches
from lianpu.observability.stages import Stage, count_faces, stage
from lianpu.packs.folder import folder_name
from lianpu.packs.metric import Metric
from lianpu.vectors.index import IndexedEmbedding, PersonHit, VectorIndex

ROWS_PER_STEP = 2048
ENTRIES_PER_STEP = 500

PackKey = tuple[str, str]
"""(pack name, pack version): vectors of different keys never meet."""
_log = logging.getLogger(__name__)


class IndexEngine(Protocol):
    @property
    def reason(self) -> str:
        """How faces are looked for, in a few words for people."""
        ...

    def open(self, key: PackKey, dimension: int, metric: Metric, /) -> VectorIndex:
        """The index of a pack version: empty, or as it was left. Blocks.

        Raises:
            VectorIndexUnavailableError: where the indexes lie elsewhere, and that does not answer.
        """
        ...

    def close(self) -> None: ...


class GalleryIndexes:
    """`lock` is held by whoever changes the gallery in this process.

    Changes of other nodes are read from the log of the database: it names embeddings, and what became of them is looked
    up, so that one applied twice, or seen already when an index was filled, does no harm. Nothing is applied while an
    index is filled, or between a commit of this process and its own showing.
    """

    def __init__(self, database: Database, engine: IndexEngine) -> None:
        self.lock = asyncio.Lock()
        self.has_log = not database.is_sqlite
        """Other processes may change the same gallery."""
        self._database = database
        self._engine = engine
        self._indexes: dict[PackKey, VectorIndex] = {}
        self._applying = asyncio.Lock()
        self._position: int | None = None
        """All indexes show at least what was committed up to this sequence of the log; None: not looked yet."""
        self._states: dict[str, Callable[[], Awaitable[None]]] = {}
        self._stale_states: set[str] = set()

    @property
    def position(self) -> int:
        """The sequence of the log up to which the changes of all nodes are shown."""
        return self._position or 0

    async def index_of(self, key: PackKey, dimension: int, metric: Metric) -> VectorIndex:
        """The index of a pack version, made equal to the database at the first call, and after a call to it failed.

        To whoever holds `lock` within a change it shows all that was committed before.

        Raises:
            VectorIndexUnavailableError: the indexes lie elsewhere, and that does not answer.
        """
        index = self._indexes.get(key)
        if index is None or not index.is_usable:
            async with self._applying:
                index = self._indexes.get(key)
                if index is None or not index.is_usable:
                    index = self._indexes[key] = await self._filled(key, dimension, metric)
        return index

    @asynccontextmanager
    async def committing(self, head: int | None) -> AsyncGenerator[None]:
        """For a commit of this process and the `apply` that follows it.

        Args:
            head: of the log once it is committed; None: there is no log.
        """
        async with self._applying:
            yield
            if head is not None:
                # Whoever commits was up to date when he took the log's lock, and nobody else committed since.
                self._position = head

    async def apply(self, removed_ids: Sequence[str], added: Iterable[FaceEmbedding]) -> None:
        """Within `committing`. Rows of an index not filled yet are left to its filling."""
        rows: dict[PackKey, list[IndexedEmbedding]] = defaultdict(list)
        for row in added:
            rows[row.pack, row.pack_version].append(IndexedEmbedding(row.id, row.person_id, row.vector))
        if removed_ids or rows:
            await asyncio.to_thread(self._apply, removed_ids, rows)

    def follow_state(self, state_key: str, read: Callable[[], Awaitable[None]]) -> None:
        """`read`: called when another node has decided this `GalleryState` anew. It takes no lock of the gallery."""
        self._states[state_key] = read

    async def begin_following(self) -> None:
        """Before anything of the gallery is read: what others change from now on is followed."""
        if self.has_log and self._position is None:
            async with self._database.session() as session:
                self._position = await GalleryLog(session).head()

    async def catch_up(self) -> None:
        """Show everything that other nodes have committed so far."""
        if self.has_log:
            async with self._applying, self._database.session() as session:
                await self._follow(session, await GalleryLog(session).head())

    async def catch_up_within(self, session: AsyncSession, head: int) -> None:
        """The same in a transaction that holds the log's lock, which gave it `head`."""
        async with self._applying:
            await self._follow(session, head)

    async def may_hold_any(self, embedding_ids: Iterable[str]) -> bool:
        """Whether an index still has one of these rows, or cannot be asked."""
        ids = list(embedding_ids)

        def holds_any() -> bool:
            return any(index.holds(embedding_id) for index in self._indexes.values() for embedding_id in ids)

        if not all(index.is_usable for index in self._indexes.values()):
            return True
        try:
            return await asyncio.to_thread(holds_any)
        except VectorIndexUnavailableError:
            return True

    def owners(self, key: PackKey) -> dict[str, str] | None:
        """Embedding id -> person id of every row; None where the index is not filled yet. Blocks."""
        return self._indexes[key].owners() if key in self._indexes else None

    async def refill(self, key: PackKey) -> None:
        """Fill an index anew from the database; searches use the old one until then."""
        async with self._applying:
            await self._refill(key)

    async def drop(self, key: PackKey) -> None:
        """Free the memory of an index; it is filled anew when it is next needed."""
        async with self._applying:
            self._indexes.pop(key, None)

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.close)

    @property
    def reason(self) -> str:
        """As of the engine."""
        return self._engine.reason

    def sizes(self) -> dict[PackKey, int]:
        return {key: len(index) for key, index in self._indexes.items()}

    async def _follow(self, session: AsyncSession, head: int) -> None:
        log = GalleryLog(session)
        if self._position is None:
            self._position = head
        while self._position < head:
            entries = await log.entries(self._position, ENTRIES_PER_STEP)
            if not entries or entries[0].sequence != self._position + 1:
                _log.warning("what other nodes changed is not in the log any more: the indexes are filled anew")
                for key in list(self._indexes):
                    await self._refill(key)
                self._stale_states.update(self._states)
                self._position = head
                break
            await self._look_up(session, [one.embedding_id for one in entries if one.embedding_id is not None])
            self._stale_states.update(one.state_key for one in entries if one.state_key in self._states)
            self._position = entries[-1].sequence
        for state_key in list(self._stale_states):
            await self._states[state_key]()
            self._stale_states.discard(state_key)

    async def _look_up(self, session: AsyncSession, embedding_ids: Sequence[str]) -> None:
        if not self._indexes or not embedding_ids:
            return
        ids = list(dict.fromkeys(embedding_ids))
        there = await GalleryRepository(session).embeddings(ids)
        await self.apply(sorted(set(ids) - {row.id for row in there}), there)

    def _apply(self, removed_ids: Sequence[str], rows: dict[PackKey, list[IndexedEmbedding]]) -> None:
        for key, index in self._indexes.items():
            if not index.is_usable:
                continue
            try:
                index.remove(removed_ids)
                index.add(rows.get(key, ()))
            except VectorIndexUnavailableError:
                # The database has it: the index is compared with it before it is used again.
                _log.warning("an index is behind the gallery", extra={"pack": folder_name(*key)})

    async def _refill(self, key: PackKey) -> None:
        if key in self._indexes:
            old = self._indexes[key]
            self._indexes[key] = await self._filled(key, old.dimension, old.metric)

    async def _filled(self, key: PackKey, dimension: int, metric: Metric) -> VectorIndex:
        # What is committed while it is read may be in it already, and is looked up once more.
        await self.begin_following()
        index = await asyncio.to_thread(self._engine.open, key, dimension, metric)
        # Before the database: what is not there any more then has been deleted.
        held = await asyncio.to_thread(index.owners)
        async with self._database.session() as session:
            if held:
                await _mend(GalleryRepository(session), index, key, held)
                return index
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


async def _mend(repository: GalleryRepository, index: VectorIndex, key: PackKey, held: dict[str, str]) -> None:
    """Make an index that outlives the process equal to the database."""
    stored = await repository.owners(*key)
    surplus = held.keys() - stored.keys()
    differing = [embedding_id for embedding_id, person_id in stored.items() if held.get(embedding_id) != person_id]
    await asyncio.to_thread(index.remove, sorted(surplus))
    for ids in batches(differing):
        rows = [IndexedEmbedding(row.id, row.person_id, row.vector) for row in await repository.embeddings(ids)]
        await asyncio.to_thread(index.add, rows)
    if surplus or differing:
        counts = {"pack": folder_name(*key), "removed": len(surplus), "added": len(differing)}
        _log.info("an index differed from the database and was mended", extra=counts)


def _add_chunk(index: VectorIndex, chunk: VectorChunk, dimension: int) -> None:
    size = 4 * dimension
    for embedding_id, vector in zip(chunk.embedding_ids, chunk.vectors, strict=True):
        if len(vector) != size:
            raise ValueError(f"embedding {embedding_id} has {len(vector)} bytes instead of {size}")
    vectors = np.frombuffer(b"".join(chunk.vectors), dtype="<f4").astype(np.float32, copy=False)
    index.add_matrix(chunk.embedding_ids, chunk.person_ids, vectors.reshape(-1, dimension))
