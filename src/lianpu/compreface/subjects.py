"""Subjects: persons by name, which CompreFace has once each and this gallery may have several times."""

from collections.abc import Sequence

from lianpu.compreface.repository import CompreFaceRepository
from lianpu.database.base import new_id
from lianpu.database.session import Database
from lianpu.errors import SubjectAmbiguousError, SubjectExistsError, SubjectNotFoundError
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.identity import checked_person_id, person_id_from
from lianpu.gallery.models import Person
from lianpu.gallery.moves.moves import Moves
from lianpu.gallery.persons import Persons
from lianpu.gallery.repository import GalleryRepository


class Subjects:
    def __init__(self, database: Database, changes: GalleryChanges, persons: Persons, moves: Moves) -> None:
        self._database = database
        self._changes = changes
        self._persons = persons
        self._moves = moves

    async def names(self) -> list[str]:
        async with self._database.session() as session:
            return await CompreFaceRepository(session).names()

    async def person_ids(self, name: str) -> list[str]:
        """All persons of this name, for reading."""
        async with self._database.session() as session:
            return await CompreFaceRepository(session).person_ids(name)

    async def find(self, name: str) -> str | None:
        """The one person of this name; None: there is nobody.

        Raises:
            SubjectAmbiguousError: several have it, and nothing says which is meant.
        """
        found = await self.person_ids(name)
        if len(found) > 1:
            raise SubjectAmbiguousError(
                f"{len(found)} persons of this gallery have this name: change them by their ids, at /api/v1/faces."
            )
        return found[0] if found else None

    async def get(self, name: str) -> str:
        """
        Raises:
            SubjectNotFoundError, SubjectAmbiguousError: there is not exactly one.
        """
        person_id = await self.find(name)
        if person_id is None:
            raise SubjectNotFoundError("There is no subject of this name.")
        return person_id

    async def new_id(self, name: str) -> str:
        """The id that a new person of this name gets: the name's own where it is free, as an import gives it."""
        try:
            person_id = checked_person_id(person_id_from(name))
        except ValueError:
            return new_id()
        async with self._database.session() as session:
            is_free = await GalleryRepository(session).find_person(person_id) is None
        return person_id if is_free else new_id()

    async def create(self, name: str) -> str:
        """A person without an image yet.

        Raises:
            SubjectExistsError: somebody has this name.
        """
        person_id = await self.new_id(name)
        async with self._changes.change() as change:
            if await CompreFaceRepository(change.session).person_ids(name):
                raise SubjectExistsError("A subject of this name exists already.")
            change.session.add(Person(id=person_id, name=name, details={}))
        return person_id

    async def rename(self, name: str, new_name: str) -> str:
        """A subject that becomes one who exists is merged into that one.

        Returns:
            The id of the person who has the examples now.

        Raises:
            SubjectNotFoundError: nobody has the old name.
            SubjectAmbiguousError: several have it, or the new one.
        """
        person_id = await self.get(name)
        kept = await self.find(new_name)
        if kept is None:
            await self._persons.update(person_id, {"name": new_name})
            return person_id
        if kept != person_id:
            await self._moves.merge(kept, person_id)
        return kept

    async def delete(self, name: str) -> str:
        """
        Raises:
            SubjectNotFoundError, SubjectAmbiguousError: there is not exactly one.
        """
        person_id = await self.get(name)
        await self._persons.delete(person_id)
        return person_id

    async def delete_all(self) -> Sequence[str]:
        """Everybody. Returns the ids of those who are gone."""
        async with self._database.session() as session:
            person_ids = await CompreFaceRepository(session).all_person_ids()
        return [one for one, receipt in await self._persons.delete_each(person_ids) if receipt is not None]
