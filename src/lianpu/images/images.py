"""Users' own images: received, looked at, listed, read and deleted. Nobody but their owner knows of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from lianpu.database.base import new_id, now_utc
from lianpu.database.completion import to_its_end
from lianpu.database.session import Database
from lianpu.engines.image import DecodedImage, ImageLimits, decode_image, encode_jpeg, fitted
from lianpu.errors import ImageNotFoundError, ImageQuotaError, StorageError, StorageUnavailableError
from lianpu.images.models import FOLDER, StoredImage, image_id_of
from lianpu.images.receiving import ReceivedImage, receive_image
from lianpu.images.repository import ImageRepository
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.storage.files import FileStorage

THUMBNAIL_SIDE_PX = 320
CLEARING_INTERVAL_S = 3600.0
UNFINISHED_S = 3600.0
"""An upload takes less: what is older and has no row was left behind."""
_log = logging.getLogger(__name__)
T = TypeVar("T")


class Images:
    """A file is stored before its row and deleted after it: only `clear` may meet files without a row."""

    def __init__(
        self,
        database: Database,
        storage: FileStorage,
        queue: InferenceQueue,
        uploads: Path,
        *,
        limits: ImageLimits,
        max_bytes: int,
        max_per_user: int | None,
    ) -> None:
        """`uploads`: folder of files that are being received."""
        self._database = database
        self._storage = storage
        self._queue = queue
        self._uploads = uploads
        self._limits = limits
        self._max_bytes = max_bytes
        self._max_per_user = max_per_user

    async def upload(self, owner_id: str, content_type: str, parts: AsyncIterator[bytes]) -> StoredImage:
        """
        Raises:
            ImageQuotaError: the owner has as many as allowed.
            ImageDamagedError: it cannot be decoded.
            BusyError: nobody is free to look at it.
            what `receive_image` raises.
        """
        await self._check_quota(owner_id)
        image_id = new_id()
        path = self._uploads / image_id
        try:
            await asyncio.to_thread(self._uploads.mkdir, parents=True, exist_ok=True, mode=0o700)
            received = await receive_image(content_type, parts, path, max_bytes=self._max_bytes, limits=self._limits)
            width, height, thumbnail = await self._queue.run(self._examine, path)
            image = _image(image_id, owner_id, received, width, height)
            # Whoever hangs up now leaves all or nothing behind.
            await to_its_end(self._store(image, path, thumbnail))
            return image
        except StorageUnavailableError:
            raise
        except OSError as error:
            raise StorageError(f"The upload could not be stored: {error.strerror or error}.") from error
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def page(self, owner_id: str, skip: int, limit: int) -> tuple[Sequence[StoredImage], int]:
        """Newest first, and how many there are."""
        async with self._database.session() as session:
            repository = ImageRepository(session)
            return await repository.images(owner_id, skip, limit), await repository.count(owner_id)

    async def get(self, owner_id: str, image_id: str) -> StoredImage:
        """
        Raises:
            ImageNotFoundError: the owner has no such image.
        """
        async with self._database.session() as session:
            return await ImageRepository(session).image(owner_id, image_id)

    async def content(self, owner_id: str, image_id: str) -> tuple[StoredImage, bytes]:
        """Byte for byte as it was uploaded.

        Raises:
            ImageNotFoundError: the owner has no such image.
        """
        image = await self.get(owner_id, image_id)
        return image, await asyncio.to_thread(self._read, image.file)

    async def thumbnail(self, owner_id: str, image_id: str) -> bytes:
        """A JPEG of the whole image.

        Raises:
            ImageNotFoundError: the owner has no such image.
        """
        return await asyncio.to_thread(self._read, (await self.get(owner_id, image_id)).thumbnail_file)

    def decoded(self, image: StoredImage) -> DecodedImage:
        """Blocks.

        Raises:
            ImageNotFoundError: it was deleted meanwhile.
            ImageError: its file was damaged since it was uploaded.
        """
        return decode_image(self._read(image.file), self._limits)

    async def delete(self, owner_id: str, image_id: str) -> None:
        """With its file and its results.

        Raises:
            ImageNotFoundError: the owner has no such image.
        """
        async with self._database.session() as session:
            repository = ImageRepository(session)
            image = await repository.image(owner_id, image_id)
            await repository.delete(image)
            await to_its_end(self._commit_and_delete(session.commit(), [image]))

    async def remove_all_of(self, owner_id: str) -> None:
        """Everything of a user who goes."""
        while True:
            async with self._database.session() as session:
                repository = ImageRepository(session)
                images = await repository.images(owner_id, 0, 100)
                for image in images:
                    await repository.delete(image)
                await to_its_end(self._commit_and_delete(session.commit(), images))
            if not images:
                return

    async def clear(self, *, is_start: bool) -> None:
        """Delete files that no row names: an upload or a deletion was cut off, or another program held a file.

        Args:
            is_start: nobody else works on this home, so whatever lies there was left behind.
        """
        newest = None if is_start else now_utc() - timedelta(seconds=UNFINISHED_S)
        files = await asyncio.to_thread(lambda: [file.name for file in self._storage.files(FOLDER)])
        left = {name for name in files if _is_older(image_id_of(name), newest)}
        async with self._database.session() as session:
            existing = await ImageRepository(session).existing(sorted({image_id_of(name) for name in left}))
        await asyncio.to_thread(self._delete_files, [name for name in left if image_id_of(name) not in existing])
        await asyncio.to_thread(self._clear_uploads, is_start=is_start)

    async def run_clearing(self) -> None:
        """Every hour."""
        while True:
            await asyncio.sleep(CLEARING_INTERVAL_S)
            try:
                await self.clear(is_start=False)
            except Exception as error:  # tried again in an hour
                _log.warning("files without an image cannot be cleared away", exc_info=error)

    async def _check_quota(self, owner_id: str) -> None:
        if self._max_per_user is None:
            return
        async with self._database.session() as session:
            count = await ImageRepository(session).count(owner_id)
        if count >= self._max_per_user:
            raise ImageQuotaError(f"You have {count} images, and at most {self._max_per_user} are kept: delete some.")

    def _examine(self, path: Path) -> tuple[int, int, bytes]:
        """On an inference worker: width, height and thumbnail of what was received."""
        decoded = decode_image(path.read_bytes(), self._limits)
        return decoded.width, decoded.height, encode_jpeg(fitted(decoded.pixels, THUMBNAIL_SIDE_PX), quality=85)

    async def _store(self, image: StoredImage, path: Path, thumbnail: bytes) -> None:
        files = (image.file, image.thumbnail_file)
        try:
            await asyncio.to_thread(self._storage.write, image.thumbnail_file, thumbnail)
            await asyncio.to_thread(self._storage.take, image.file, path)
            async with self._database.session() as session:
                session.add(image)
                await session.commit()
        except BaseException:
            await asyncio.to_thread(self._delete_files, files)
            raise

    async def _commit_and_delete(self, commit: Coroutine[Any, Any, None], images: Sequence[StoredImage]) -> None:
        await commit
        files = [name for image in images for name in (image.file, image.thumbnail_file)]
        await asyncio.to_thread(self._delete_files, files)

    def _delete_files(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                self._storage.delete(name)
            except OSError as error:  # `clear` tries again
                _log.warning("file could not be deleted", extra={"file": name, "reason": str(error)})

    def _clear_uploads(self, *, is_start: bool) -> None:
        if not self._uploads.is_dir():
            return
        moment = now_utc().timestamp() - UNFINISHED_S
        for path in self._uploads.iterdir():
            try:
                if is_start or path.stat().st_mtime < moment:
                    path.unlink()
            except OSError as error:
                _log.warning("an upload could not be cleared away", extra={"file": path.name, "reason": str(error)})

    def _read(self, name: str) -> bytes:
        try:
            return self._storage.read(name)
        except FileNotFoundError as error:
            raise ImageNotFoundError("The image's file is gone: it was deleted meanwhile, or is missing.") from error
        except StorageUnavailableError:
            raise
        except OSError as error:
            raise StorageError(f"A stored image cannot be read: {error.strerror or error}.") from error


def _image(image_id: str, owner_id: str, received: ReceivedImage, width: int, height: int) -> StoredImage:
    return StoredImage(
        id=image_id,
        owner_id=owner_id,
        name=received.name,
        format=received.format.value,
        width=width,
        height=height,
        size_bytes=received.size_bytes,
        sha256=received.sha256,
        created_at=now_utc(),
    )


def _is_older(image_id: str, moment: Any) -> bool:
    """By the time in the id (UUIDv7); what is no id of an image is left alone."""
    try:
        milliseconds = UUID(image_id).int >> 80
    except ValueError:
        return False
    return moment is None or milliseconds < moment.timestamp() * 1000
