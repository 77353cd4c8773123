"""The job that checks the gallery: files, rows, indexes, folders of jobs; with `repair` it mends what is safe."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lianpu.database.session import Database
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.consistency.files import FileCheck
from lianpu.gallery.consistency.findings import Finding, Findings, Problem
from lianpu.gallery.consistency.repairs import Repairs
from lianpu.gallery.consistency.rows import check_embeddings, check_index, check_persons
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.repository import GalleryRepository
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.repository import JobRepository
from lianpu.storage.files import FileStorage

YOUNG_S = 24 * 3600
"""A folder without a job may be the draft of an upload that still runs."""


class ConsistencyCheck:
    """Handles jobs of the kind `gallery.check`, in the server while it works or in a process of its own."""

    kind = "gallery.check"

    def __init__(
        self,
        database: Database,
        storage: FileStorage,
        changes: GalleryChanges,
        indexes: GalleryIndexes,
        repairs: Repairs,
        jobs_folder: Path,
    ) -> None:
        self._database = database
        self._storage = storage
        self._changes = changes
        self._indexes = indexes
        self._repairs = repairs
        self._jobs_folder = jobs_folder

    async def run(self, job: RunningJob) -> dict[str, Any]:
        findings = Findings()
        async with self._database.session() as session:
            _, images, embeddings = await GalleryRepository(session).counts()
        done, total = 0, images + embeddings
        looked_at = {"images": 0, "files": 0, "embeddings": 0, "indexes": 0}
        files = FileCheck(self._database, self._storage, self._changes, quick=job.parameters["quick"])

        async def note(found: Iterable[Finding]) -> None:
            for finding in found:
                repaired = bool(job.parameters["repair"]) and await self._repairs.repair(finding)
                findings.add(finding, repaired=repaired)

        stages = (
            ("images", files.images(), "comparing photos"),
            ("embeddings", check_embeddings(self._database), "comparing embeddings"),
            ("files", files.orphans(), "looking for files that nobody names"),
        )
        for name, stage, message in stages:
            async for count, found in stage:
                await note(found)
                looked_at[name] += count
                done += 0 if name == "files" else count
                await job.report(min(done, total), total, message=message)
        await note(await check_persons(self._database))
        for key in self._indexes.sizes():
            await note(await check_index(self._changes, self._indexes, key))
            looked_at["indexes"] += 1
        await note(await self._job_folders())
        await job.report(total, total, message="checked")
        return {**findings.content(), "looked_at": looked_at, "quick": job.parameters["quick"]}

    async def _job_folders(self) -> list[Finding]:
        names = await asyncio.to_thread(_old_folders, self._jobs_folder)
        async with self._database.session() as session:
            known = await JobRepository(session).ids()
        message = "there is no job of this id"
        return [Finding(Problem.JOB_FOLDER_ORPHAN, name, message) for name in names if name not in known]


def _old_folders(folder: Path) -> list[str]:
    now = time.time()
    try:
        entries = list(folder.iterdir())
    except FileNotFoundError:
        return []
    return sorted(entry.name for entry in entries if now - entry.stat().st_mtime > YOUNG_S)
