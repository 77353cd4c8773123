"""Re-embedding: a pack's missing embeddings are made from the stored images, as a job that can be cut off anywhere."""

import asyncio
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box
from lianpu.engines.image import ImageLimits, decode_image
from lianpu.errors import FaceNotFoundError, ImageError, StorageError, StorageUnavailableError
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.generation import embedding_of, failure, vector_at
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.models import FaceEmbedding
from lianpu.gallery.packs.coverage import coverage_of
from lianpu.gallery.packs.repository import MissingImage, PackRepository
from lianpu.gallery.repository import GalleryRepository
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.jobs import FAILED_ITEM, Jobs
from lianpu.jobs.models import Job
from lianpu.jobs.repository import JobRepository
from lianpu.packs.folder import folder_name
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.storage.files import FileStorage

REEMBED = "gallery.reembed"
GENERATE_FEATURES = "gallery.generate_features"
BATCH_IMAGES = 32
FAILURES_SHOWN = 100

Outcome = NDArray[np.float32] | str
"""A vector, or why there is none."""


@dataclass(slots=True)
class Progress:
    """What a job has done so far, kept as its checkpoint."""

    embedded: int = 0
    failed: int = 0
    seconds: float = 0.0
    next_position: int = 0
    """Of the next failed item."""
    is_complete: bool = False

    @property
    def done(self) -> int:
        return self.embedded + self.failed

    @property
    def images_per_s(self) -> float:
        return round(self.done / self.seconds, 2) if self.seconds > 0 else 0.0


class Reembedding:
    """Handles both kinds of job: of the whole gallery, and of one person.

    The work left is always read from the database (images that the pack has not tried), and what is done is committed
    together with the checkpoint, so a job goes on after a crash without a list of its own. Images that come or go
    meanwhile are taken as they are. Searches wait for no lock, and for no more inferences than there are `turns`.
    """

    def __init__(
        self,
        analyzers: Analyzers,
        queue: InferenceQueue,
        changes: GalleryChanges,
        database: Database,
        storage: FileStorage,
        *,
        kind: str,
        turns: asyncio.Semaphore,
        limits: ImageLimits,
        max_faces: int,
    ) -> None:
        """`turns`: inferences at once, of all jobs together."""
        self.kind = kind
        self._analyzers = analyzers
        self._queue = queue
        self._changes = changes
        self._database = database
        self._storage = storage
        self._limits = limits
        self._max_faces = max_faces
        self._turns = turns

    async def run(self, job: RunningJob) -> dict[str, Any]:
        wanted: PackKey = (job.parameters["pack"], job.parameters["pack_version"])
        analyzer = await self._queue.run_patiently(self._analyzers.get, folder_name(*wanted))
        key = key_of(analyzer)
        person_id: str | None = job.parameters.get("person_id")
        progress = await self._begin(job, key, person_id)
        after = ""
        total = progress.done + await self._missing_count(key, person_id)
        while True:
            await job.report(progress.done, total, message=_message(progress))
            batch = await self._missing(key, after, person_id)
            if batch:
                progress = await self._do(job, analyzer, batch, progress)
                after = batch[-1].image_id
            elif after:
                # Images may have come behind the one that was read last, or before it.
                after = ""
                total = progress.done + await self._missing_count(key, person_id)
            else:
                break
        progress.is_complete = True
        await job.report(progress.done, progress.done, message=_message(progress), checkpoint=asdict(progress))
        return await self._result(job, key, progress)

    async def _begin(self, job: RunningJob, key: PackKey, person_id: str | None) -> Progress:
        """A job that is asked again after it completed, or asks for it, tries the failed images again."""
        progress = Progress(**job.checkpoint)
        asked_again = progress.is_complete and not (await job.item_counts()).get(FAILED_ITEM)
        if asked_again or (not job.checkpoint and job.parameters.get("retry_failed")):
            progress.is_complete = False
            progress.failed = 0
            async with self._changes.change() as change:
                await PackRepository(change.session).forget_failures(key, person_id)
                await job.checkpoint_within(change.session, progress.done, asdict(progress))
        return progress

    async def _do(
        self, job: RunningJob, analyzer: FaceAnalyzer, batch: list[MissingImage], progress: Progress
    ) -> Progress:
        """Embed a batch and store it; the progress with it, which counts only once it is committed."""
        began = time.monotonic()
        outcomes = await asyncio.gather(*(self._outcome(analyzer, image) for image in batch))
        key = key_of(analyzer)
        made = replace(progress)
        async with self._changes.change() as change:
            there = await PackRepository(change.session).still_missing(key, [image.image_id for image in batch])
            embeddings: list[FaceEmbedding] = []
            for image, outcome in zip(batch, outcomes, strict=True):
                person_id = there.get(image.image_id)
                if person_id is None:
                    continue
                if isinstance(outcome, str):
                    change.session.add(failure(image.image_id, key, outcome))
                    detail = {"image_id": image.image_id, "person_id": person_id, "message": outcome}
                    job.add_item(change.session, made.next_position, image.image_id, FAILED_ITEM, detail)
                    made.next_position += 1
                    made.failed += 1
                else:
                    embeddings.append(embedding_of(analyzer, outcome, person_id, image.image_id))
                    made.embedded += 1
            change.add_embeddings(embeddings)
            made.seconds += time.monotonic() - began
            await job.checkpoint_within(change.session, made.done, asdict(made))
        return made

    async def _outcome(self, analyzer: FaceAnalyzer, image: MissingImage) -> Outcome:
        async with self._turns:
            return await self._queue.run_patiently(self._embed, analyzer, image)

    def _embed(self, analyzer: FaceAnalyzer, image: MissingImage) -> Outcome:
        try:
            data = self._storage.read(image.stored_path)
        except FileNotFoundError:
            return "its stored file is missing"
        except StorageUnavailableError:
            raise
        except OSError as error:
            raise StorageError(f"A stored image cannot be read: {error.strerror or error}.") from error
        try:
            return vector_at(analyzer, decode_image(data, self._limits), Box(*image.box), self._max_faces)
        except (ImageError, FaceNotFoundError) as error:
            return error.detail

    async def _missing(self, key: PackKey, after: str, person_id: str | None) -> list[MissingImage]:
        async with self._database.session() as session:
            return await PackRepository(session).missing(key, after, BATCH_IMAGES, person_id)

    async def _missing_count(self, key: PackKey, person_id: str | None) -> int:
        async with self._database.session() as session:
            return await PackRepository(session).missing_count(key, person_id)

    async def _result(self, job: RunningJob, key: PackKey, progress: Progress) -> dict[str, Any]:
        async with self._database.session() as session:
            coverage = await coverage_of(PackRepository(session), key)
            failed = await JobRepository(session).items(job.id, FAILED_ITEM, -1, FAILURES_SHOWN)
        return {
            "pack": key[0],
            "pack_version": key[1],
            "embedded": progress.embedded,
            "failed": progress.failed,
            "failures": [
                {
                    "image_id": item.detail["image_id"],
                    "person_id": item.detail["person_id"],
                    "reason": item.detail["message"],
                }
                for item in failed
            ],
            "seconds": round(progress.seconds, 3),
            "images_per_s": progress.images_per_s,
            "coverage": coverage.figures(),
        }


