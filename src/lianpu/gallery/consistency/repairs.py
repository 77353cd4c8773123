"""Mends what can be mended without losing anything that cannot be made again."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from lianpu.engines.face.face import Box
from lianpu.engines.image import ImageLimits, decode_image, encode_jpeg, thumbnail
from lianpu.errors import ImageError
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.consistency.findings import Finding, Problem
from lianpu.gallery.consistency.repository import ConsistencyRepository
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import FaceEmbedding, PersonImage
from lianpu.packs.folder import split_name
from lianpu.storage.files import FileStorage

THUMBNAIL_QUALITY = 88


class Repairs:
    def __init__(
        self,
        changes: GalleryChanges,
        indexes: GalleryIndexes,
        storage: FileStorage,
        jobs_folder: Path,
        *,
        limits: ImageLimits,
        thumbnail_side_px: int,
    ) -> None:
        self._changes = changes
        self._indexes = indexes
        self._storage = storage
        self._jobs_folder = jobs_folder
        self._limits = limits
        self._thumbnail_side_px = thumbnail_side_px
        self._ways: dict[Problem, Callable[[Finding], Awaitable[bool]]] = {
            Problem.THUMBNAIL_MISSING: self._thumbnail,
            Problem.THUMBNAIL_DAMAGED: self._thumbnail,
            Problem.FILE_ORPHAN: self._file,
            Problem.PRIMARY_WRONG: self._primary,
            Problem.EMBEDDING_ORPHAN: self._embedding,
            Problem.EMBEDDING_DAMAGED: self._embedding,
            Problem.EMBEDDING_PERSON_DIFFERS: self._owner,
            Problem.INDEX_DIFFERS: self._index,
            Problem.JOB_FOLDER_ORPHAN: self._job_folder,
        }

    async def repair(self, finding: Finding) -> bool:
        """Whether it is in order now; False: there is no safe way."""
        way = self._ways.get(finding.problem)
        return way is not None and await way(finding)

    async def _thumbnail(self, finding: Finding) -> bool:
        """Made again from the photo."""
        async with self._changes.change() as change:
            row = await change.session.get(PersonImage, finding.subject)
            if row is None:
                return True
            try:
                await asyncio.to_thread(self._make_thumbnail, row)
            except (ImageError, FileNotFoundError):
                return False
        return True

    def _make_thumbnail(self, row: PersonImage) -> None:
        pixels = decode_image(self._storage.read(row.stored_path), self._limits).pixels
        crop = thumbnail(pixels, Box(*row.box), self._thumbnail_side_px)
        self._storage.write(row.thumbnail_path, encode_jpeg(crop, quality=THUMBNAIL_QUALITY))

    async def _file(self, finding: Finding) -> bool:
        await asyncio.to_thread(self._storage.delete, finding.subject)
        return True

    async def _primary(self, finding: Finding) -> bool:
        """The newest of the primary images, or of all where none is."""
        async with self._changes.change() as change:
            images = await change.repository.images(finding.subject)
            if images:
                await change.repository.make_primary(finding.subject, images[0].id)
        return True

    async def _embedding(self, finding: Finding) -> bool:
        """Deleted: re-embedding makes it again from the photo."""
        async with self._changes.change() as change:
            change.removed_embedding_ids.append(finding.subject)
            await ConsistencyRepository(change.session).delete_embedding(finding.subject)
        return True

    async def _owner(self, finding: Finding) -> bool:
        """The image knows whose it is."""
        async with self._changes.change() as change:
            row = await change.session.get(FaceEmbedding, finding.subject)
            image = None if row is None else await change.session.get(PersonImage, row.image_id)
            if row is not None and image is not None:
                row.person_id = image.person_id
                change.removed_embedding_ids.append(row.id)
                change.added.append(row)
        return True

    async def _index(self, finding: Finding) -> bool:
        name, version = split_name(finding.subject)
        await self._indexes.refill((name, version or ""))
        return True

    async def _job_folder(self, finding: Finding) -> bool:
        await asyncio.to_thread(shutil.rmtree, self._jobs_folder / finding.subject, ignore_errors=True)
        return True
