"""Every query of calibration and of the health report."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from lianpu.gallery.indexes import PackKey
from lianpu.gallery.models import FaceEmbedding, HealthDismissal, Person, PersonImage
from lianpu.gallery.repository import batches


@dataclass(frozen=True, slots=True)
class StoredVector:
    person_id: str
    image_id: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """What findings say of a person."""

    person_id: str
    name: str
    threshold: float | None


class InsightsRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def vector_count(self, key: PackKey) -> int:
        row = FaceEmbedding
        query = select(func.count()).select_from(row).where(row.pack == key[0], row.pack_version == key[1])
        return await self._session.scalar(query) or 0

    async def vectors(self, key: PackKey, person_ids: Collection[str] | None = None) -> AsyncGenerator[StoredVector]:
        """Embeddings of one pack version, streamed: all, or those of some persons (at most 500)."""
        row = FaceEmbedding
        query = select(row.person_id, row.image_id, row.vector).where(row.pack == key[0], row.pack_version == key[1])
        if person_ids is not None:
            query = query.where(row.person_id.in_(person_ids)).order_by(row.image_id)
        async for person_id, image_id, vector in await self._session.stream(query.execution_options(yield_per=2000)):
            yield StoredVector(person_id, image_id, vector)

    async def persons(self, person_ids: Sequence[str]) -> dict[str, PersonFigures]:
        found: dict[str, PersonFigures] = {}
        for ids in batches(person_ids):
            query = select(Person.id, Person.name, Person.threshold).where(Person.id.in_(ids))
            for person_id, name, threshold in await self._session.execute(query):
                found[person_id] = PersonFigures(person_id, name, threshold)
        return found

    async def own_thresholds(self) -> dict[str, float]:
        """Of the persons who have one."""
        query = select(Person.id, Person.threshold).where(Person.threshold.is_not(None))
        return {person_id: value for person_id, value in await self._session.execute(query) if value is not None}

    async def owners(self, image_ids: Sequence[str]) -> dict[str, str]:
        """Image id -> person id, of the images that are there."""
        found: dict[str, str] = {}
        for ids in batches(image_ids):
            query = select(PersonImage.id, PersonImage.person_id).where(PersonImage.id.in_(ids))
            found |= {image_id: person_id for image_id, person_id in await self._session.execute(query)}  # noqa: C416 (rows are no pairs to pyright)
        return found

    async def without_embedding(self, key: PackKey, among: Collection[str] | None = None) -> list[tuple[str, int]]:
        """(person id, number of images) of those whom the pack cannot find, oldest first.

        `among`, here and below: only these persons (at most 500); None: all.
        """
        row = FaceEmbedding
        covered = exists().where(row.person_id == Person.id, row.pack == key[0], row.pack_version == key[1])
        images = select(func.count()).where(PersonImage.person_id == Person.id).scalar_subquery()
        query = (
            select(Person.id, images).where(~covered, *_among(Person.id, among)).order_by(Person.created_at, Person.id)
        )
        return [(person_id, count) for person_id, count in await self._session.execute(query)]

    async def single_images(
        self, among: Collection[str] | None = None
    ) -> AsyncGenerator[tuple[str, str, dict[str, Any]]]:
        """(person id, image id, stored quality) of persons with one image, streamed."""
        image = PersonImage
        single = (
            select(image.person_id)
            .where(*_among(image.person_id, among))
            .group_by(image.person_id)
            .having(func.count() == 1)
        )
        query = select(image.person_id, image.id, image.quality).where(image.person_id.in_(single))
        async for person_id, image_id, quality in await self._session.stream(query.execution_options(yield_per=2000)):
            yield person_id, image_id, quality

    async def shared_files(self, among: Collection[str] | None = None) -> dict[str, list[tuple[str, str]]]:
        """By SHA-256, (person id, image id) of photos that several persons have."""
        image = PersonImage
        shared = select(image.sha256).where(*_among(image.person_id, among)).group_by(image.sha256)
        shared = shared.having(func.count(image.person_id.distinct()) > 1)
        query = select(image.sha256, image.person_id, image.id).where(
            image.sha256.in_(shared), *_among(image.person_id, among)
        )
        found: dict[str, list[tuple[str, str]]] = {}
        for sha256, person_id, image_id in await self._session.execute(query.order_by(image.sha256, image.id)):
            found.setdefault(sha256, []).append((person_id, image_id))
        return found

    async def dismissed(self) -> set[str]:
        """Ids of the findings that somebody called fine."""
        return set((await self._session.scalars(select(HealthDismissal.finding_id))).all())

    async def dismiss(self, finding_id: str, kind: str) -> None:
        if await self._session.get(HealthDismissal, finding_id) is None:
            self._session.add(HealthDismissal(finding_id=finding_id, kind=kind))

    async def undismiss(self, finding_id: str) -> None:
        await self._session.execute(delete(HealthDismissal).where(HealthDismissal.finding_id == finding_id))


def _among(column: InstrumentedAttribute[str], person_ids: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if person_ids is None else [column.in_(person_ids)]
