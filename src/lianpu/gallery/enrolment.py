"""Enrolment: a photo and a name become a person, an image and embeddings."""

import hashlib
from dataclasses import dataclass
from typing import Any

from lianpu.database.base import new_id, now_utc
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box, DetectedFace
from lianpu.engines.image import ImageLimits, encode_jpeg, thumbnail
from lianpu.errors import (
    DuplicateImageError,
    FaceNotFoundError,
    FieldError,
    FieldsInvalidError,
    PersonExistsError,
)
from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.changes import GalleryChange, GalleryChanges
from lianpu.gallery.faces import Photo, Selection, Timings, choose_face, embed, measure, quality_figures, read_photo
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.runtime.scheduling import InferenceQueue

SAME_FACE_IOU = 0.3
"""Boxes of two detectors around the same face overlap at least this much."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What became of one wanted pack: an embedding, or the reason why not."""

    pack: str
    version: str
    embedding: FaceEmbedding | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """Everything of a new image but its place in the database."""

    row: PersonImage
    embeddings: tuple[FaceEmbedding, ...]
    generated: tuple[Generated, ...]
    files: dict[str, bytes]


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


class Enrolment:
    def __init__(
        self,
        analyzers: Analyzers,
        queue: InferenceQueue,
        changes: GalleryChanges,
        *,
        packs: tuple[str, ...],
        limits: ImageLimits,
        max_faces: int,
        thumbnail_side_px: int,
    ) -> None:
        """`packs`: those whose embeddings are made when a request names none; the first one chooses the face."""
        self._analyzers = analyzers
        self._queue = queue
        self._changes = changes
        self._packs = packs
        self._limits = limits
        self._max_faces = max_faces
        self._thumbnail_side_px = thumbnail_side_px

    async def enrol(
        self, data: bytes, person: PersonFields, choice: FaceChoice, packs: list[str] | None
    ) -> tuple[str, str, tuple[Generated, ...]]:
        """Make a person of the photo, or add it to the person whose id is given.

        Returns:
            person id, image id, and what became of each wanted pack.

        Raises:
            PersonExistsError: the id exists under another name, metadata or threshold.
            DuplicateImageError: the person has this very image.
            ImageError, FaceNotFoundError, SeveralFacesError, PackError: the photo or the pack cannot be used.
        """
        person_id = person.person_id or new_id()
        prepared = await self._queue.run(self._prepare, person_id, data, choice, packs)
        async with self._changes.change(prepared.files) as change:
            existing = await change.repository.find_person(person_id)
            if existing is None:
                if person.name is None:
                    raise FieldsInvalidError(
                        "A new person needs a name.", errors=[FieldError("name", "is required", "missing")]
                    )
                row = Person(id=person_id, name=person.name, details=person.metadata or {}, threshold=person.threshold)
                change.session.add(row)
            else:
                _refuse_other_person(existing, person)
                existing.updated_at = now_utc()
            await self._add(change, prepared)
        return person_id, prepared.row.id, prepared.generated

    async def add_image(
        self, person_id: str, data: bytes, choice: FaceChoice, packs: list[str] | None
    ) -> tuple[str, tuple[Generated, ...]]:
        """One more image of a person who exists; see `enrol`.

        Raises:
            PersonNotFoundError: there is no such person.
        """
        prepared = await self._queue.run(self._prepare, person_id, data, choice, packs)
        async with self._changes.change(prepared.files) as change:
            person = await change.repository.person(person_id)
            person.updated_at = now_utc()
            await self._add(change, prepared)
        return prepared.row.id, prepared.generated

    async def replace_image(
        self,
        person_id: str,
        image_id: str,
        data: bytes,
        choice: FaceChoice,
        packs: list[str] | None,
        *,
        keep_previous: bool,
    ) -> tuple[str, tuple[Generated, ...]]:
        """A new version of an image, under an id of its own; it takes over being primary."""
        prepared = await self._queue.run(self._prepare, person_id, data, choice, packs)
        async with self._changes.change(prepared.files) as change:
            person = await change.repository.person(person_id)
            person.updated_at = now_utc()
            previous = await change.repository.image(person_id, image_id)
            was_primary = previous.is_primary
            await self._add(change, prepared)
            if was_primary:
                await change.repository.make_primary(person_id, prepared.row.id)
            if not keep_previous:
                await remove_image(change, previous)
        return prepared.row.id, prepared.generated

    def _prepare(self, person_id: str, data: bytes, choice: FaceChoice, packs: list[str] | None) -> PreparedImage:
        wanted = tuple(dict.fromkeys(packs or self._packs))
        timings = Timings()
        first = self._analyzers.get(wanted[0])
        photo = read_photo(data, self._limits, first, self._max_faces, timings)
        face = photo.faces[choose_face(photo, choice.face_index, choice.selection)]
        image_id = new_id()
        ids = person_id, image_id
        generated = tuple(
            self._generate(analyzer, photo, face if analyzer is first else None, face.box, ids, timings)
            for analyzer in (self._analyzers.get(pack) for pack in wanted)
        )
        embeddings = tuple(item.embedding for item in generated if item.embedding is not None)
        if not embeddings:
            raise FaceNotFoundError("; ".join(item.detail or item.pack for item in generated))
        image = photo.image
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
            quality=quality_figures(measure(photo, [face], timings)[0]),
            stored_path=f"{folder}/{image_id}.{image.format}",
            thumbnail_path=f"{folder}/{image_id}.thumbnail.jpeg",
        )
        crop = encode_jpeg(thumbnail(image.pixels, face.box, self._thumbnail_side_px), quality=88)
        return PreparedImage(row, embeddings, generated, {row.stored_path: data, row.thumbnail_path: crop})

    def _generate(
        self,
        analyzer: FaceAnalyzer,
        photo: Photo,
        face: DetectedFace | None,
        box: Box,
        ids: tuple[str, str],
        timings: Timings,
    ) -> Generated:
        """`face` is None where another pack chose it: this pack's own detector then looks for it at `box`."""
        pack, version = analyzer.pack_name, analyzer.pack_version
        if face is None:
            face = _same_face(analyzer.detect(photo.image.pixels, max_faces=self._max_faces), box)
        if face is None:
            return Generated(pack, version, None, f"pack {pack!r} does not find this face")
        vector = embed(photo, [face], analyzer, timings)[0]
        person_id, image_id = ids
        embedding = FaceEmbedding(
            person_id=person_id,
            image_id=image_id,
            pack=pack,
            pack_version=version,
            dimension=len(vector),
            vector=vector,
        )
        return Generated(pack, version, embedding)

    async def _add(self, change: GalleryChange, prepared: PreparedImage) -> None:
        row = prepared.row
        if await change.repository.image_by_hash(row.person_id, row.sha256) is not None:
            raise DuplicateImageError(f"Person {row.person_id!r} has this very image already.")
        row.is_primary = await change.repository.primary_image(row.person_id) is None
        change.session.add(row)
        await change.session.flush()
        change.add_embeddings(list(prepared.embeddings))


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


def _same_face(faces: list[DetectedFace], box: Box) -> DetectedFace | None:
    best = max(faces, key=lambda face: face.box.iou(box), default=None)
    return best if best is not None and best.box.iou(box) >= SAME_FACE_IOU else None
