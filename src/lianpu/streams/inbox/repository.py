"""Queries of the inbox's tables."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.errors import UnknownNotFoundError
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.repository import GalleryRepository, batches
from lianpu.streams.inbox.models import (
    UnknownFace,
    UnknownInboxHead,
    UnknownPerson,
    UnknownSeparation,
    UnknownVeto,
)


class InboxRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: UnknownPerson | UnknownFace | UnknownVeto | UnknownSeparation) -> None:
        self._session.add(row)

    async def next_sequence(self) -> int:
        """Of a change of the inbox. The first thing of a change: all others wait for its end."""
        take = update(UnknownInboxHead).values(sequence=UnknownInboxHead.sequence + 1)
        await self._session.execute(take.execution_options(synchronize_session=False))
        return await self.sequence()

    async def sequence(self) -> int:
        """Of the last change of the inbox."""
        return (await self._session.scalars(select(UnknownInboxHead.sequence))).one()

    async def flush(self) -> None:
        await self._session.flush()

    async def known_person(self, person_id: str) -> None:
        """
        Raises:
            PersonNotFoundError: the gallery has no such person.
        """
        await GalleryRepository(self._session).person(person_id)

    async def unknown(self, unknown_id: str) -> UnknownPerson:
        """
        Raises:
            UnknownNotFoundError: there is none of this id.
        """
        row = await self._session.get(UnknownPerson, unknown_id)
        if row is None:
            raise UnknownNotFoundError(f"There is no unknown person {unknown_id!r} in the inbox.")
        return row

    async def face(self, unknown_id: str, face_id: str) -> UnknownFace:
        """
        Raises:
            UnknownNotFoundError: the unknown person has no such face, or there is no such person.
        """
        row = await self._session.get(UnknownFace, face_id)
        if row is None or row.unknown_id != unknown_id:
            raise UnknownNotFoundError(f"The unknown person {unknown_id!r} has no face {face_id!r}.")
        return row

    async def unknowns(
        self, stream_id: str | None, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[UnknownPerson]:
        """Who was seen last first; `before`: moment and id of the last one that was given out."""
        query = select(UnknownPerson).order_by(UnknownPerson.last_seen_at.desc(), UnknownPerson.id.desc()).limit(limit)
        if stream_id is not None:
            seen = select(UnknownFace.unknown_id).where(UnknownFace.stream_id == stream_id)
            query = query.where(UnknownPerson.id.in_(seen))
        if before is not None:
            moment, unknown_id = before
            earlier = UnknownPerson.last_seen_at < moment
            same = (UnknownPerson.last_seen_at == moment) & (UnknownPerson.id < unknown_id)
            query = query.where(earlier | same)
        return (await self._session.scalars(query)).all()

    async def faces_of(self, unknown_ids: Sequence[str]) -> dict[str, list[UnknownFace]]:
        """The best first; of each id that was asked for."""
        found: dict[str, list[UnknownFace]] = {unknown_id: [] for unknown_id in unknown_ids}
        for ids in batches(unknown_ids):
            query = select(UnknownFace).where(UnknownFace.unknown_id.in_(ids))
            for face in await self._session.scalars(query.order_by(UnknownFace.quality.desc(), UnknownFace.id)):
                found[face.unknown_id].append(face)
        return found

    async def faces(self, face_ids: Sequence[str]) -> list[UnknownFace]:
        found: list[UnknownFace] = []
        for ids in batches(face_ids):
            found += await self._session.scalars(select(UnknownFace).where(UnknownFace.id.in_(ids)))
        return found

    async def vectors_of_pack(self, key: PackKey) -> list[tuple[str, NDArray[np.float32]]]:
        """(unknown person, [dimension]) of each face of a pack version."""
        pack, version = key
        of_pack = (UnknownPerson.pack == pack) & (UnknownPerson.pack_version == version)
        query = select(UnknownFace.unknown_id, UnknownFace.vector).join(
            UnknownPerson, UnknownPerson.id == UnknownFace.unknown_id
        )
        return [(row[0], row[1]) for row in await self._session.execute(query.where(of_pack))]

    async def face_count(self) -> int:
        return await self._session.scalar(select(func.count()).select_from(UnknownFace)) or 0

    async def unknown_count(self) -> int:
        return await self._session.scalar(select(func.count()).select_from(UnknownPerson)) or 0

    async def worst_faces(self, unknown_id: str, kept: int) -> Sequence[UnknownFace]:
        """All but the best `kept`."""
        return (await self.faces_of([unknown_id]))[unknown_id][kept:]

    async def oldest_faces(self, limit: int) -> Sequence[UnknownFace]:
        query = select(UnknownFace).order_by(UnknownFace.seen_at, UnknownFace.id).limit(limit)
        return (await self._session.scalars(query)).all()

    async def faces_before(self, moment: datetime, limit: int) -> Sequence[UnknownFace]:
        return (await self._session.scalars(select(UnknownFace).where(UnknownFace.seen_at < moment).limit(limit))).all()

    async def stored_paths(self) -> dict[str, str]:
        """Name of the file -> id of its face; of all."""
        rows = await self._session.execute(select(UnknownFace.stored_path, UnknownFace.id))
        return {row.stored_path: row.id for row in rows}

    async def delete_faces(self, faces: Iterable[UnknownFace]) -> None:
        """And the unknown persons of whom no other face is left."""
        rows = list(faces)
        for ids in batches([row.id for row in rows]):
            await self._session.execute(delete(UnknownFace).where(UnknownFace.id.in_(ids)))
        for ids in batches(sorted({row.unknown_id for row in rows})):
            left = select(UnknownFace.unknown_id).where(UnknownFace.unknown_id.in_(ids))
            gone = UnknownPerson.id.in_(ids) & UnknownPerson.id.not_in(left)
            await self._session.execute(delete(UnknownPerson).where(gone))

    async def delete_emptied(self, unknown_id: str) -> None:
        """The unknown person, if no face is left."""
        left = select(UnknownFace.id).where(UnknownFace.unknown_id == unknown_id)
        await self._session.execute(delete(UnknownPerson).where(UnknownPerson.id == unknown_id, ~left.exists()))

    async def delete_unknown(self, unknown_id: str) -> None:
        """With all that belongs to it."""
        await self._session.execute(delete(UnknownPerson).where(UnknownPerson.id == unknown_id))

    async def delete_all(self) -> None:
        await self._session.execute(delete(UnknownPerson))

    async def vetoes(self, unknown_ids: Sequence[str]) -> dict[str, set[str]]:
        """Whom each of them is not; only of those who are not somebody."""
        found: dict[str, set[str]] = defaultdict(set)
        for ids in batches(unknown_ids):
            rows = select(UnknownVeto.unknown_id, UnknownVeto.person_id).where(UnknownVeto.unknown_id.in_(ids))
            for unknown_id, person_id in await self._session.execute(rows):
                found[unknown_id].add(person_id)
        return found

    async def put_vetoes(self, unknown_id: str, person_ids: Iterable[str]) -> None:
        """Those that stand already are no mistake."""
        standing = (await self.vetoes([unknown_id])).get(unknown_id, set())
        for person_id in sorted(set(person_ids) - standing):
            self.add(UnknownVeto(unknown_id=unknown_id, person_id=person_id))

    async def delete_veto(self, unknown_id: str, person_id: str) -> None:
        mine = (UnknownVeto.unknown_id == unknown_id) & (UnknownVeto.person_id == person_id)
        await self._session.execute(delete(UnknownVeto).where(mine))

    async def separated_from(self, unknown_ids: Sequence[str]) -> dict[str, set[str]]:
        """From whom each was taken apart."""
        found: dict[str, set[str]] = defaultdict(set)
        for ids in batches(unknown_ids):
            either: ColumnElement[bool] = UnknownSeparation.first_id.in_(ids) | UnknownSeparation.second_id.in_(ids)
            for row in await self._session.scalars(select(UnknownSeparation).where(either)):
                found[row.first_id].add(row.second_id)
                found[row.second_id].add(row.first_id)
        return found

    async def separate(self, one_id: str, other_id: str) -> None:
        """Harmless where they are apart already."""
        first_id, second_id = sorted((one_id, other_id))
        if await self._session.get(UnknownSeparation, (first_id, second_id)) is None:
            self.add(UnknownSeparation(first_id=first_id, second_id=second_id))

    async def merge(self, into: UnknownPerson, other: UnknownPerson) -> None:
        """Faces, vetoes and separations of `other` become those of `into`; `other` is gone."""
        moved = update(UnknownFace).where(UnknownFace.unknown_id == other.id).values(unknown_id=into.id)
        await self._session.execute(moved)
        vetoes = await self.vetoes([other.id])
        await self.put_vetoes(into.id, vetoes.get(other.id, set()))
        apart = (await self.separated_from([other.id])).get(other.id, set())
        for unknown_id in sorted(apart - {into.id}):
            await self.separate(into.id, unknown_id)
        into.sightings += other.sightings
        into.first_seen_at = min(into.first_seen_at, other.first_seen_at)
        into.last_seen_at = max(into.last_seen_at, other.last_seen_at)
        await self._session.flush()
        self._session.expunge(other)
        await self.delete_unknown(other.id)
