"""Which threshold applies to a match: the request's, else the embedding's, the person's, the gallery's, the pack's."""

from dataclasses import dataclass
from enum import StrEnum

from lianpu.database.session import Database
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.packs.repository import PackRepository
from lianpu.packs.folder import folder_name

STATE_KEY = "thresholds"


class ThresholdSource(StrEnum):
    REQUEST = "request"
    EMBEDDING = "embedding"
    PERSON = "person"
    GALLERY = "gallery"
    PACK = "pack"


@dataclass(frozen=True, slots=True)
class AppliedThreshold:
    value: float
    """Least score, 0…1, that counts as the same person."""
    source: ThresholdSource


def applied_threshold(
    *, request: float | None, embedding: float | None, person: float | None, gallery: float | None, pack: float
) -> AppliedThreshold:
    for value, source in (
        (request, ThresholdSource.REQUEST),
        (embedding, ThresholdSource.EMBEDDING),
        (person, ThresholdSource.PERSON),
        (gallery, ThresholdSource.GALLERY),
    ):
        if value is not None:
            return AppliedThreshold(value, source)
    return AppliedThreshold(pack, ThresholdSource.PACK)


class GalleryThresholds:
    """Thresholds set for the whole gallery, one a pack version; kept in memory in step with the database."""

    def __init__(self, database: Database, changes: GalleryChanges) -> None:
        self._database = database
        self._changes = changes
        self._values: dict[str, float] = {}

    async def restore(self) -> None:
        """Read what was set before the start, or by another node."""
        async with self._database.session() as session:
            self._values = await PackRepository(session).state(STATE_KEY) or {}

    def of(self, key: PackKey) -> float | None:
        """Score 0…1; None: the pack's own applies."""
        return self._values.get(folder_name(*key))

    async def put(self, key: PackKey, threshold: float | None) -> None:
        """From the next search on; None goes back to the pack's own."""
        async with self._changes.change() as change:
            repository = PackRepository(change.session)
            kept = await repository.state(STATE_KEY) or {}
            values = {name: value for name, value in kept.items() if name != folder_name(*key)}
            if threshold is not None:
                values[folder_name(*key)] = threshold
            await repository.put_state(STATE_KEY, values)
            change.changed_states.append(STATE_KEY)
            change.after_commit.append(lambda: self._show(values))

    def _show(self, values: dict[str, float]) -> None:
        self._values = values
