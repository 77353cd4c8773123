"""Fills a home's database with persons, images and unit vectors that nobody has a photo of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from lianpu.database.base import Base
from lianpu.database.session import Database
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage

FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
GIVEN = ("伟", "芳", "娜", "敏", "静", "Anna", "Björn", "Chloé", "Dmitri", "Elif")
FAMILY = ("王", "李", "张", "刘", "陈", "Müller", "Rossi", "Novák", "O'Neil", "Yılmaz")
DEPARTMENTS = 40
CHUNK_PERSONS = 5_000
"""Made at a time."""
QUALITY = {
    "overall": 0.8,
    "sharpness": 0.9,
    "size_px": 120.0,
    "yaw_degrees": 3.0,
    "pitch_degrees": -2.0,
    "roll_degrees": 1.0,
    "exposure": 0.9,
    "detection_score": 0.88,
}


@dataclass(frozen=True)
class SyntheticGallery:
    """`pack` and `version`: whose embeddings the vectors pretend to be."""

    pack: str
    version: str
    dimension: int
    persons: int
    images_per_person: int = 2
    seed: int = 20261122

    def person_id(self, number: int) -> str:
        """Ids as callers give them: their order is not that of the persons' making."""
        return f"employee-{number * 7_919 % 1_000_003:07d}"

    def person_name(self, number: int) -> str:
        return f"{FAMILY[number % 10]} {GIVEN[number // 10 % 10]} {number}"

    def created_at(self, number: int) -> datetime:
        return FIRST_MOMENT + timedelta(seconds=30 * number)

    def metadata(self, number: int) -> dict[str, Any]:
        return {"department": f"D{number % DEPARTMENTS}", "badge": f"B{number}"}

    def vectors(self, start: int, end: int) -> NDArray[np.float32]:
        """[persons, images, dimension], unit length: the images of a person lie close together.

        The same vectors come again for the same start and end, which are those of a chunk.
        """
        random = np.random.default_rng((self.seed, start))
        centres = random.standard_normal((end - start, 1, self.dimension), dtype=np.float32)
        noise = random.standard_normal((end - start, self.images_per_person, self.dimension), dtype=np.float32)
        vectors = centres + np.float32(0.5) * noise
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

    async def fill(self, database: Database) -> None:
        for start in range(0, self.persons, CHUNK_PERSONS):
            rows = _Rows(self, start, min(self.persons, start + CHUNK_PERSONS))
            async with database.engine.begin() as connection:
                for model, values in (
                    (Person, rows.persons()),
                    (PersonImage, rows.images()),
                    (FaceEmbedding, rows.embeddings()),
                ):
                    await connection.execute(insert(_table(model)), list(values))


@dataclass(frozen=True)
class _Rows:
    gallery: SyntheticGallery
    start: int
    end: int

    def persons(self) -> Iterator[dict[str, Any]]:
        for number in range(self.start, self.end):
            moment = self.gallery.created_at(number)
            yield {
                "id": self.gallery.person_id(number),
                "name": self.gallery.person_name(number),
                "metadata": self.gallery.metadata(number),
                "threshold": None,
                "created_at": moment,
                "updated_at": moment,
            }

    def images(self) -> Iterator[dict[str, Any]]:
        for number, at in self._each():
            name = f"gallery/00/{_id(number, at)}"
            yield {
                "id": _id(number, at),
                "person_id": self.gallery.person_id(number),
                "sha256": f"{number:032x}{at:032x}",
                "is_primary": at == 0,
                "format": "jpeg",
                "width": 640,
                "height": 480,
                "size_bytes": 60_000,
                "box": [200.0, 100.0, 320.0, 240.0],
                "quality": QUALITY,
                "stored_path": f"{name}.jpeg",
                "thumbnail_path": f"{name}.thumbnail.jpeg",
                "uploaded_at": self.gallery.created_at(number),
            }

    def embeddings(self) -> Iterator[dict[str, Any]]:
        vectors = self.gallery.vectors(self.start, self.end)
        for number, at in self._each():
            yield {
                "id": _id(number, at, "e"),
                "person_id": self.gallery.person_id(number),
                "image_id": _id(number, at),
                "pack": self.gallery.pack,
                "pack_version": self.gallery.version,
                "dimension": self.gallery.dimension,
                "vector": vectors[number - self.start, at],
                "threshold": None,
                "created_at": self.gallery.created_at(number),
            }

    def _each(self) -> Iterator[tuple[int, int]]:
        for number in range(self.start, self.end):
            for at in range(self.gallery.images_per_person):
                yield number, at


def _id(number: int, at: int, kind: str = "a") -> str:
    """As long as a UUIDv7, and sorted like it by its making."""
    return f"{number:08x}-0000-7000-8000-{kind}{number:08x}{at:03x}"


def _table(model: type[Base]) -> Any:
    return model.__table__
