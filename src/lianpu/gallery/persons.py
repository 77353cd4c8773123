"""Persons and their images once enrolled: read, list, change, delete."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import ImageNotFoundError, PersonNotFoundError
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.enrolment import remove_image
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.moves.receipts import DeletionReceipt, doomed_of, receipt_of
from lianpu.gallery.repository import GalleryRepository, PersonFilter, PersonSummary
from lianpu.http.pagination import Cursor, decode_cursor, moment_and_id
from lianpu.storage.files import FileStorage


@dataclass(frozen=True, slots=True)
class PersonRecord:
    person: Person
    summary: PersonSummary


@dataclass(frozen=True, slots=True)
class ImageRecord:
    image: PersonImage
    embeddings: Sequence[FaceEmbedding]


class Persons:
    def __init__(
        self, database: Database, changes: GalleryChanges, storage: FileStorage, indexes: GalleryIndexes
    ) -> None:
        self._database = database
        self._changes = changes
        self._storage = storage
        self._indexes = indexes

    async def get(self, person_id: str) -> PersonRecord:
        """
        Raises:
            PersonNotFoundError: there is no such person.
        """
        async with self._database.session() as session:
            repository = GalleryRepository(session)
            person = await repository.person(person_id)
            return PersonRecord(person, (await repository.summaries([person_id]))[person_id])

    async def page(self, wanted: PersonFilter, cursor: str | None, limit: int) -> tuple[list[PersonRecord], str | None]:
        """One page, newest first, and the cursor of the next one (None on the last).

        Raises:
            CursorInvalidError: the cursor is not one of this list.
        """
        scope = f"persons:{wanted!r}"
        after = None if cursor is None else moment_and_id(decode_cursor(cursor, scope, 2))
        async with self._database.session() as session:
            repository = GalleryRepository(session)
            persons = await repository.persons(wanted, after, limit + 1)
            shown = persons[:limit]
            summaries = await repository.summaries([person.id for person in shown])
        more = len(persons) > limit
        last = Cursor((shown[-1].created_at.isoformat(), shown[-1].id)).encode(scope) if more else None
        return [PersonRecord(person, summaries[person.id]) for person in shown], last

    async def update(self, person_id: str, values: dict[str, Any]) -> PersonRecord:
        """Set `name`, `metadata` or `threshold`, whichever `values` holds."""
        async with self._changes.change() as change:
            person = await change.repository.person(person_id)
            if "name" in values:
                person.name = values["name"]
            if "metadata" in values:
                person.details = values["metadata"]
            if "threshold" in values:
                person.threshold = values["threshold"]
            person.updated_at = now_utc()
        return await self.get(person_id)

    async def delete(self, person_id: str) -> DeletionReceipt:
        """Remove the person, all images and embeddings, and the files; then look whether they are gone."""
        async with self._changes.change() as change:
            await change.repository.person(person_id)
            doomed = await doomed_of(change.repository, await change.repository.images(person_id))
            change.obsolete_files += doomed.files
            change.removed_embedding_ids += doomed.embedding_ids
            await change.repository.delete_person(person_id)
        return await receipt_of(person_id, doomed, self._database, self._storage, self._indexes)

    async def delete_each(self, person_ids: Sequence[str]) -> list[tuple[str, DeletionReceipt | None]]:
        """One after another, each for itself; no receipt: there was no such person."""
        outcomes: list[tuple[str, DeletionReceipt | None]] = []
        for person_id in dict.fromkeys(person_ids):
            try:
                outcomes.append((person_id, await self.delete(person_id)))
            except PersonNotFoundError:
                outcomes.append((person_id, None))
        return outcomes

    async def images(self, person_id: str) -> list[ImageRecord]:
        async with self._database.session() as session:
            repository = GalleryRepository(session)
            await repository.person(person_id)
            images = await repository.images(person_id)
            embeddings = await repository.embeddings_of_images([image.id for image in images])
            return [ImageRecord(image, embeddings[image.id]) for image in images]

    async def image(self, person_id: str, image_id: str) -> ImageRecord:
        """
        Raises:
            ImageNotFoundError: the person has no such image (or there is no such person).
        """
        async with self._database.session() as session:
            repository = GalleryRepository(session)
            image = await repository.image(person_id, image_id)
            return ImageRecord(image, (await repository.embeddings_of_images([image_id]))[image_id])

    async def set_primary(self, person_id: str, image_id: str) -> ImageRecord:
        async with self._changes.change() as change:
            await change.repository.image(person_id, image_id)
            await change.repository.make_primary(person_id, image_id)
        return await self.image(person_id, image_id)

    async def delete_image(self, person_id: str, image_id: str) -> DeletionReceipt:
        async with self._changes.change() as change:
            image = await change.repository.image(person_id, image_id)
            doomed = await doomed_of(change.repository, [image])
            await remove_image(change, image)
        return await receipt_of(person_id, doomed, self._database, self._storage, self._indexes)

    async def primary_image(self, person_id: str) -> PersonImage:
        """
        Raises:
            ImageNotFoundError: the person has no image.
        """
        async with self._database.session() as session:
            image = await GalleryRepository(session).primary_image(person_id)
        if image is None:
            raise ImageNotFoundError(f"Person {person_id!r} has no image.")
        return image

    def read(self, stored_path: str) -> bytes:
        """Blocks. Raises ImageNotFoundError when the file was deleted meanwhile."""
        try:
            return self._storage.read(stored_path)
        except FileNotFoundError as error:
            raise ImageNotFoundError("The image is gone.") from error

    async def counts(self) -> tuple[int, int, int]:
        """(persons, images, embeddings)."""
        async with self._database.session() as session:
            return await GalleryRepository(session).counts()
