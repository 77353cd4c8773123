"""The unknown inbox: keeps the best face of each unknown track, by person, as long and as many as the settings say."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.errors import LeaseLostError, UnknownConflictError
from lianpu.gallery.analyzers import key_of
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.thresholds import GalleryThresholds
from lianpu.leases.leases import HeldLease
from lianpu.storage.files import FileStorage
from lianpu.streams.inbox.clustering import MERGES_AT_ONCE, Nearest
from lianpu.streams.inbox.memory import InboxMemory, PackMemory
from lianpu.streams.inbox.models import UnknownFace, UnknownPerson
from lianpu.streams.inbox.repository import InboxRepository
from lianpu.streams.pipeline import Person

FOLDER = "streams/unknowns"
CLEARING_INTERVAL_S = 3600.0
CLEARED_AT_ONCE = 200
FOLLOWING_S = 2.0
WRITING_S = 3600.0
"""A file without a row is left alone for so long after its making; nodes' clocks may differ."""
_UUID7 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7")
"""Its first 48 bits are the milliseconds of its making."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InboxRules:
    enabled: bool
    """Off: nothing new is kept; what is there can be looked at, named and purged, and goes when it is old."""
    retention: timedelta
    min_quality: float
    """Least `FaceQuality.overall` of a face that is kept."""
    max_faces: int
    """Of all; the oldest make room."""
    faces_per_unknown: int
    """The best ones."""


@dataclass(frozen=True, slots=True)
class RemovedFace:
    """A face whose row is gone, and what is left to be done about it."""

    key: PackKey
    unknown_id: str
    vector: NDArray[np.float32]
    stored_path: str


class UnknownInbox:
    """Lives on one event loop. Every change is made under `lock`, by a session of the database.

    Files are written before their rows are committed and deleted after; what a crash leaves in between is found by
    comparing the two at the next start.
    """

    def __init__(
        self, database: Database, storage: FileStorage, thresholds: GalleryThresholds, rules: InboxRules
    ) -> None:
        self._database = database
        self._storage = storage
        self._thresholds = thresholds
        self.rules = rules
        self.lock = asyncio.Lock()
        self.memory = InboxMemory(database)
        self._held: set[str] = set()

    async def keep(
        self, stream_id: str, analyzer: FaceAnalyzer, ended: Sequence[Person], lease: HeldLease | None = None
    ) -> None:
        """Keep the best face of each of these tracks, if it is nobody's of the gallery and good enough.

        A face that cannot be kept is logged: it costs the stream nothing.

        Args:
            lease: what the stream is run by; None: no other node could run it.

        Raises:
            LeaseLostError: another node goes on with the stream; nothing is kept.
        """
        if not self.rules.enabled:
            return
        async with self.lock:
            try:
                # Also where nobody has left: whoever comes is looked up in it.
                await self.memory.of(key_of(analyzer), analyzer.metric, analyzer.dimension)
                for person in ended:
                    if self._is_worth(person):
                        await self._keep(stream_id, analyzer, person, lease)
            except BaseException as error:
                self.memory.drop(key_of(analyzer))
                if isinstance(error, LeaseLostError) or not isinstance(error, Exception):
                    raise
                _log.error("a face cannot be kept in the inbox", extra={"stream_id": stream_id}, exc_info=error)

    def cluster_of(self, analyzer: FaceAnalyzer, embedding: NDArray[np.float32]) -> Nearest | None:
        """The unknown person that a face belongs to; None: to none that is kept. Never blocks.

        Args:
            embedding: [dimension] float32, made by `analyzer`.
        """
        memory = self.memory.at_hand(key_of(analyzer))
        return None if memory is None else memory.clustering.nearest(embedding, self._threshold(analyzer))

    def is_vetoed(self, analyzer: FaceAnalyzer, embedding: NDArray[np.float32], person_id: str, score: float) -> bool:
        """Whether a face is more like an unknown person, who is not this one as somebody said, than like this one."""
        nearest = self.cluster_of(analyzer, embedding)
        memory = self.memory.at_hand(key_of(analyzer))
        if nearest is None or memory is None or nearest.score < score:
            return False
        return person_id in memory.vetoes.get(nearest.cluster_id, ())

    @asynccontextmanager
    async def change(self) -> AsyncGenerator[InboxRepository]:
        """Change the tables by hand; commits at the end of the block, and then remembers what they say."""
        async with self.lock:
            async with self._database.session() as session:
                repository = InboxRepository(session)
                sequence = await repository.next_sequence()
                yield repository
                await session.commit()
            await self.memory.reread_all()
            self.memory.sequence = sequence

    @contextmanager
    def held(self, unknown_id: str) -> Generator[None]:
        """Until the end of the block the unknown person is not merged with another by itself.

        Raises:
            UnknownConflictError: it is held already.
        """
        if unknown_id in self._held:
            raise UnknownConflictError("This unknown person is being named by another request.")
        self._held.add(unknown_id)
        try:
            yield
        finally:
            self._held.discard(unknown_id)

    async def delete_files(self, stored_paths: Sequence[str]) -> None:
        """Of faces whose rows are gone. What another program holds is tried again within the hour."""
        await asyncio.to_thread(self._delete_files, stored_paths)

    async def read(self, stored_path: str) -> bytes:
        """JPEG.

        Raises:
            FileNotFoundError: it is gone.
        """
        return await asyncio.to_thread(self._storage.read, stored_path)

    async def run_clearing(self) -> None:
        """Now and every hour: `clear`."""
        while True:
            try:
                await self.clear()
            except Exception as error:  # tried again in an hour
                _log.warning("the inbox cannot be cleared", exc_info=error)
            await asyncio.sleep(CLEARING_INTERVAL_S)

    async def run_following(self) -> None:
        """What other nodes change is remembered here, too."""
        while True:
            await asyncio.sleep(FOLLOWING_S)
            try:
                async with self.lock:
                    async with self._database.session() as session:
                        sequence = await InboxRepository(session).sequence()
                    await self.memory.follow(sequence)
            except Exception as error:  # tried again in a moment
                _log.warning("changes of the inbox cannot be followed", exc_info=error)

    async def clear(self) -> None:
        """Faces past their retention go; then files without a row, and rows without a file."""
        moment = now_utc() - self.rules.retention
        while True:
            async with self.change() as repository:
                old = await repository.faces_before(moment, CLEARED_AT_ONCE)
                await repository.delete_faces(old)
            await self.delete_files([face.stored_path for face in old])
            if len(old) < CLEARED_AT_ONCE:
                break
        async with self.lock:
            await self._reconcile()

    async def _reconcile(self) -> None:
        files = await asyncio.to_thread(self._stored)
        async with self._database.session() as session:
            repository = InboxRepository(session)
            known = await repository.stored_paths()
            missing = [known[name] for name in known.keys() - files]
            if missing:
                await repository.delete_faces(await repository.faces(missing))
                await session.commit()
        orphans = sorted(name for name in files - known.keys() if not self._may_be_written(name))
        if orphans or missing:
            _log.info("the inbox was put in order", extra={"files": len(orphans), "faces": len(missing)})
        await self.delete_files(orphans)
        if missing:
            await self.memory.reread_all()

    async def _keep(self, stream_id: str, analyzer: FaceAnalyzer, person: Person, lease: HeldLease | None) -> None:
        assert person.embedding is not None
        assert person.portrait is not None
        if lease is not None:
            lease.check()
        key, threshold = key_of(analyzer), self._threshold(analyzer)
        face_id = new_id()
        path = f"{FOLDER}/{face_id[-2:]}/{face_id}.jpg"
        try:
            await asyncio.to_thread(self._storage.write, path, person.portrait)
            async with self._database.session() as session:
                repository = InboxRepository(session)
                if lease is not None:
                    await lease.fence(session)
                sequence = await repository.next_sequence()
                await self.memory.follow(sequence - 1)
                memory = await self.memory.of(key, analyzer.metric, analyzer.dimension)
                nearest = memory.clustering.nearest(person.embedding, threshold)
                seen_at = now_utc()
                if nearest is None:
                    unknown = UnknownPerson(
                        id=new_id(), pack=key[0], pack_version=key[1], sightings=0, first_seen_at=seen_at
                    )
                    repository.add(unknown)
                else:
                    unknown = await repository.unknown(nearest.cluster_id)
                unknown.sightings += 1
                unknown.last_seen_at = seen_at
                await session.flush()
                repository.add(
                    UnknownFace(
                        id=face_id,
                        unknown_id=unknown.id,
                        stream_id=stream_id,
                        dimension=len(person.embedding),
                        vector=person.embedding,
                        quality=person.quality,
                        is_live=person.is_live,
                        stored_path=path,
                        seen_at=seen_at,
                    )
                )
                memory.clustering.add(unknown.id, person.embedding)
                await session.flush()
                unknown = await self._merged(repository, memory, unknown, threshold)
                removed = await self._trimmed(repository, unknown)
                await session.commit()
                self.memory.sequence = sequence
        except BaseException:
            await self.delete_files([path])
            raise
        for face in removed:
            self.memory.forget_face(face.key, face.unknown_id, face.vector)
        await self.delete_files([face.stored_path for face in removed])

    async def _merged(
        self, repository: InboxRepository, memory: PackMemory, unknown: UnknownPerson, threshold: float
    ) -> UnknownPerson:
        """Who the unknown person is once it has been merged with those it has come to."""
        for _ in range(MERGES_AT_ONCE):
            apart = self._held | memory.apart.get(unknown.id, set())
            other = None if unknown.id in self._held else memory.clustering.meeting(unknown.id, threshold, apart)
            if other is None:
                break
            into, gone = unknown, await repository.unknown(other.cluster_id)
            if gone.sightings > into.sightings:  # the better known one keeps its id
                into, gone = gone, into
            memory.merge(into.id, gone.id)
            await repository.merge(into, gone)
            unknown = into
        return unknown

    async def _trimmed(self, repository: InboxRepository, unknown: UnknownPerson) -> list[RemovedFace]:
        """Rows of faces that are too many, taken out."""
        removed = list(await repository.worst_faces(unknown.id, self.rules.faces_per_unknown))
        too_many = await repository.face_count() - len(removed) - self.rules.max_faces
        if too_many > 0:
            chosen = {face.id for face in removed}
            oldest = await repository.oldest_faces(too_many + len(removed))
            removed += [face for face in oldest if face.id not in chosen][:too_many]
        owners = {face.unknown_id: await repository.unknown(face.unknown_id) for face in removed}
        noted = [
            RemovedFace(
                (owners[face.unknown_id].pack, owners[face.unknown_id].pack_version),
                face.unknown_id,
                face.vector,
                face.stored_path,
            )
            for face in removed
        ]
        await repository.delete_faces(removed)
        return noted

    def _is_worth(self, person: Person) -> bool:
        return (
            person.voting.is_unknown
            and person.embedding is not None
            and person.portrait is not None
            and person.quality >= self.rules.min_quality
        )

    def _threshold(self, analyzer: FaceAnalyzer) -> float:
        """As a search would apply it."""
        of_gallery = self._thresholds.of(key_of(analyzer))
        return analyzer.threshold if of_gallery is None else of_gallery

    def _may_be_written(self, name: str) -> bool:
        """Whether another node may be about to commit its row; on SQLite there is none."""
        if self._database.is_sqlite:
            return False
        found = _UUID7.search(name)
        return found is not None and abs(time.time() - int(found[1] + found[2], 16) / 1000) < WRITING_S

    def _stored(self) -> set[str]:
        return {file.name for file in self._storage.files(FOLDER)}

    def _delete_files(self, stored_paths: Sequence[str]) -> None:
        for path in stored_paths:
            try:
                self._storage.delete(path)
            except OSError as error:
                _log.warning("a file of the inbox cannot be deleted", extra={"file": path, "reason": str(error)})
