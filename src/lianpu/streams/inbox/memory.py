"""What the inbox remembers of its tables: clusters, vetoes and separations, by pack version."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lianpu.database.session import Database
from lianpu.gallery.indexes import PackKey
from lianpu.packs.metric import Metric
from lianpu.streams.inbox.clustering import Clustering
from lianpu.streams.inbox.repository import InboxRepository


@dataclass(slots=True)
class PackMemory:
    """Of one pack version. `clustering` has an unknown person's id for each cluster."""

    clustering: Clustering
    vetoes: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Unknown person -> persons whom somebody said that it is not."""
    apart: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Unknown person -> those it must not be merged with."""

    def merge(self, into: str, other: str) -> None:
        self.clustering.merge(into, other)
        for kept in (self.vetoes, self.apart):
            moved = kept.pop(other, set())
            if moved:
                kept.setdefault(into, set()).update(moved - {into})
        for unknown_id in self.apart.get(into, ()):
            self.apart[unknown_id] = self.apart[unknown_id] - {other} | {into}


class InboxMemory:
    """The tables are the truth: what a change leaves unsaid is read anew. Not to be used by two changes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._packs: dict[PackKey, PackMemory] = {}
        self.sequence: int | None = None
        """Of the last change that is remembered; None: nothing is yet."""

    def at_hand(self, key: PackKey) -> PackMemory | None:
        """Never blocks; None: nothing of this pack was needed yet."""
        return self._packs.get(key)

    async def of(self, key: PackKey, metric: Metric, dimension: int) -> PackMemory:
        if key not in self._packs:
            self._packs[key] = await self._read(key, Clustering(metric, dimension))
        return self._packs[key]

    async def follow(self, sequence: int) -> None:
        """Other nodes may have changed the tables since."""
        if self.sequence != sequence:
            await self.reread_all()
            self.sequence = sequence

    async def reread_all(self) -> None:
        """After a change that was made in the tables alone. Whoever asks meanwhile is answered as before."""
        try:
            for key, known in list(self._packs.items()):
                fresh = Clustering(known.clustering.metric, known.clustering.dimension)
                self._packs[key] = await self._read(key, fresh)
        except BaseException:
            self._packs.clear()
            raise

    def drop(self, key: PackKey) -> None:
        """It no longer agrees with the tables."""
        self._packs.pop(key, None)

    def forget_face(self, key: PackKey, unknown_id: str, vector: NDArray[np.float32]) -> None:
        """A face is no longer kept."""
        known = self._packs.get(key)
        if known is None or unknown_id not in known.clustering:
            return
        known.clustering.remove(unknown_id, vector)
        if unknown_id not in known.clustering:
            known.vetoes.pop(unknown_id, None)
            for other in known.apart.pop(unknown_id, set()):
                known.apart[other].discard(unknown_id)

    async def _read(self, key: PackKey, clustering: Clustering) -> PackMemory:
        async with self._database.session() as session:
            repository = InboxRepository(session)
            members = await repository.vectors_of_pack(key)
            unknown_ids = sorted({unknown_id for unknown_id, _ in members})
            vetoes = await repository.vetoes(unknown_ids)
            apart = await repository.separated_from(unknown_ids)
        await asyncio.to_thread(_fill, clustering, members)
        return PackMemory(clustering, dict(vetoes), dict(apart))


def _fill(clustering: Clustering, members: Sequence[tuple[str, NDArray[np.float32]]]) -> None:
    for unknown_id, vector in members:
        clustering.add(unknown_id, vector)
