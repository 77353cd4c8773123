"""The one way to change the gallery: database first, then index and files, so that the three agree."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.base import new_id
from lianpu.database.completion import to_its_end
from lianpu.database.session import Database
from lianpu.errors import StorageError
from lianpu.gallery.change_log import GalleryLog
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import FaceEmbedding
from lianpu.gallery.repository import GalleryRepository
from lianpu.gallery.unfinished import UnfinishedFiles
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
    changed_states: list[str] = field(default_factory=list[str])
    """Keys of `GalleryState` that other nodes have to read anew."""
    obsolete_files: list[str] = field(default_factory=list[str])
    log_head: int | None = None
    """Of the log while this change holds its lock; None: there is no log."""
    after_commit: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    """Called once the database has it and the indexes show it, while no other change can come between."""
    committed: bool = False
    is_unsure: bool = False
    """The connection was lost while it committed: the database may have it, or not."""

    def add_embeddings(self, embeddings: list[FaceEmbedding]) -> None:
        self.session.add_all(embeddings)
        self.added.extend(embeddings)


class GalleryChanges:
    """Runs changes one after another: a later commit can never reach the index before an earlier one.

    On a database server they are so among all nodes: a change begins when no other node changes anything, and with
    indexes that show what the others did, so that whatever it looks up holds until its commit.
    """

    def __init__(self, database: Database, storage: FileStorage, indexes: GalleryIndexes) -> None:
        self._database = database
        self._storage = storage
        self._indexes = indexes
        self._lock = indexes.lock
        self._on_commit: list[Callable[[], None]] = []
        self.unfinished = UnfinishedFiles(storage, is_alone=database.is_sqlite)

    def on_commit(self, tell: Callable[[], None]) -> None:
        """`tell`: called when other nodes have something to follow."""
        self._on_commit.append(tell)

    @asynccontextmanager
    async def change(self, new_files: Mapping[str, bytes] | None = None) -> AsyncGenerator[GalleryChange]:
        """Commits at the end of the block; an exception inside leaves database, index and files as they were.

        Args:
            new_files: name -> bytes, read one after another and written before the change begins, and removed again
                when it fails. A name is never used twice: a change that fails must not take another's file with it.
        """
        files = new_files or {}
        change: GalleryChange | None = None
        token = new_id()
        noted = bool(files)
        try:
            if files:
                # A cancelled request must not leave a thread behind that still writes what is being deleted.
                await to_its_end(asyncio.to_thread(self._write, token, files))
            async with self._lock, self._database.session() as session:
                head = await self._begin(session)
                change = GalleryChange(session, GalleryRepository(session), log_head=head)
                yield change
                if change.obsolete_files:
                    noted = True
                    await self._note_obsolete(token, [*files, *change.obsolete_files])
                # Once the commit is on its way, a cancelled request must not part index and database.
                await to_its_end(self._finish(change))
        finally:
            # A request that was cancelled while it committed has committed: its new files stay.
            committed = change is not None and change.committed
            doomed = change.obsolete_files if change and committed else list(files)
            if change is None or not change.is_unsure:
                await asyncio.to_thread(self._delete, doomed, token if noted else None)
            elif noted:
                # Deleted later, unless a row names them.
                self.unfinished.leave(token)

    async def _begin(self, session: AsyncSession) -> int | None:
        if not self._indexes.has_log:
            return None
        head = await GalleryLog(session).lock()
        await self._indexes.catch_up_within(session, head)
        return head

    async def _finish(self, change: GalleryChange) -> None:
        head = change.log_head
        if head is not None:
            await change.session.flush()
            touched = dict.fromkeys([*change.removed_embedding_ids, *(one.id for one in change.added)])
            head = await GalleryLog(change.session).append(head, touched, change.changed_states)
        async with self._indexes.committing(head):
            try:
                await change.session.commit()
            except DBAPIError as error:
                change.is_unsure = error.connection_invalidated
                raise
            change.committed = True
            await self._indexes.apply(change.removed_embedding_ids, change.added)
        for call in change.after_commit:
            call()
        if head != change.log_head:
            for tell in self._on_commit:
                tell()

    async def _note_obsolete(self, token: str, files: list[str]) -> None:
        try:
            await asyncio.to_thread(self.unfinished.note, token, files)
        except StorageError as error:
            # Whoever deletes persons may do so to make room: a full disk must not keep them from it.
            _log.warning("a change cannot be noted", extra={"reason": error.detail})

    def _write(self, token: str, files: Mapping[str, bytes]) -> None:
        self.unfinished.note(token, files)
        for name in files:
            self._storage.write(name, files[name])

    def _delete(self, names: list[str], token: str | None) -> None:
        gone = True
        for name in names:
            try:
                self._storage.delete(name)
            except OSError as error:
                gone = False
                _log.warning("file could not be deleted", extra={"file": name, "reason": str(error)})
        if token is None:
            return
        try:
            (self.unfinished.forget if gone else self.unfinished.leave)(token)
        except OSError as error:
            self.unfinished.leave(token)
            _log.warning("a note could not be deleted", extra={"reason": str(error)})
