"""Coverage: how much of the gallery a pack can find."""

from dataclasses import dataclass

from lianpu.database.session import Database
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.packs.repository import PackCounts, PackRepository


@dataclass(frozen=True, slots=True)
class GalleryCoverage:
    """One pack version's part of the gallery."""

    images: int
    """All that are in the gallery."""
    embedded: int
    failed: int
    """Images in which the pack does not find the face; they were tried."""
    persons: int
    """All that are in the gallery."""
    persons_covered: int
    """Persons whom the pack can find by at least one image."""

    @property
    def missing(self) -> int:
        """Images not tried yet."""
        return max(0, self.images - self.embedded - self.failed)

    @property
    def is_complete(self) -> bool:
        """Nothing is left to try; some images may have failed."""
        return self.missing == 0

    def figures(self) -> dict[str, int | bool]:
        return {
            "images": self.images,
            "embedded": self.embedded,
            "failed": self.failed,
            "missing": self.missing,
            "persons": self.persons,
            "persons_covered": self.persons_covered,
            "is_complete": self.is_complete,
        }


@dataclass(frozen=True, slots=True)
class FailedImage:
    image_id: str
    person_id: str
    reason: str


class Coverage:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_all(self) -> "CoverageByPack":
        async with self._database.session() as session:
            repository = PackRepository(session)
            return CoverageByPack(*await repository.totals(), await repository.counts())

    async def of(self, key: PackKey) -> GalleryCoverage:
        async with self._database.session() as session:
            return await coverage_of(PackRepository(session), key)

    async def failures(self, key: PackKey, limit: int) -> list[FailedImage]:
        async with self._database.session() as session:
            return [FailedImage(*row) for row in await PackRepository(session).failures(key, limit)]


@dataclass(frozen=True, slots=True)
class CoverageByPack:
    images: int
    persons: int
    counts: dict[PackKey, PackCounts]

    def of(self, key: PackKey) -> GalleryCoverage:
        return _coverage(self.images, self.persons, self.counts.get(key, PackCounts()))


async def coverage_of(repository: PackRepository, key: PackKey) -> GalleryCoverage:
    """In a session of the caller's, such as that of a change."""
    return _coverage(*await repository.totals(), await repository.counts_of(key))


def _coverage(images: int, persons: int, counts: PackCounts) -> GalleryCoverage:
    return GalleryCoverage(images, counts.embedded, counts.failed, persons, counts.persons)
