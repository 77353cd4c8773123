"""Examples: images of subjects, added, listed and deleted."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from lianpu.compreface.faces import wanted_faces
from lianpu.compreface.repository import CompreFaceRepository, Example
from lianpu.compreface.subjects import Subjects
from lianpu.database.session import Database
from lianpu.errors import DuplicateImageError, ImageNotFoundError, SeveralFacesError
from lianpu.gallery.enrolment import Enrolment, FaceChoice, ImageOptions, PersonFields
from lianpu.gallery.persons import Persons
from lianpu.gallery.recognition import Recognition
from lianpu.gallery.repository import GalleryRepository


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """Its bytes as they were uploaded."""

    example: Example
    data: bytes
    format: str


class Examples:
    def __init__(
        self, database: Database, subjects: Subjects, enrolment: Enrolment, persons: Persons, recognition: Recognition
    ) -> None:
        self._database = database
        self._subjects = subjects
        self._enrolment = enrolment
        self._persons = persons
        self._recognition = recognition

    async def add(self, name: str, data: bytes, least_probability: float | None) -> Example:
        """The subject is made where there is none; a photo that it has already is given as it is.

        Raises:
            what enrolment raises; SubjectAmbiguousError: several persons have the name.
        """
        choice = FaceChoice() if least_probability is None else await self._choice(data, least_probability)
        options = ImageOptions(choice)
        person_id = await self._subjects.find(name)
        try:
            if person_id is not None:
                enrolled = await self._enrolment.add_image(person_id, data, options)
            else:
                person = PersonFields(await self._subjects.new_id(name), name)
                enrolled = await self._enrolment.enrol(data, person, options)
        except DuplicateImageError:
            known = await self._known(name, data)
            if known is None:
                raise
            return known
        return Example(enrolled.image_id, enrolled.person_id, name)

    async def page(self, subject: str | None, number: int, size: int) -> tuple[list[Example], int]:
        """Those of a page, oldest first, and how many there are in all."""
        person_ids = None if subject is None else await self._subjects.person_ids(subject)
        async with self._database.session() as session:
            return await CompreFaceRepository(session).page(person_ids, number * size, size)

    async def get(self, image_id: str) -> Example:
        """
        Raises:
            ImageNotFoundError: there is no such image.
        """
        async with self._database.session() as session:
            found = await CompreFaceRepository(session).examples([image_id])
        if not found:
            raise ImageNotFoundError(f"There is no image {image_id!r}.")
        return found[0]

    async def photo(self, image_id: str) -> StoredPhoto:
        """
        Raises:
            ImageNotFoundError: there is no such image.
        """
        example = await self.get(image_id)
        image = (await self._persons.image(example.person_id, image_id)).image
        data = await asyncio.to_thread(self._persons.read, image.stored_path)
        return StoredPhoto(example, data, image.format)

    async def delete(self, image_ids: Sequence[str]) -> list[Example]:
        """Those that there were; others are passed over."""
        async with self._database.session() as session:
            found = await CompreFaceRepository(session).examples(image_ids)
        deleted: list[Example] = []
        for example in found:
            try:
                await self._persons.delete_image(example.person_id, example.image_id)
            except ImageNotFoundError:
                continue  # by somebody else, meanwhile
            deleted.append(example)
        return deleted

    async def delete_of(self, subject: str | None) -> list[Example]:
        """All of a subject, or of everybody; the subjects stay.

        Raises:
            SubjectNotFoundError, SubjectAmbiguousError: there is not exactly one.
        """
        person_ids = None if subject is None else [await self._subjects.get(subject)]
        deleted: list[Example] = []
        while True:
            async with self._database.session() as session:
                page, _ = await CompreFaceRepository(session).page(person_ids, 0, 500)
            if not page:
                return deleted
            deleted += await self.delete([example.image_id for example in page])

    async def _choice(self, data: bytes, least_probability: float) -> FaceChoice:
        """The one face that is sure enough.

        Raises:
            FaceNotFoundError, SeveralFacesError: there is not exactly one.
        """
        found = await self._recognition.detect(data, None)
        places = wanted_faces(found, least_probability, limit=0)
        if len(places) > 1:
            raise SeveralFacesError(f"The photo shows {len(places)} faces that are sure enough, and one is wanted.")
        return FaceChoice(places[0])

    async def _known(self, name: str, data: bytes) -> Example | None:
        digest = hashlib.sha256(data).hexdigest()
        async with self._database.session() as session:
            for person_id in await CompreFaceRepository(session).person_ids(name):
                image = await GalleryRepository(session).image_by_hash(person_id, digest)
                if image is not None:
                    return Example(image.id, person_id, name)
        return None
