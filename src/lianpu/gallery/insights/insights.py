"""Calibrations and health reports as the routes ask for them: begin one, read the latest, set what was found."""

import asyncio
from pathlib import Path

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.errors import ReportNotFoundError
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.insights import calibration, health
from lianpu.gallery.insights.calibration import FEWEST_PEOPLE, PLOTS_FOLDER, too_small
from lianpu.gallery.insights.calibration_schemas import CalibrateFields
from lianpu.gallery.packs.repository import PackRepository
from lianpu.gallery.thresholds import GalleryThresholds
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job
from lianpu.packs.folder import folder_name
from lianpu.runtime.scheduling import InferenceQueue


class Insights:
    def __init__(
        self, analyzers: Analyzers, queue: InferenceQueue, database: Database, thresholds: GalleryThresholds
    ) -> None:
        self._analyzers = analyzers
        self._queue = queue
        self._database = database
        self._thresholds = thresholds

    async def calibrate(self, jobs: Jobs, fields: CalibrateFields) -> Job:
        """
        Raises:
            PackNotFoundError, PackError: the pack cannot be used.
            GalleryTooSmallError: too few persons have embeddings of it.
        """
        key = await self._key(fields.pack)
        async with self._database.session() as session:
            counts = await PackRepository(session).counts_of(key)
        if counts.persons < FEWEST_PEOPLE:
            raise too_small(folder_name(*key), counts.persons)
        wanted = fields.model_dump(exclude={"pack"}, exclude_none=True)
        return await jobs.submit(calibration.KIND, {"pack": key[0], "pack_version": key[1], **wanted})

    async def check_health(self, jobs: Jobs, pack: str | None) -> Job:
        """Asking again while one is under way gives that one.

        Raises:
            PackNotFoundError, PackError: the pack cannot be used.
        """
        key = await self._key(pack)
        parameters = {"pack": key[0], "pack_version": key[1]}
        for job in await jobs.active(health.KIND):
            if job.parameters == parameters and not job.cancel_requested:
                return job
        return await jobs.submit(health.KIND, parameters)

    async def latest_calibration(self, jobs: Jobs, pack: str | None) -> Job:
        """Of this pack, or the last of all.

        Raises:
            ReportNotFoundError: none was completed, or it was cleared away.
        """
        key = None if pack is None else await self._key(pack)
        if key is None:
            found = await jobs.latest(calibration.KIND)
        else:
            made = await jobs.completed(calibration.KIND, 200)
            found = next((job for job in made if _pack_of(job) == key), None)
        if found is None:
            raise ReportNotFoundError("There is no calibration yet: POST /api/v1/gallery/calibrate makes one.")
        return found

    async def plot(self, jobs: Jobs, job_id: str, name: str) -> bytes:
        """A picture of a calibration.

        Raises:
            JobNotFoundError: there is no such calibration.
            ReportNotFoundError: it has no such picture.
        """
        job = await jobs.of_kind(calibration.KIND, job_id)
        if name not in (job.result or {}).get("plots", ()):
            raise ReportNotFoundError(f"Job {job_id} has no picture {name!r}.")
        path = jobs.folder_of(job_id) / PLOTS_FOLDER / name
        try:
            return await asyncio.to_thread(_read, path)
        except FileNotFoundError as error:
            raise ReportNotFoundError(f"The picture {name!r} is gone.") from error

    async def set_threshold(self, pack: str, threshold: float | None) -> FaceAnalyzer:
        """The gallery's own threshold of a pack, as a score; None goes back to the pack's.

        Raises:
            PackNotFoundError, PackError: the pack cannot be used.
        """
        analyzer = await self._queue.run_patiently(self._analyzers.get, pack)
        await self._thresholds.put(key_of(analyzer), threshold)
        return analyzer

    async def _key(self, named: str | None) -> PackKey:
        return key_of(await self._queue.run_patiently(self._analyzers.get, named))


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _pack_of(job: Job) -> PackKey:
    return job.parameters["pack"], job.parameters["pack_version"]
