"""Every query of the gallery."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    String,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.errors import ImageNotFoundError, PersonNotFoundError
from lianpu.gallery.models import EmbeddingFailure, FaceEmbedding, Person, PersonImage
from lianpu.packs.folder import split_name

IDS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class PersonFilter:
    """What a list of persons is narrowed by; None and empty mean: not at all."""

    name: str | None = None
    """Part of the name, case-insensitive."""
    pack: str | None = None
    """Persons with at least one embedding of this pack: `name` (any version) or `name@version`."""
    metadata: tuple[tuple[str, str], ...] = ()
    """Top-level keys and the text of their values."""


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """Figures of one person that lie in the other tables."""

    image_count: int
    primary_image_id: str | None
    packs: tuple[tuple[str, str, int], ...]
    """(pack, version, number of embeddings)."""


@dataclass(frozen=True, slots=True)
class MatchRow:
    """What is known of the person behind an embedding that a search found."""

    person_id: str
    name: str
    image_id: str
    embedding_threshold: float | None
    person_threshold: float | None


@dataclass(frozen=True, slots=True)
class VectorChunk:
    """Embeddings of one pack version, column by column; a vector as its little-endian float32 bytes."""

    embedding_ids: Sequence[str]
    person_ids: Sequence[str]
    vectors: Sequence[bytes]


class GalleryRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_person(self, person_id: str) -> Person | None:
        return await self._session.get(Person, person_id)

    async def person(self, person_id: str) -> Person:
        """
        Raises:
            PersonNotFoundError: there is no such person.
        """
        person = await self.find_person(person_id)
        if person is None:
            raise PersonNotFoundError(f"There is no person {person_id!r}.")
        return person

    async def existing_persons(self, person_ids: Sequence[str]) -> set[str]:
        """Which of these there are."""
        found: set[str] = set()
        for ids in batches(person_ids):
            found.update(await self._session.scalars(select(Person.id).where(Person.id.in_(ids))))
        return found

    async def names(self, person_ids: Sequence[str]) -> dict[str, str]:
        """By id, of those that there are."""
        found: dict[str, str] = {}
        for ids in batches(person_ids):
            rows = await self._session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
            found.update(rows.all())
        return found

    async def persons(self, wanted: PersonFilter, after: tuple[datetime, str] | None, limit: int) -> Sequence[Person]:
        """Newest first."""
        query = select(Person).where(*conditions(wanted)).order_by(Person.created_at.desc(), Person.id.desc())
        if after is not None:
            created_at, person_id = after
            # The first condition alone is what an index can seek: without it all newer persons are passed over.
            query = query.where(
                Person.created_at <= created_at, or_(Person.created_at < created_at, Person.id < person_id)
            )
        return (await self._session.scalars(query.limit(limit))).all()

    async def summaries(self, person_ids: Sequence[str]) -> dict[str, PersonSummary]:
        counts: dict[str, int] = {}
        primaries: dict[str, str] = {}
        packs: dict[str, list[tuple[str, str, int]]] = {}
        for ids in batches(person_ids):
            images = select(PersonImage.person_id, PersonImage.id, PersonImage.is_primary)
            for person_id, image_id, is_primary in await self._session.execute(
                images.where(PersonImage.person_id.in_(ids))
            ):
                counts[person_id] = counts.get(person_id, 0) + 1
                if is_primary:
                    primaries[person_id] = image_id
            coverage = (
                select(FaceEmbedding.person_id, FaceEmbedding.pack, FaceEmbedding.pack_version, func.count())
                .where(FaceEmbedding.person_id.in_(ids))
                .group_by(FaceEmbedding.person_id, FaceEmbedding.pack, FaceEmbedding.pack_version)
                .order_by(FaceEmbedding.pack, FaceEmbedding.pack_version)
            )
            for person_id, pack, version, count in await self._session.execute(coverage):
                packs.setdefault(person_id, []).append((pack, version, count))
        return {
            person_id: PersonSummary(
                counts.get(person_id, 0), primaries.get(person_id), tuple(packs.get(person_id, ()))
            )
            for person_id in person_ids
        }

    async def image(self, person_id: str, image_id: str) -> PersonImage:
        """
        Raises:
            ImageNotFoundError: the person has no such image, or there is no such person.
        """
        query = select(PersonImage).where(PersonImage.person_id == person_id, PersonImage.id == image_id)
        image = await self._session.scalar(query)
        if image is None:
            raise ImageNotFoundError(f"Person {person_id!r} has no image {image_id!r}.")
        return image

    async def images(self, person_id: str) -> Sequence[PersonImage]:
        """Primary first, then newest first."""
        query = (
            select(PersonImage)
            .where(PersonImage.person_id == person_id)
            .order_by(PersonImage.is_primary.desc(), PersonImage.uploaded_at.desc(), PersonImage.id.desc())
        )
        return (await self._session.scalars(query)).all()

    async def image_by_hash(self, person_id: str, sha256: str) -> PersonImage | None:
        query = select(PersonImage).where(PersonImage.person_id == person_id, PersonImage.sha256 == sha256)
        return await self._session.scalar(query)

    async def primary_image(self, person_id: str) -> PersonImage | None:
        query = select(PersonImage).where(PersonImage.person_id == person_id, PersonImage.is_primary)
        return await self._session.scalar(query)

    async def embeddings_of_images(self, image_ids: Sequence[str]) -> dict[str, list[FaceEmbedding]]:
        found: dict[str, list[FaceEmbedding]] = {image_id: [] for image_id in image_ids}
        for ids in batches(image_ids):
            query = select(FaceEmbedding).where(FaceEmbedding.image_id.in_(ids))
            for embedding in await self._session.scalars(query.order_by(FaceEmbedding.pack)):
                found[embedding.image_id].append(embedding)
        return found

    async def embeddings(self, embedding_ids: Sequence[str]) -> list[FaceEmbedding]:
        """Those of them that there are, as they are now, even where the session has read them before."""
        found: list[FaceEmbedding] = []
        for ids in batches(embedding_ids):
            query = select(FaceEmbedding).where(FaceEmbedding.id.in_(ids))
            found += await self._session.scalars(query.execution_options(populate_existing=True))
        return found

    async def owners(self, pack: str, version: str) -> dict[str, str]:
        """Embedding id -> person id, of a pack version."""
        query = select(FaceEmbedding.id, FaceEmbedding.person_id).where(
            FaceEmbedding.pack == pack, FaceEmbedding.pack_version == version
        )
        # In parts: other requests get their turn between them.
        rows = await self._session.stream(query.execution_options(yield_per=2000))
        return {embedding_id: person_id async for embedding_id, person_id in rows}

    async def vectors_of_person(self, person_id: str, pack: str, version: str) -> Sequence[NDArray[np.float32]]:
        query = select(FaceEmbedding.vector).where(
            FaceEmbedding.person_id == person_id,
            FaceEmbedding.pack == pack,
            FaceEmbedding.pack_version == version,
        )
        return (await self._session.scalars(query)).all()

    async def embedding_ids(self, person_id: str) -> Sequence[str]:
        query = select(FaceEmbedding.id).where(FaceEmbedding.person_id == person_id)
        return (await self._session.scalars(query)).all()

    async def matches(self, embedding_ids: Sequence[str]) -> dict[str, MatchRow]:
        """By embedding id; one that is gone from the database is left out."""
        found: dict[str, MatchRow] = {}
        for ids in batches(embedding_ids):
            query = (
                select(
                    FaceEmbedding.id,
                    Person.id,
                    Person.name,
                    FaceEmbedding.image_id,
                    FaceEmbedding.threshold,
                    Person.threshold,
                )
                .join(Person, Person.id == FaceEmbedding.person_id)
                .where(FaceEmbedding.id.in_(ids))
            )
            for embedding_id, person_id, name, image_id, own, person_own in await self._session.execute(query):
                found[embedding_id] = MatchRow(person_id, name, image_id, own, person_own)
        return found

    async def vector_chunks(self, pack: str, version: str, rows: int) -> AsyncGenerator[VectorChunk]:
        """All embeddings of one pack version, streamed by up to so many rows at once."""
        # Raw bytes: a chunk becomes one matrix, and an array of its own for each row would only cost time.
        raw_vector = type_coerce(FaceEmbedding.vector, LargeBinary)
        query = select(FaceEmbedding.id, FaceEmbedding.person_id, raw_vector).where(
            FaceEmbedding.pack == pack, FaceEmbedding.pack_version == version
        )
        result = await self._session.stream(query.execution_options(yield_per=rows))
        async for chunk in result.partitions():
            embedding_ids, person_ids, vectors = zip(*chunk, strict=True)
            yield VectorChunk(embedding_ids, person_ids, vectors)

    async def remaining_rows(self, image_ids: Sequence[str], embedding_ids: Sequence[str]) -> int:
        """How many of these images and embeddings there still are."""
        count = 0
        for table, wanted in ((PersonImage, image_ids), (FaceEmbedding, embedding_ids)):
            for ids in batches(wanted):
                query = select(func.count()).select_from(table).where(table.id.in_(ids))
                count += await self._session.scalar(query) or 0
        return count

    async def named_files(self, files: Sequence[str]) -> set[str]:
        """Those of the files that an image names as its own or as its thumbnail."""
        named: set[str] = set()
        for names in batches(files):
            for column in (PersonImage.stored_path, PersonImage.thumbnail_path):
                named.update(await self._session.scalars(select(column).where(column.in_(names))))
        return named

    async def counts(self) -> tuple[int, int, int]:
        """(persons, images, embeddings)."""
        persons, images, embeddings = [
            await self._session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Person, PersonImage, FaceEmbedding)
        ]
        return persons, images, embeddings

    async def make_primary(self, person_id: str, image_id: str) -> None:
        await self._session.execute(
            update(PersonImage)
            .where(PersonImage.person_id == person_id)
            .values(is_primary=PersonImage.id == image_id)
            .execution_options(synchronize_session="fetch")
        )

    async def delete_person(self, person_id: str) -> None:
        """Children first, in words: not every database was told to cascade by who made its tables."""
        images = select(PersonImage.id).where(PersonImage.person_id == person_id)
        await self._session.execute(delete(EmbeddingFailure).where(EmbeddingFailure.image_id.in_(images)))
        for table in (FaceEmbedding, PersonImage):
            await self._session.execute(delete(table).where(table.person_id == person_id))
        await self._session.execute(delete(Person).where(Person.id == person_id))

    async def delete_image(self, image_id: str) -> None:
        for table in (EmbeddingFailure, FaceEmbedding):
            await self._session.execute(delete(table).where(table.image_id == image_id))
        await self._session.execute(delete(PersonImage).where(PersonImage.id == image_id))


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_PER_QUERY):
        yield ids[start : start + IDS_PER_QUERY]


def conditions(wanted: PersonFilter) -> list[ColumnElement[bool]]:
    """What a query of persons is narrowed by."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.name:
        conditions.append(Person.name.icontains(wanted.name, autoescape=True))
    if wanted.pack:
        pack, version = split_name(wanted.pack)
        of_pack = exists().where(FaceEmbedding.person_id == Person.id, FaceEmbedding.pack == pack)
        conditions.append(of_pack if version is None else of_pack.where(FaceEmbedding.pack_version == version))
    for key, value in wanted.metadata:
        conditions.append(cast(Person.details[key].as_string(), String(255)) == value)
    return conditions
