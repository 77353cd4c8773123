"""The queries that the gallery itself has no need of: persons by name, all images by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.repository import batches


@dataclass(frozen=True, slots=True)
class Example:
    """An image and whose it is."""

    image_id: str
    person_id: str
    subject: str


class CompreFaceRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def names(self) -> list[str]:
        """Each once, in order; which letters are the same is not left to the database."""
        return sorted(set(await self._session.scalars(select(Person.name))))

    async def person_ids(self, name: str) -> list[str]:
        """All who have this very name; some databases take letters of another case for the same."""
        found = await self._session.execute(select(Person.id, Person.name).where(Person.name == name))
        return [person_id for person_id, their_name in found if their_name == name]

    async def all_person_ids(self) -> Sequence[str]:
        return (await self._session.scalars(select(Person.id))).all()

    async def page(self, person_ids: Sequence[str] | None, offset: int, limit: int) -> tuple[list[Example], int]:
        """Oldest first, and how many there are in all.

        Args:
            person_ids: of these alone; None: of everybody.
        """
        of_whom = [] if person_ids is None else [PersonImage.person_id.in_(person_ids)]
        count = await self._session.scalar(select(func.count()).select_from(PersonImage).where(*of_whom)) or 0
        query = select(PersonImage.id, Person.id, Person.name).join(Person, Person.id == PersonImage.person_id)
        rows = await self._session.execute(query.where(*of_whom).order_by(PersonImage.id).offset(offset).limit(limit))
        return [Example(*row) for row in rows], count

    async def examples(self, image_ids: Sequence[str]) -> list[Example]:
        """Those that there are, in the order of `image_ids`."""
        found: dict[str, Example] = {}
        query = select(PersonImage.id, Person.id, Person.name).join(Person, Person.id == PersonImage.person_id)
        for ids in batches(image_ids):
            for row in await self._session.execute(query.where(PersonImage.id.in_(ids))):
                found[row[0]] = Example(*row)
        return [found[image_id] for image_id in dict.fromkeys(image_ids) if image_id in found]

    async def embedding(self, image_id: str, pack: str, version: str) -> FaceEmbedding | None:
        query = select(FaceEmbedding).where(
            FaceEmbedding.image_id == image_id, FaceEmbedding.pack == pack, FaceEmbedding.pack_version == version
        )
        return await self._session.scalar(query)
