"""Puts images where they belong: one image to another person, or all of several persons into one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lianpu.database.base import new_id, now_utc
from lianpu.errors import DuplicateImageError, FieldError, FieldsInvalidError
from lianpu.gallery.changes import GalleryChange, GalleryChanges
from lianpu.gallery.enrolment import PersonFields, remove_image
from lianpu.gallery.identity import checked_metadata
from lianpu.gallery.models import Person, PersonImage


@dataclass(frozen=True, slots=True)
class MetadataConflict:
    """A key that both had with different values; the kept person's stays."""

    key: str
    kept: Any
    dropped: Any


@dataclass(frozen=True, slots=True)
class Merged:
    images_moved: int
    duplicates_dropped: int
    """Images that the kept person had already, byte for byte."""
    persons_removed: tuple[str, ...]
    metadata_conflicts: tuple[MetadataConflict, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    person_id: str
    image_id: str
    person_removed: bool
    """The person whom it was taken from had no other image and is gone."""


class Moves:
    def __init__(self, changes: GalleryChanges) -> None:
        self._changes = changes

    async def merge_all(self, kept: str, merged: Sequence[str]) -> Merged:
        """Everything the merged persons have goes to the kept one, and they are gone; all of it or nothing.

        The kept person's name, threshold and primary image stay; metadata is added where it has no such key.

        Raises:
            PersonNotFoundError: one of them does not exist.
            FieldsInvalidError: a person would be merged into itself, or the metadata grow too large.
        """
        others = list(dict.fromkeys(merged))
        if kept in others:
            raise FieldsInvalidError(
                "A person cannot be merged into itself.", errors=[FieldError("from", "names the person itself", "same")]
            )
        moved = dropped = 0
        conflicts: list[MetadataConflict] = []
        async with self._changes.change() as change:
            person = await change.repository.person(kept)
            for other_id in others:
                other = await change.repository.person(other_id)
                conflicts += _merge_metadata(person, other)
                for image in await change.repository.images(other_id):
                    if await change.repository.image_by_hash(kept, image.sha256) is None:
                        await _reassign(change, image, kept)
                        moved += 1
                    else:
                        await remove_image(change, image)
                        dropped += 1
                await change.session.flush()
                await change.repository.delete_person(other_id)
            await _settle_primary(change, kept)
            person.updated_at = now_utc()
        return Merged(moved, dropped, tuple(others), tuple(conflicts))

    async def merge(self, kept: str, merged: str) -> None:
        """One person into another; see `merge_all`."""
        await self.merge_all(kept, [merged])

    async def move(self, person_id: str, image_id: str, to: str) -> None:
        """An image to a person who exists; its person stays, even without an image."""
        await self.move_image(person_id, image_id, PersonFields(to), removes_emptied=False)

    async def move_image(self, person_id: str, image_id: str, to: PersonFields, *, removes_emptied: bool) -> Moved:
        """
        Args:
            to: the person who gets the image; one with a name is made anew.
            removes_emptied: also remove the person it came from when no image is left.

        Raises:
            ImageNotFoundError, PersonNotFoundError: there is no such image, or no such person to give it to.
            DuplicateImageError: that person has this very image.
            FieldsInvalidError: it is that person's already, or the new person's id is taken.
        """
        target = to.person_id or new_id()
        if target == person_id:
            raise FieldsInvalidError(
                "The image is this person's already.", errors=[FieldError("to_person_id", "is its person", "same")]
            )
        async with self._changes.change() as change:
            image = await change.repository.image(person_id, image_id)
            if to.name is None:
                person = await change.repository.person(target)
            else:
                person = await _new_person(change, target, to)
            if await change.repository.image_by_hash(target, image.sha256) is not None:
                raise DuplicateImageError(f"Person {target!r} has this very image already.")
            await _reassign(change, image, target)
            await change.session.flush()
            await _settle_primary(change, target)
            is_empty = not await change.repository.images(person_id)
            if is_empty and removes_emptied:
                await change.repository.delete_person(person_id)
            else:
                await _settle_primary(change, person_id)
                (await change.repository.person(person_id)).updated_at = now_utc()
            person.updated_at = now_utc()
        return Moved(target, image_id, is_empty and removes_emptied)


async def _new_person(change: GalleryChange, person_id: str, fields: PersonFields) -> Person:
    if await change.repository.find_person(person_id) is not None:
        raise FieldsInvalidError(
            f"Person {person_id!r} exists already.",
            errors=[FieldError("new_person.person_id", "is taken; use to_person_id", "taken")],
        )
    assert fields.name is not None
    person = Person(id=person_id, name=fields.name, details=fields.metadata or {}, threshold=fields.threshold)
    change.session.add(person)
    await change.session.flush()
    return person


async def _reassign(change: GalleryChange, image: PersonImage, person_id: str) -> None:
    embeddings = (await change.repository.embeddings_of_images([image.id]))[image.id]
    image.person_id = person_id
    image.is_primary = False
    for embedding in embeddings:
        embedding.person_id = person_id
    # Under the same id the index replaces the row at once: no search finds the face nowhere, or at both.
    change.added.extend(embeddings)
    await change.session.flush()


async def _settle_primary(change: GalleryChange, person_id: str) -> None:
    images = await change.repository.images(person_id)
    if images and not images[0].is_primary:
        await change.repository.make_primary(person_id, images[0].id)


def _merge_metadata(person: Person, other: Person) -> list[MetadataConflict]:
    conflicts = [
        MetadataConflict(key, person.details[key], value)
        for key, value in other.details.items()
        if key in person.details and person.details[key] != value
    ]
    try:
        person.details = checked_metadata({**other.details, **person.details})
    except ValueError as error:
        raise FieldsInvalidError(
            "The metadata of both together are too large.",
            errors=[FieldError("from", str(error), "metadata_too_large")],
        ) from error
    return conflicts
