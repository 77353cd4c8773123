"""Enrolment: a photo and a name become a person, an image and embeddings."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lianpu.database.base import new_id, now_utc
from lianpu.engines.face.face import Box
from lianpu.engines.face.quality import QualityLimits
from lianpu.engines.image import ImageLimits, decode_image, encode_jpeg, thumbnail
from lianpu.errors import (
    DuplicateImageError,
    FieldError,
    FieldsInvalidError,
    PersonExistsError,
)
from lianpu.gallery.changes import GalleryChange, GalleryChanges
from lianpu.gallery.checks import ConflictCheck, Finding, NewFace, check_quality
from lianpu.gallery.faces import Selection, Timings, choose_face, measure, quality_figures, read_photo
from lianpu.gallery.generation import Generated, Generation, failures_of
from lianpu.gallery.liveness import LivenessCheck, refuse_not_live
from lianpu.gallery.models import Person, PersonImage
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import CheckMode, LivenessMode


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """Everything of a new image but its place in the database."""

    row: PersonImage
    generated: tuple[Generated, ...]
    packs_are_named: bool
    """By the request: then no other pack's embedding is made when the image is stored."""
    files: dict[str, bytes]
    face: NewFace
    warnings: tuple[Finding, ...]
    """What is amiss with its quality."""
    conflict_mode: CheckMode


@dataclass(frozen=True, slots=True)
class PersonFields:
    """What enrolment may say of the person; None: not said."""

    person_id: str | None = None
    name: str | None = None
    metadata: dict[str, Any] | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class FaceChoice:
    face_index: int | None = None
    selection: Selection = "only"


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """What a request says of how its image is taken; None: as configured."""

    choice: FaceChoice = FaceChoice()
    packs: Sequence[str] | None = None
    """Packs whose embeddings are made."""
    quality_mode: CheckMode | None = None
    conflict_mode: CheckMode | None = None
    liveness_mode: LivenessMode | None = None
    """May only be stricter than the configured one."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of one image."""

    person_id: str
    image_id: str
    generated: tuple[Generated, ...]
    warnings: tuple[Finding, ...]
    """Poor quality first, then conflicts with the gallery."""


@dataclass(frozen=True, slots=True)
class EnrolmentRules:
    """What is checked unless a request says otherwise."""

    quality: QualityLimits
    quality_mode: CheckMode
    conflict_mode: CheckMode


