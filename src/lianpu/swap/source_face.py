"""The face that is put onto others: the primary photo of the consenting person, and nobody else's."""

import asyncio
from collections.abc import Callable

import numpy as np

from lianpu.database.session import Database
from lianpu.engines.face.face import Image
from lianpu.engines.image import ImageLimits, decode_image
from lianpu.errors import PersonNotFoundError
from lianpu.gallery.repository import GalleryRepository

_MARGIN = 0.9
"""Added on each side of the face's box, as a share of its longer side: room for hair and chin, not for a crowd."""


class SourceFaces:
    def __init__(self, database: Database, read: Callable[[str], bytes], limits: ImageLimits) -> None:
        """`read`: gives a file of the gallery's storage; blocks."""
        self._database = database
        self._read = read
        self._limits = limits

    async def of(self, person_id: str) -> Image:
        """[H, W, 3] uint8 RGB, upright, in which the person's face is the largest.

        Raises:
            PersonNotFoundError: the person was deleted, or has no photo.
            ImageNotFoundError: the photo's file is gone.
            ImageError: it was damaged since it was enrolled.
        """
        async with self._database.session() as session:
            repository = GalleryRepository(session)
            await repository.person(person_id)
            row = await repository.primary_image(person_id)
        if row is None:
            raise PersonNotFoundError("The person whose face is to be used has no photo in the gallery.")
        return await asyncio.to_thread(self._cut, row.stored_path, row.box)

    def _cut(self, stored_path: str, box: list[float]) -> Image:
        pixels = decode_image(self._read(stored_path), self._limits).pixels
        x1, y1, x2, y2 = box
        margin = _MARGIN * max(x2 - x1, y2 - y1)
        height, width = pixels.shape[:2]
        top, bottom = max(0, round(y1 - margin)), min(height, round(y2 + margin))
        left, right = max(0, round(x1 - margin)), min(width, round(x2 + margin))
        return np.ascontiguousarray(pixels[top:bottom, left:right])
