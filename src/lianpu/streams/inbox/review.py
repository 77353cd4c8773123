"""What people do with the inbox, but for naming: look at it, say who somebody is not, take apart, merge, purge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lianpu.database.session import Database
from lianpu.errors import NotFoundError, PackError, UnknownConflictError, UnknownNotFoundError
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.recognition import PersonMatch, Recognition
from lianpu.http.pagination import Cursor, decode_cursor, moment_and_id
from lianpu.packs.folder import folder_name
from lianpu.streams.inbox.inbox import UnknownInbox
from lianpu.streams.inbox.models import UnknownFace, UnknownPerson
from lianpu.streams.inbox.repository import InboxRepository


@dataclass(frozen=True, slots=True)
class UnknownRecord:
    row: UnknownPerson
    faces: list[UnknownFace]
    """The best first."""
    vetoed: frozenset[str]
    """Persons whom somebody said that it is not."""
    nearest: PersonMatch | None
    """The person of the gallery whom the best face is most like, of those not vetoed; mostly no match, since it would
    have been named. None: there is nobody, or the pack cannot be used any more."""


@dataclass(frozen=True, slots=True)
class Purged:
    unknowns: int
    faces: int


class InboxReview:
    def __init__(self, database: Database, inbox: UnknownInbox, recognition: Recognition) -> None:
        self._database = database
        self._inbox = inbox
        self._recognition = recognition

    async def page(
        self, stream_id: str | None, cursor: str | None, limit: int
    ) -> tuple[list[UnknownRecord], str | None, int]:
        """Who was seen last first; the cursor of the next page; and how many unknown persons there are in all.

        Args:
            stream_id: only those of whom a face of this stream is kept.

        Raises:
            CursorInvalidError: the cursor is not one of this list.
        """
        scope = f"unknowns:{stream_id!r}"
        before = None if cursor is None else moment_and_id(decode_cursor(cursor, scope, 2))
        async with self._database.session() as session:
            repository = InboxRepository(session)
            rows = await repository.unknowns(stream_id, before, limit + 1)
            read = await _read(repository, rows[:limit])
            total = await repository.unknown_count()
        last = rows[limit - 1] if len(rows) > limit else None
        next_cursor = None if last is None else Cursor((last.last_seen_at.isoformat(), last.id)).encode(scope)
        return await self._with_nearest(read), next_cursor, total

    async def get(self, unknown_id: str) -> UnknownRecord:
        """
        Raises:
            UnknownNotFoundError: there is none of this id.
        """
        async with self._database.session() as session:
            repository = InboxRepository(session)
            read = await _read(repository, [await repository.unknown(unknown_id)])
        (record,) = await self._with_nearest(read)
        return record

    async def crop(self, unknown_id: str, face_id: str | None) -> bytes:
        """JPEG of a face; None: of the best one.

        Raises:
            UnknownNotFoundError: there is none.
        """
        async with self._database.session() as session:
            repository = InboxRepository(session)
            if face_id is None:
                await repository.unknown(unknown_id)
                face = (await repository.faces_of([unknown_id]))[unknown_id][0]
            else:
                face = await repository.face(unknown_id, face_id)
        try:
            return await self._inbox.read(face.stored_path)
        except FileNotFoundError as error:
            raise UnknownNotFoundError("The face is gone.") from error

    async def veto(self, unknown_id: str, person_id: str) -> UnknownRecord:
        """This is not that person: neither suggested, nor named so, nor recognised as such. Harmless when said before.

        Raises:
            UnknownNotFoundError, PersonNotFoundError: there is no such unknown person, or no such person.
        """
        async with self._inbox.change() as repository:
            await repository.unknown(unknown_id)
            await repository.known_person(person_id)
            await repository.put_vetoes(unknown_id, [person_id])
        return await self.get(unknown_id)

    async def withdraw_veto(self, unknown_id: str, person_id: str) -> UnknownRecord:
        """
        Raises:
            UnknownNotFoundError: there is no such unknown person.
        """
        async with self._inbox.change() as repository:
            await repository.unknown(unknown_id)
            await repository.delete_veto(unknown_id, person_id)
        return await self.get(unknown_id)

    async def move(self, unknown_id: str, face_id: str, to_unknown_id: str | None) -> UnknownRecord:
        """Give a face to another unknown person, or make one of it; the two are not merged again by themselves.

        Returns:
            Who has the face now.

        Raises:
            UnknownNotFoundError: there is no such face or unknown person.
            UnknownConflictError: it is the only face and would become what it is; or the other one is of another pack.
        """
        async with self._inbox.change() as repository:
            origin = await repository.unknown(unknown_id)
            face = await repository.face(unknown_id, face_id)
            if to_unknown_id is None:
                target = await _new_of(repository, origin, face)
            else:
                target = await repository.unknown(to_unknown_id)
                _refuse_unlike(origin, target)
            await repository.separate(origin.id, target.id)
            face.unknown_id = target.id
            await repository.flush()
            await _take_sighting(repository, origin, target, face)
            await repository.delete_emptied(origin.id)
            surplus = await self._trimmed(repository, target)
        await self._inbox.delete_files(surplus)
        return await self.get(target.id)

    async def merge(self, unknown_id: str, other_id: str) -> UnknownRecord:
        """The other one becomes part of this one, although they were taken apart before.

        Raises:
            UnknownNotFoundError: one of them does not exist.
            UnknownConflictError: they are one and the same, or of different packs.
        """
        async with self._inbox.change() as repository:
            into, other = await repository.unknown(unknown_id), await repository.unknown(other_id)
            _refuse_unlike(into, other)
            await repository.merge(into, other)
            surplus = await self._trimmed(repository, into)
        await self._inbox.delete_files(surplus)
        return await self.get(unknown_id)

    async def purge(self, unknown_id: str) -> Purged:
        """Rows and files.

        Raises:
            UnknownNotFoundError: there is none of this id.
        """
        async with self._inbox.change() as repository:
            await repository.unknown(unknown_id)
            faces = (await repository.faces_of([unknown_id]))[unknown_id]
            await repository.delete_unknown(unknown_id)
        await self._inbox.delete_files([face.stored_path for face in faces])
        return Purged(1, len(faces))

    async def purge_all(self) -> Purged:
        async with self._inbox.change() as repository:
            count, paths = await repository.unknown_count(), list(await repository.stored_paths())
            await repository.delete_all()
        await self._inbox.delete_files(paths)
        return Purged(count, len(paths))

    async def _trimmed(self, repository: InboxRepository, unknown: UnknownPerson) -> list[str]:
        """Files of the faces that are too many by now."""
        surplus = await repository.worst_faces(unknown.id, self._inbox.rules.faces_per_unknown)
        await repository.delete_faces(surplus)
        return [face.stored_path for face in surplus]

    async def _with_nearest(self, read: Sequence[UnknownRecord]) -> list[UnknownRecord]:
        nearest: dict[str, PersonMatch | None] = {}
        for key in {(one.row.pack, one.row.pack_version) for one in read}:
            of_pack = [one for one in read if (one.row.pack, one.row.pack_version) == key]
            nearest |= await self._nearest(key, of_pack)
        return [replace(one, nearest=nearest[one.row.id]) for one in read]

    async def _nearest(self, key: PackKey, unknowns: Sequence[UnknownRecord]) -> dict[str, PersonMatch | None]:
        """Of unknown persons of one pack version."""
        try:
            analyzer = await self._recognition.analyzer(folder_name(*key))
        except (PackError, NotFoundError):
            return {one.row.id: None for one in unknowns}
        embeddings = np.stack([one.faces[0].vector for one in unknowns])
        # One more than may be passed over.
        found = await self._recognition.identify(
            embeddings, analyzer, top_k=1 + max(len(one.vetoed) for one in unknowns)
        )
        return {
            one.row.id: next((match for match in of_face.matches if match.row.person_id not in one.vetoed), None)
            for one, of_face in zip(unknowns, found, strict=True)
        }


async def _read(repository: InboxRepository, rows: Sequence[UnknownPerson]) -> list[UnknownRecord]:
    unknown_ids = [row.id for row in rows]
    faces = await repository.faces_of(unknown_ids)
    vetoes = await repository.vetoes(unknown_ids)
    return [UnknownRecord(row, faces[row.id], frozenset(vetoes.get(row.id, ())), None) for row in rows]


def _refuse_unlike(one: UnknownPerson, other: UnknownPerson) -> None:
    if one.id == other.id:
        raise UnknownConflictError("These are one and the same unknown person.")
    if (one.pack, one.pack_version) != (other.pack, other.pack_version):
        raise UnknownConflictError(
            f"One is known by pack {folder_name(one.pack, one.pack_version)}, the other by "
            f"{folder_name(other.pack, other.pack_version)}: their faces cannot be compared."
        )


async def _new_of(repository: InboxRepository, origin: UnknownPerson, face: UnknownFace) -> UnknownPerson:
    """An unknown person for a face that is taken out; whom the origin is not, the face is not either."""
    faces = (await repository.faces_of([origin.id]))[origin.id]
    if len(faces) < 2:
        raise UnknownConflictError("It is the only face of this unknown person.")
    target = UnknownPerson(
        pack=origin.pack,
        pack_version=origin.pack_version,
        sightings=0,
        first_seen_at=face.seen_at,
        last_seen_at=face.seen_at,
    )
    repository.add(target)
    await repository.flush()
    await repository.put_vetoes(target.id, (await repository.vetoes([origin.id])).get(origin.id, set()))
    return target


async def _take_sighting(
    repository: InboxRepository, origin: UnknownPerson, target: UnknownPerson, face: UnknownFace
) -> None:
    origin.sightings -= 1
    target.sightings += 1
    target.first_seen_at = min(target.first_seen_at, face.seen_at)
    target.last_seen_at = max(target.last_seen_at, face.seen_at)
    left = (await repository.faces_of([origin.id]))[origin.id]
    # Of sightings whose faces are not kept it is not known when they were.
    if left and len(left) == origin.sightings:
        origin.first_seen_at = min(one.seen_at for one in left)
        origin.last_seen_at = max(one.seen_at for one in left)
