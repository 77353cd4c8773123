"""The embeddings of one pack version, read from the database and compared with one another inside a job."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.database.session import Database
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.insights.repository import InsightsRepository, StoredVector
from lianpu.jobs.handler import RunningJob
from lianpu.packs.metric import Metric
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.vectors.pairs import PairScan, PairScores, ScanLimits


@dataclass(frozen=True, slots=True)
class GalleryVectors:
    """Everybody whom a pack can find. Rows belong together."""

    person_ids: list[str]
    """By number."""
    persons: NDArray[np.int64]
    """[n] number of each row's person."""
    image_ids: list[str]
    vectors: NDArray[np.float32]
    """[n, dimension], as stored."""

    def rows_of(self) -> list[NDArray[np.intp]]:
        """Rows by person."""
        order = np.argsort(self.persons, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.persons))[:-1])


async def read_vectors(
    database: Database, key: PackKey, dimension: int, person_ids: Collection[str] | None = None
) -> GalleryVectors:
    """All of the pack's embeddings, or those of some persons."""
    async with database.session() as session:
        repository = InsightsRepository(session)
        expected = await repository.vector_count(key) if person_ids is None else 0
        vectors = np.empty((expected, dimension), np.float32)
        numbers: dict[str, int] = {}
        persons: list[int] = []
        image_ids: list[str] = []
        late: list[NDArray[np.float32]] = []
        stored: StoredVector
        async for stored in repository.vectors(key, person_ids):
            if len(persons) < len(vectors):
                vectors[len(persons)] = stored.vector
            else:  # enrolled since they were counted, or not counted at all
                late.append(stored.vector)
            persons.append(numbers.setdefault(stored.person_id, len(numbers)))
            image_ids.append(stored.image_id)
    if late:
        vectors = np.concatenate([vectors, np.stack(late)])
    return GalleryVectors(list(numbers), np.array(persons, np.int64), image_ids, vectors[: len(persons)])


async def compare_all(
    job: RunningJob, queue: InferenceQueue, gallery: GalleryVectors, metric: Metric, limits: ScanLimits
) -> PairScores:
    """Every block waits its turn in the queue, so that searches get theirs; progress counts probes.

    Raises:
        JobCancelled: the job is to end.
    """
    scan = await queue.run_patiently(PairScan, gallery.vectors, gallery.persons, metric, limits)
    steps = scan.steps()
    while True:
        done = await queue.run_patiently(next, steps, None)
        if done is None:
            return await queue.run_patiently(scan.result)
        await job.report(done, scan.probes, message=f"{done} of {scan.probes} embeddings compared with all")
