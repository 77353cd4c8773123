"""Every query of the check."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import LargeBinary, case, delete, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.gallery.models import FaceEmbedding, Person, PersonImage

ROWS_PER_STEP = 500


@dataclass(frozen=True, slots=True)
class ImageRow:
    """What its files are compared with. A gallery has many: whole rows take several times as long to read."""

    id: str
    person_id: str
    sha256: str
    size_bytes: int
    stored_path: str
    thumbnail_path: str


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    id: str
    person_id: str
    image_id: str
    pack: str
    version: str
    dimension: int
    vector: bytes
    """As it lies in the database: a damaged one may be no vector at all."""
    image_person_id: str | None
    """None: there is no such image."""


class ConsistencyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def images(self, after: str) -> Sequence[ImageRow]:
        """The next hundreds in the order of their ids."""
        query = (
            select(
                PersonImage.id,
                PersonImage.person_id,
                PersonImage.sha256,
                PersonImage.size_bytes,
                PersonImage.stored_path,
                PersonImage.thumbnail_path,
            )
            .where(PersonImage.id > after)
            .order_by(PersonImage.id)
            .limit(ROWS_PER_STEP)
        )
        return [ImageRow(*row) for row in await self._session.execute(query)]

    async def embeddings(self, after: str) -> Sequence[EmbeddingRow]:
        """The next hundreds in the order of their ids."""
        query = (
            select(
                FaceEmbedding.id,
                FaceEmbedding.person_id,
                FaceEmbedding.image_id,
                FaceEmbedding.pack,
                FaceEmbedding.pack_version,
                FaceEmbedding.dimension,
                type_coerce(FaceEmbedding.vector, LargeBinary),
                PersonImage.person_id,
            )
            .outerjoin(PersonImage, PersonImage.id == FaceEmbedding.image_id)
            .where(FaceEmbedding.id > after)
            .order_by(FaceEmbedding.id)
            .limit(ROWS_PER_STEP)
        )
        return [EmbeddingRow(*row) for row in await self._session.execute(query)]

    async def dimensions(self) -> dict[tuple[str, str], int]:
        """The dimension that most embeddings of each pack version have."""
        query = select(FaceEmbedding.pack, FaceEmbedding.pack_version, FaceEmbedding.dimension, func.count())
        rows = await self._session.execute(
            query.group_by(FaceEmbedding.pack, FaceEmbedding.pack_version, FaceEmbedding.dimension)
        )
        ordered = sorted(rows, key=lambda row: row[3])
        return {(pack, version): dimension for pack, version, dimension, _ in ordered}

    async def delete_embedding(self, embedding_id: str) -> None:
        await self._session.execute(delete(FaceEmbedding).where(FaceEmbedding.id == embedding_id))

    async def primary_counts(self) -> Sequence[tuple[str, int]]:
        """(person id, primary images) of persons with images of which not exactly one is primary."""
        primaries = func.sum(case((PersonImage.is_primary, 1), else_=0))
        query = select(PersonImage.person_id, primaries).group_by(PersonImage.person_id).having(primaries != 1)
        return [(person_id, int(count)) for person_id, count in await self._session.execute(query)]

    async def images_without_person(self) -> Sequence[tuple[str, str]]:
        """(image id, person id)"""
        query = select(PersonImage.id, PersonImage.person_id).outerjoin(Person, Person.id == PersonImage.person_id)
        rows = await self._session.execute(query.where(Person.id.is_(None)))
        return [(image_id, person_id) for image_id, person_id in rows]
