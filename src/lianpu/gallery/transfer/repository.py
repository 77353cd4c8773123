"""Every query of the transfer."""

from collections.abc import AsyncGenerator, Sequence

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.repository import IDS_PER_QUERY, PersonFilter, conditions


class TransferRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def begin_snapshot(self) -> None:
        """All that this session reads from now on is of one moment, whatever is committed meanwhile."""
        if self._session.get_bind().dialect.name == "sqlite":
            # Its driver begins a transaction before the first write alone.
            await self._session.execute(text("BEGIN"))
        else:
            await self._session.connection(execution_options={"isolation_level": "REPEATABLE READ"})

    async def persons(self, wanted: PersonFilter, person_ids: Sequence[str] | None) -> AsyncGenerator[Sequence[Person]]:
        """In the order of their ids, some hundreds at a time."""
        if person_ids is not None:
            ordered = sorted(set(person_ids))
            for start in range(0, len(ordered), IDS_PER_QUERY):
                query = select(Person).where(Person.id.in_(ordered[start : start + IDS_PER_QUERY]))
                yield (await self._session.scalars(query.order_by(Person.id))).all()
            return
        after: str | None = None
        while True:
            query = select(Person).where(*conditions(wanted)).order_by(Person.id).limit(IDS_PER_QUERY)
            if after is not None:
                query = query.where(Person.id > after)
            found = (await self._session.scalars(query)).all()
            if found:
                yield found
            if len(found) < IDS_PER_QUERY:
                return
            after = found[-1].id
            # A gallery is larger than what a session should remember.
            self._session.expunge_all()

    async def images(self, person_ids: Sequence[str]) -> dict[str, list[PersonImage]]:
        """By person, in the order of their ids."""
        query = select(PersonImage).where(PersonImage.person_id.in_(person_ids)).order_by(PersonImage.id)
        found: dict[str, list[PersonImage]] = {person_id: [] for person_id in person_ids}
        for image in await self._session.scalars(query):
            found[image.person_id].append(image)
        return found

    async def unknown(self, person_ids: Sequence[str]) -> list[str]:
        known: set[str] = set()
        for start in range(0, len(person_ids), IDS_PER_QUERY):
            query = select(Person.id).where(Person.id.in_(person_ids[start : start + IDS_PER_QUERY]))
            known.update(await self._session.scalars(query))
        return [person_id for person_id in person_ids if person_id not in known]

    async def existing(self, person_ids: Sequence[str]) -> dict[str, Person]:
        query = select(Person).where(Person.id.in_(person_ids))
        return {person.id: person for person in await self._session.scalars(query)}

    async def image_ids_by_hash(self, person_ids: Sequence[str]) -> dict[tuple[str, str], str]:
        """(person id, SHA-256) -> image id, of all images of these persons."""
        query = select(PersonImage.person_id, PersonImage.sha256, PersonImage.id)
        rows = await self._session.execute(query.where(PersonImage.person_id.in_(person_ids)))
        return {(person_id, sha256): image_id for person_id, sha256, image_id in rows}

    async def taken_ids(self, image_ids: Sequence[str], embedding_ids: Sequence[str]) -> set[str]:
        """Those that images or embeddings of the gallery have."""
        taken: set[str] = set()
        for column, wanted in ((PersonImage.id, image_ids), (FaceEmbedding.id, embedding_ids)):
            for start in range(0, len(wanted), IDS_PER_QUERY):
                some = wanted[start : start + IDS_PER_QUERY]
                taken.update(await self._session.scalars(select(column).where(column.in_(some))))
        return taken

    async def embedded(self, image_ids: Sequence[str]) -> set[tuple[str, str, str]]:
        """(image id, pack, version) of every embedding of these images."""
        query = select(FaceEmbedding.image_id, FaceEmbedding.pack, FaceEmbedding.pack_version)
        rows = await self._session.execute(query.where(FaceEmbedding.image_id.in_(image_ids)))
        return {(image_id, pack, version) for image_id, pack, version in rows}

    async def count_persons(self, wanted: PersonFilter) -> int:
        return await self._session.scalar(select(func.count()).select_from(Person).where(*conditions(wanted))) or 0
