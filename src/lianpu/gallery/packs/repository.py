"""Every query about packs in the gallery: what they cover, what they lack, and what was decided about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.gallery.indexes import PackKey
from lianpu.gallery.models import EmbeddingFailure, FaceEmbedding, GalleryState, Person, PersonImage


@dataclass(frozen=True, slots=True)
class MissingImage:
    """An image of which a pack has no embedding. `box`: x1, y1, x2, y2 of the face, pixels of the upright image."""

    image_id: str
    person_id: str
    stored_path: str
    box: Sequence[float]


@dataclass(frozen=True, slots=True)
class PackCounts:
    embedded: int = 0
    """Images with an embedding."""
    persons: int = 0
    """Persons with at least one."""
    failed: int = 0
    """Images in which the pack does not find the face."""


class PackRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def totals(self) -> tuple[int, int]:
        """(images, persons)."""
        images, persons = [
            await self._session.scalar(select(func.count()).select_from(table)) or 0 for table in (PersonImage, Person)
        ]
        return images, persons

    async def counts(self) -> dict[PackKey, PackCounts]:
        """Of every pack version that has embeddings or failures. Read from indexes alone."""
        row = FaceEmbedding
        # One pass over the index: grouping the pairs first would sort them once more by pack.
        grouped = select(row.pack, row.pack_version, func.count(), func.count(row.person_id.distinct())).group_by(
            row.pack, row.pack_version
        )
        embedded = {
            (pack, version): (images, persons)
            for pack, version, images, persons in await self._session.execute(grouped)
        }
        lost = EmbeddingFailure
        of_failures = select(lost.pack, lost.pack_version, func.count()).group_by(lost.pack, lost.pack_version)
        failed = {(pack, version): count for pack, version, count in await self._session.execute(of_failures)}
        return {
            key: PackCounts(*embedded.get(key, (0, 0)), failed.get(key, 0)) for key in embedded.keys() | failed.keys()
        }

    async def counts_of(self, key: PackKey) -> PackCounts:
        pack, version = key
        row, lost = FaceEmbedding, EmbeddingFailure
        is_of_pack = (row.pack == pack, row.pack_version == version)
        embedded = await self._session.scalar(select(func.count()).select_from(row).where(*is_of_pack))
        persons = await self._session.scalar(select(func.count(row.person_id.distinct())).where(*is_of_pack))
        failed = await self._session.scalar(
            select(func.count()).select_from(lost).where(lost.pack == pack, lost.pack_version == version)
        )
        return PackCounts(embedded or 0, persons or 0, failed or 0)

    async def missing(self, key: PackKey, after: str, limit: int, person_id: str | None = None) -> list[MissingImage]:
        """Images behind the id `after` that the pack has not tried, in the order of their ids."""
        image = PersonImage
        query = select(image.id, image.person_id, image.stored_path, image.box).where(
            image.id > after, *_untried(key, person_id)
        )
        rows = await self._session.execute(query.order_by(image.id).limit(limit))
        return [MissingImage(image_id, person, path, box) for image_id, person, path, box in rows]

    async def missing_count(self, key: PackKey, person_id: str | None = None) -> int:
        return await self._session.scalar(select(func.count(PersonImage.id)).where(*_untried(key, person_id))) or 0

    async def still_missing(self, key: PackKey, image_ids: Sequence[str]) -> dict[str, str]:
        """Of these images, those that are there and untried: image id -> person id, which may have changed."""
        query = select(PersonImage.id, PersonImage.person_id).where(PersonImage.id.in_(image_ids), *_untried(key, None))
        return {image_id: person_id for image_id, person_id in await self._session.execute(query)}  # noqa: C416 (rows are no pairs to pyright)

    async def failures(self, key: PackKey, limit: int) -> list[tuple[str, str, str]]:
        """(image id, person id, reason), in the order of the images."""
        lost = EmbeddingFailure
        query = (
            select(lost.image_id, PersonImage.person_id, lost.reason)
            .join(PersonImage, PersonImage.id == lost.image_id)
            .where(lost.pack == key[0], lost.pack_version == key[1])
            .order_by(lost.image_id)
            .limit(limit)
        )
        return [(image, person, reason) for image, person, reason in await self._session.execute(query)]

    async def forget_failures(self, key: PackKey, person_id: str | None = None) -> None:
        lost = EmbeddingFailure
        query = delete(lost).where(lost.pack == key[0], lost.pack_version == key[1])
        if person_id is not None:
            query = query.where(lost.image_id.in_(select(PersonImage.id).where(PersonImage.person_id == person_id)))
        await self._session.execute(query.execution_options(synchronize_session=False))

    async def covers(self, key: PackKey, person_id: str) -> bool:
        """Whether the pack has an embedding of this person."""
        row = FaceEmbedding
        query = select(row.id).where(row.pack == key[0], row.pack_version == key[1], row.person_id == person_id)
        return await self._session.scalar(query.limit(1)) is not None

    async def state(self, key: str) -> dict[str, Any] | None:
        """What was decided under this key; None: nothing."""
        row = await self._session.get(GalleryState, key, populate_existing=True)
        return None if row is None else row.value

    async def put_state(self, key: str, value: dict[str, Any]) -> None:
        row = await self._session.get(GalleryState, key)
        if row is None:
            self._session.add(GalleryState(key=key, value=value))
        else:
            row.value = value

    async def forget_state(self, key: str) -> None:
        await self._session.execute(delete(GalleryState).where(GalleryState.key == key))


def _untried(key: PackKey, person_id: str | None) -> list[ColumnElement[bool]]:
    """No embedding and no failure of this pack; of one person, or of all."""
    pack, version = key
    conditions: list[ColumnElement[bool]] = [
        ~exists().where(table.image_id == PersonImage.id, table.pack == pack, table.pack_version == version)
        for table in (FaceEmbedding, EmbeddingFailure)
    ]
    return conditions if person_id is None else [*conditions, PersonImage.person_id == person_id]