class Enrolment:
    """Every way into the gallery is `prepare` (blocks), then `enrol_into` or `add_to` inside a `GalleryChange`.

    A job that enrols does the same in a change of its own, so that an item's outcome commits together with its image.
    """

    def __init__(
        self,
        queue: InferenceQueue,
        changes: GalleryChanges,
        conflicts: ConflictCheck,
        liveness: LivenessCheck,
        *,
        generation: Generation,
        limits: ImageLimits,
        max_faces: int,
        thumbnail_side_px: int,
        rules: EnrolmentRules,
    ) -> None:
        self._queue = queue
        self._changes = changes
        self._conflicts = conflicts
        self._liveness = liveness
        self._rules = rules
        self._generation = generation
        self._limits = limits
        self._max_faces = max_faces
        self._thumbnail_side_px = thumbnail_side_px

    async def enrol(self, data: bytes, person: PersonFields, options: ImageOptions) -> Enrolled:
        """Make a person of the photo, or add it to the person whose id is given.

        Raises:
            what `prepare` and `enrol_into` raise; BusyError.
        """
        prepared = await self._queue.run(self.prepare, person.person_id or new_id(), data, options)
        async with self._changes.change(prepared.files) as change:
            return await self.enrol_into(change, person, prepared)

    async def add_image(self, person_id: str, data: bytes, options: ImageOptions) -> Enrolled:
        """One more image of a person who exists; see `enrol`.

        Raises:
            PersonNotFoundError: there is no such person.
        """
        prepared = await self._queue.run(self.prepare, person_id, data, options)
        async with self._changes.change(prepared.files) as change:
            return await self.add_to(change, await change.repository.person(person_id), prepared)

    async def replace_image(
        self, person_id: str, image_id: str, data: bytes, options: ImageOptions, *, keep_previous: bool
    ) -> Enrolled:
        """A new version of an image, under an id of its own; it takes over being primary."""
        prepared = await self._queue.run(self.prepare, person_id, data, options)
        async with self._changes.change(prepared.files) as change:
            person = await change.repository.person(person_id)
            previous = await change.repository.image(person_id, image_id)
            was_primary = previous.is_primary
            enrolled = await self.add_to(change, person, prepared)
            if was_primary:
                await change.repository.make_primary(person_id, prepared.row.id)
            if not keep_previous:
                await remove_image(change, previous)
        return enrolled

    async def enrol_into(self, change: GalleryChange, person: PersonFields, prepared: PreparedImage) -> Enrolled:
        """Add the image to the person it was prepared for, who is made where there is none.

        The change must have been opened with `prepared.files`. `person.person_id` is not looked at.

        Raises:
            FieldsInvalidError: a new person has no name.
            PersonExistsError: the id exists under another name, metadata or threshold.
            DuplicateImageError, EnrolmentConflictError: see `add_to`.
        """
        person_id = prepared.row.person_id
        row = await change.repository.find_person(person_id)
        if row is None:
            if person.name is None:
                raise FieldsInvalidError(
                    "A new person needs a name.", errors=[FieldError("name", "is required", "missing")]
                )
            row = Person(
                id=person_id,
                name=person.name,
                details=person.metadata or {},
                threshold=person.threshold,
                created_at=now_utc(),
            )
            change.session.add(row)
        else:
            _refuse_other_person(row, person)
        return await self.add_to(change, row, prepared)

    async def add_to(self, change: GalleryChange, person: Person, prepared: PreparedImage) -> Enrolled:
        """Add the image to this person, for whom it was prepared; the change was opened with `prepared.files`.

        Raises:
            DuplicateImageError: the person has this very image.
            EnrolmentConflictError: the face looks like somebody else, or unlike its own person, and that is refused.
        """
        row = prepared.row
        if await change.repository.image_by_hash(row.person_id, row.sha256) is not None:
            raise DuplicateImageError(f"Person {row.person_id!r} has this very image already.")
        conflicts = await self._conflicts.check(change, person, prepared.face, prepared.conflict_mode)
        person.updated_at = now_utc()
        row.is_primary = await change.repository.primary_image(row.person_id) is None
        change.session.add(row)
        await change.session.flush()
        generated = (*prepared.generated, *await self._late(prepared))
        change.add_embeddings([item.embedding for item in generated if item.embedding is not None])
        change.session.add_all(failures_of(row.id, generated))
        return Enrolled(row.person_id, row.id, generated, (*prepared.warnings, *conflicts))

    def prepare(self, person_id: str, data: bytes, options: ImageOptions) -> PreparedImage:
        """Read, choose, measure and embed a face; blocks for as long as the networks take, and stores nothing.

        Raises:
            ImageError, FaceNotFoundError, SeveralFacesError, PackError: the photo or the pack cannot be used.
            QualityTooLowError, LivenessFailedError: the face is not good enough, or not live, and that is refused.
        """
        choice = options.choice
        wanted = self._generation.wanted(options.packs)
        timings = Timings()
        first = wanted.first
        photo = read_photo(data, self._limits, first, self._max_faces, timings)
        face = photo.faces[choose_face(photo, choice.face_index, choice.selection)]
        quality = measure(photo, [face], timings)[0]
        warnings = check_quality(quality, self._rules.quality, options.quality_mode or self._rules.quality_mode)
        mode = self._liveness.mode_for(options.liveness_mode)
        judged = self._liveness.judge(photo.image.pixels, [face], mode)
        refuse_not_live(judged, mode)
        image = photo.image
        image_id = new_id()
        generated = self._generation.generate(wanted, image, face, person_id, image_id)
        vector = next(item.embedding.vector for item in generated if item.embedding is not None)
        folder = f"gallery/{image_id[-2:]}"
        row = PersonImage(
            id=image_id,
            person_id=person_id,
            sha256=hashlib.sha256(data).hexdigest(),
            is_primary=False,
            format=image.format,
            width=image.width,
            height=image.height,
            size_bytes=len(data),
            box=[face.box.x1, face.box.y1, face.box.x2, face.box.y2],
            quality=quality_figures(quality),
            liveness=judged[0].figures() if judged else None,
            stored_path=f"{folder}/{image_id}.{image.format}",
            thumbnail_path=f"{folder}/{image_id}.thumbnail.jpeg",
        )
        crop = encode_jpeg(thumbnail(image.pixels, face.box, self._thumbnail_side_px), quality=88)
        return PreparedImage(
            row,
            generated,
            wanted.are_named,
            {row.stored_path: data, row.thumbnail_path: crop},
            NewFace(first, vector),
            warnings,
            options.conflict_mode or self._rules.conflict_mode,
        )

    async def _late(self, prepared: PreparedImage) -> list[Generated]:
        """Embeddings of packs that came to be required after the image was prepared, as when the active one changes."""
        missing = [] if prepared.packs_are_named else self._generation.missing(prepared.generated)
        if not missing:
            return []
        row = prepared.row
        image = await asyncio.to_thread(decode_image, prepared.files[row.stored_path], self._limits)
        return await self._queue.run_patiently(
            self._generation.generate_late, missing, image, Box(*row.box), row.person_id, row.id
        )


async def remove_image(change: GalleryChange, image: PersonImage) -> None:
    """Take an image out of the gallery; the newest of the others becomes primary if it was."""
    embeddings = await change.repository.embeddings_of_images([image.id])
    change.removed_embedding_ids += [embedding.id for embedding in embeddings[image.id]]
    change.obsolete_files += [image.stored_path, image.thumbnail_path]
    await change.repository.delete_image(image.id)
    remaining = await change.repository.images(image.person_id)
    if remaining and not remaining[0].is_primary:
        await change.repository.make_primary(image.person_id, remaining[0].id)


def _refuse_other_person(existing: Person, said: PersonFields) -> None:
    pairs = (
        ("name", said.name, existing.name),
        ("metadata", said.metadata, existing.details),
        ("threshold", said.threshold, existing.threshold),
    )
    differing = [field for field, new, old in pairs if new is not None and new != old]
    if differing:
        raise PersonExistsError(
            f"Person {existing.id!r} exists with another {', '.join(differing)}. "
            "Leave that out to add the image, or change the person by PATCH.",
            errors=[FieldError(field, "differs from the person who has this id", "conflict") for field in differing],
        )
