"""The job that takes an archive in: all of it is examined first, then each person is committed with its item."""

import asyncio
import itertools
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lianpu.database.session import Database
from lianpu.engines.image import ImageLimits
from lianpu.errors import (
    ArchiveDamagedError,
    ArchiveGoneError,
    ArchiveUntrustedError,
    ArchiveVersionError,
    FieldError,
    ImportConflictError,
    LianpuError,
    StorageError,
)
from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.transfer.persons import PersonImport
from lianpu.gallery.transfer.planning import OnConflict, Outcome, Report, judge_packs, plan_people
from lianpu.gallery.transfer.reading import Archive, ArchivedPerson
from lianpu.gallery.transfer.repository import TransferRepository
from lianpu.gallery.transfer.weights import InstalledWeights
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.jobs import FAILED_ITEM
from lianpu.jobs.repository import JobRepository
from lianpu.packs.registry import PackRegistry

ARCHIVE = "archive"
PERSONS_PER_STEP = 100
ROOM_FACTOR = 1.25
"""A gallery needs more room than its archive: thumbnails, the database, its journal."""


class Import:
    """Handles jobs of the kind `gallery.import`; with `dry_run` the report is all it makes."""

    kind = "gallery.import"

    def __init__(
        self,
        database: Database,
        changes: GalleryChanges,
        registry: PackRegistry,
        analyzers: Analyzers,
        home: Path,
        *,
        limits: ImageLimits,
        thumbnail_side_px: int,
    ) -> None:
        self._database = database
        self._changes = changes
        self._registry = registry
        self._analyzers = analyzers
        self._home = home
        self._limits = limits
        self._thumbnail_side_px = thumbnail_side_px

    async def run(self, job: RunningJob) -> dict[str, Any]:
        """
        Raises:
            ArchiveGoneError: the archive was cleared away.
            ArchiveDamagedError, ArchiveUntrustedError, ArchiveVersionError: it is refused, and removed.
            ImportConflictError: persons differ and `on_conflict` is `fail`.
            StorageError: there is no room.
        """
        if "result" in job.checkpoint:
            # An earlier attempt was ended when all that was left to do was to clear up.
            return await self._cleared(job)
        path = job.folder / ARCHIVE
        if not await asyncio.to_thread(path.is_file):
            raise ArchiveGoneError("The archive was cleared away. Upload it again.")
        try:
            archive = await asyncio.to_thread(Archive, path, job.parameters["trusted"])
        except (ArchiveDamagedError, ArchiveUntrustedError, ArchiveVersionError):
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
        try:
            return await self._run(job, archive, path)
        except ArchiveDamagedError:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
        finally:
            await asyncio.to_thread(archive.close)

    async def _run(self, job: RunningJob, archive: Archive, path: Path) -> dict[str, Any]:
        on_conflict = OnConflict(job.parameters["on_conflict"])
        taken = await self._examine(job, archive, on_conflict)
        report: dict[str, Any] = job.checkpoint["report"]
        if job.parameters["dry_run"]:
            return {"dry_run": True, **report}
        if report["persons"][Outcome.CONFLICT]:
            raise _conflict(report)
        await asyncio.to_thread(self._check_room, path)
        await self._take_in(job, archive, on_conflict, taken)
        counts = await job.item_counts()
        result = {"dry_run": False, **report, **await self._totals(job, counts)}
        if counts.get(FAILED_ITEM):
            return result
        total = self._steps(job, archive)
        await job.report(total, total, message="taken in", checkpoint={"result": result})
        return await self._cleared(job)

    async def _cleared(self, job: RunningJob) -> dict[str, Any]:
        """Nobody's photos are kept twice for longer than it takes."""
        for job_id in {job.id, job.parameters["examined_by"] or job.id}:
            await asyncio.to_thread((job.folder.parent / job_id / ARCHIVE).unlink, missing_ok=True)
        result: dict[str, Any] = job.checkpoint["result"]
        return result

    async def _examine(self, job: RunningJob, archive: Archive, on_conflict: OnConflict) -> set[PackKey]:
        """Check all there is, and note what it would do. Returns: the packs whose embeddings are taken in."""
        installed = InstalledWeights(self._registry)
        verdicts = await asyncio.to_thread(judge_packs, archive.manifest.packs, installed, self._analyzers)
        taken = {verdict.pack.key for verdict in verdicts if verdict.is_taken}
        if "report" in job.checkpoint:
            # What an earlier attempt has taken in would count as known by now.
            return taken
        report = Report(archive.manifest, archive.signed_by, verdicts)
        done, total = 0, self._steps(job, archive)
        people = await asyncio.to_thread(archive.checked_people, self._limits)
        while batch := await asyncio.to_thread(_some, people):
            if not archive.manifest.has_images:
                batch = [ArchivedPerson(person.position, person.line, ()) for person in batch]
            async with self._database.session() as session:
                plans = await plan_people(TransferRepository(session), batch, on_conflict, taken)
            for plan in plans:
                report.add(plan)
            done += len(batch)
            await job.report(done, total, message="checking")
        await job.report(done, total, message="checked", checkpoint={"report": report.content()})
        return taken

    async def _take_in(self, job: RunningJob, archive: Archive, on_conflict: OnConflict, taken: set[PackKey]) -> None:
        finished = await job.items_done()
        examined, total = archive.manifest.persons, self._steps(job, archive)
        work = PersonImport(
            self._changes,
            self._database,
            archive,
            on_conflict,
            taken,
            limits=self._limits,
            thumbnail_side_px=self._thumbnail_side_px,
        )
        people = archive.people()
        while batch := await asyncio.to_thread(_some, people):
            for person in batch:
                if person.position not in finished:
                    await self._take_in_one(job, work, person)
                await job.report(examined + person.position + 1, total, message="taking in")

    async def _take_in_one(self, job: RunningJob, work: PersonImport, person: ArchivedPerson) -> None:
        try:
            await work.take_in(person, job)
        except StorageError:
            raise  # the next person would not fit either
        except LianpuError as error:
            async with self._database.session() as session:
                detail = {"code": error.code, "message": error.detail}
                job.add_item(session, person.position, person.line.person_id, FAILED_ITEM, detail)
                await session.commit()

    async def _totals(self, job: RunningJob, counts: dict[str, int]) -> dict[str, Any]:
        totals: Counter[str] = Counter()
        after = -1
        while True:
            async with self._database.session() as session:
                items = await JobRepository(session).items(job.id, None, after, 1000)
            if not items:
                break
            after = items[-1].position
            for item in items:
                totals.update({name: value for name, value in item.detail.items() if isinstance(value, int)})
        return {
            "persons": {
                **{outcome.value: counts.get(outcome, 0) for outcome in Outcome},
                FAILED_ITEM: counts.get(FAILED_ITEM, 0),
            },
            "images": {"new": totals["images_added"], "known": totals["images_known"]},
            "embeddings": {"new": totals["embeddings_added"]},
        }

    def _check_room(self, path: Path) -> None:
        needed = path.stat().st_size * ROOM_FACTOR
        free = shutil.disk_usage(self._home).free
        if free < needed:
            raise StorageError(
                f"The import needs about {needed / 1e6:,.0f} MB and the disk has {free / 1e6:,.0f} left."
            )

    def _steps(self, job: RunningJob, archive: Archive) -> int:
        return archive.manifest.persons * (1 if job.parameters["dry_run"] else 2)


def _some(people: Iterator[ArchivedPerson]) -> list[ArchivedPerson]:
    return list(itertools.islice(people, PERSONS_PER_STEP))


def _conflict(report: dict[str, Any]) -> ImportConflictError:
    count = report["persons"][Outcome.CONFLICT]
    return ImportConflictError(
        f"{count} persons exist here with another name, metadata or threshold. Nothing was taken in. Import with "
        "on_conflict=merge to keep those of here and add the photos, or with skip to leave these persons out.",
        errors=[
            FieldError(item["person_id"], f"differs in {', '.join(item['fields'])}", "conflict")
            for item in report["conflicts"]
        ],
    )
