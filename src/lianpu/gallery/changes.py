"""The one way to change the gallery: database first, then index and files, so that the three agree."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.session import Database
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import FaceEmbedding
from lianpu.gallery.repository import GalleryRepository
from lianpu.storage.files import FileStorage

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass
class GalleryChange:
    """One change while it is being made. Files to be kept are written before it begins."""

    session: AsyncSession
    repository: GalleryRepository
    added: list[FaceEmbedding] = field(default_factory=list[FaceEmbedding])
    removed_embedding_ids: list[str] = field(default_factory=list[str])
    obsolete_files: list[str] = field(default_factory=list[str])
    committed: bool = False

    def add_embeddings(self, embeddings: list[FaceEmbedding]) -> None:
        self.session.add_all(embeddings)
        self.added.extend(embeddings)


class GalleryChanges:
    """Runs changes one after another: a later commit can never reach the index before an earlier one."""

    def __init__(self, database: Database, storage: FileStorage, indexes: GalleryIndexes) -> None:
        self._database = database
        self._storage = storage
        self._indexes = indexes
        self._lock = indexes.lock

    @asynccontextmanager
    async def change(self, new_files: dict[str, bytes] | None = None) -> AsyncGenerator[GalleryChange]:
        """Commits at the end of the block; an exception inside leaves database, index and files as they were.

        Args:
            new_files: name -> bytes, written before the change begins and removed again when it fails.
        """
        files = new_files or {}
        change: GalleryChange | None = None
        try:
            await asyncio.to_thread(self._write, files)
            async with self._lock, self._database.session() as session:
                change = GalleryChange(session, GalleryRepository(session))
                yield change
                # Once the commit is on its way, a cancelled request must not part index and database.
                await _to_its_end(self._finish(change))
        finally:
            # A request that was cancelled while it committed has committed: its new files stay.
            committed = change is not None and change.committed
            await asyncio.to_thread(self._delete, change.obsolete_files if change and committed else list(files))

    async def _finish(self, change: GalleryChange) -> None:
        await change.session.commit()
        change.committed = True
        self._indexes.remove(change.removed_embedding_ids)
        self._indexes.add(change.added)

    def _write(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            self._storage.write(name, data)

    def _delete(self, names: list[str]) -> None:
        for name in names:
            try:
                self._storage.delete(name)
            except OSError as error:
                _log.warning("file could not be deleted", extra={"file": name, "reason": str(error)})


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
