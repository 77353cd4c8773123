"""Every query of users' own images and their results."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.errors import ImageNotFoundError, ResultNotFoundError
from lianpu.images.models import InferenceResult, StoredImage

IDS_PER_QUERY = 500


class ImageRepository:
    """What belongs to somebody else is not there."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def image(self, owner_id: str, image_id: str) -> StoredImage:
        """
        Raises:
            ImageNotFoundError: the owner has no such image.
        """
        image = await self._session.get(StoredImage, image_id)
        if image is None or image.owner_id != owner_id:
            raise ImageNotFoundError(f"There is no image {image_id!r}.")
        return image

    async def images(self, owner_id: str, skip: int, limit: int) -> Sequence[StoredImage]:
        """Newest first."""
        query = select(StoredImage).where(StoredImage.owner_id == owner_id)
        query = query.order_by(StoredImage.created_at.desc(), StoredImage.id.desc())
        return (await self._session.scalars(query.offset(skip).limit(limit))).all()

    async def count(self, owner_id: str) -> int:
        query = select(func.count()).select_from(StoredImage).where(StoredImage.owner_id == owner_id)
        return await self._session.scalar(query) or 0

    async def existing(self, image_ids: Sequence[str]) -> set[str]:
        """Those of the ids that are images, of whomever."""
        found: set[str] = set()
        for start in range(0, len(image_ids), IDS_PER_QUERY):
            some = image_ids[start : start + IDS_PER_QUERY]
            found |= set(await self._session.scalars(select(StoredImage.id).where(StoredImage.id.in_(some))))
        return found

    async def delete(self, image: StoredImage) -> None:
        """With its results."""
        await self._session.execute(delete(StoredImage).where(StoredImage.id == image.id))

    async def result(self, owner_id: str, result_id: str) -> InferenceResult:
        """
        Raises:
            ResultNotFoundError: the owner has no such result.
        """
        result = await self._session.get(InferenceResult, result_id)
        if result is None or result.owner_id != owner_id:
            raise ResultNotFoundError(f"There is no result {result_id!r}.")
        return result

    async def has_result(self, result_id: str) -> bool:
        return await self._session.scalar(select(InferenceResult.id).where(InferenceResult.id == result_id)) is not None

    async def results(self, image_id: str, skip: int, limit: int) -> Sequence[InferenceResult]:
        """Newest first."""
        query = select(InferenceResult).where(InferenceResult.image_id == image_id)
        query = query.order_by(InferenceResult.created_at.desc(), InferenceResult.id.desc())
        return (await self._session.scalars(query.offset(skip).limit(limit))).all()

    async def result_count(self, image_id: str) -> int:
        query = select(func.count()).select_from(InferenceResult).where(InferenceResult.image_id == image_id)
        return await self._session.scalar(query) or 0