class ReembeddingRequests:
    """Submits the jobs; asking again for what is under way gives the job that does it."""

    def __init__(self, analyzers: Analyzers, queue: InferenceQueue, database: Database) -> None:
        self._analyzers = analyzers
        self._queue = queue
        self._database = database

    async def whole_gallery(self, jobs: Jobs, named: str, *, retry_failed: bool) -> Job:
        """
        Raises:
            PackNotFoundError, PackError: the pack cannot be used.
        """
        pack, version = await self._key(named)
        return await self._once(jobs, REEMBED, {"pack": pack, "pack_version": version, "retry_failed": retry_failed})

    async def person(self, jobs: Jobs, person_id: str, named: str | None) -> Job:
        """Images of this person in which the pack found no face are tried again.

        Raises:
            PersonNotFoundError: there is no such person.
            PackNotFoundError, PackError: the pack cannot be used.
        """
        async with self._database.session() as session:
            await GalleryRepository(session).person(person_id)
        pack, version = await self._key(named)
        parameters = {"person_id": person_id, "pack": pack, "pack_version": version, "retry_failed": True}
        return await self._once(jobs, GENERATE_FEATURES, parameters)

    async def _key(self, named: str | None) -> PackKey:
        return key_of(await self._queue.run_patiently(self._analyzers.get, named))

    async def _once(self, jobs: Jobs, kind: str, parameters: dict[str, Any]) -> Job:
        for job in await jobs.active(kind):
            if job.parameters == parameters and not job.cancel_requested:
                return job
        return await jobs.submit(kind, parameters)


def _message(progress: Progress) -> str:
    failed = f", {progress.failed} failed" if progress.failed else ""
    return f"{progress.embedded} embedded{failed}, {progress.images_per_s} images/s"
