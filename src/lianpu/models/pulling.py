"""Pulling as a job: `pack.pull` downloads in a thread, says how far it is, and resumes after a crash."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

from lianpu.jobs.handler import JobCancelled, RunningJob
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job
from lianpu.models.shelf import Shelf
from lianpu.packs.download import DownloadCancelled, Downloads
from lianpu.packs.licence import check_accepted
from lianpu.packs.pull import Pulled, installed_of, pull_pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.session import SessionFactory

_REPORT_INTERVAL_S = 0.25
PULL = "pack.pull"


@dataclass(slots=True)
class _Progress:
    """Written by the downloading thread, read by the event loop; single values, so no lock."""

    done: int = 0
    total: int | None = None

    @property
    def stage(self) -> str:
        return "installing" if self.total and self.done >= self.total else "downloading"

    def __call__(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total


class PackPull:
    """The handler; whatever has come is kept by the downloads themselves, so a job needs no checkpoint."""

    kind = PULL

    def __init__(self, shelf: Shelf, registry: PackRegistry, sessions: SessionFactory, downloads: Downloads) -> None:
        self._shelf = shelf
        self._registry = registry
        self._sessions = sessions
        self._downloads = downloads

    async def run(self, job: RunningJob) -> dict[str, Any]:
        progress, stop = _Progress(), threading.Event()
        work = asyncio.create_task(asyncio.to_thread(self._pull, job.parameters, progress, stop))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=_REPORT_INTERVAL_S)
                if not work.done():
                    await job.report(progress.done, progress.total, message=progress.stage)
            pulled = await work
        except DownloadCancelled as cancelled:
            raise JobCancelled from cancelled
        except BaseException:
            # Cancelled, taken over or shut down: the thread ends by itself, and must not write beside its successor.
            stop.set()
            await asyncio.gather(work, return_exceptions=True)
            raise
        size = pulled.pack.manifest.size_bytes
        await job.report(progress.done or size, progress.done or size, message="installed")
        return {
            "pack": pulled.pack.name,
            "pack_version": pulled.pack.version,
            "licence": pulled.pack.manifest.licence.id,
            "size_bytes": size,
            "downloaded_bytes": pulled.downloaded_bytes,
        }

    def _pull(self, parameters: dict[str, Any], progress: _Progress, stop: threading.Event) -> Pulled:
        return pull_pack(
            self._shelf.catalogue().find(parameters["pack"]),
            self._registry.packs_dir,
            self._sessions,
            self._downloads,
            accept_licence=parameters["accept_licence"],
            progress=progress,
            is_cancelled=stop.is_set,
        )


class PullRequests:
    """Starts pulls."""

    def __init__(self, shelf: Shelf, registry: PackRegistry) -> None:
        self._shelf = shelf
        self._registry = registry

    async def pull(self, jobs: Jobs, named: str, *, accept_licence: bool) -> Job:
        """Start a job; while one for the same pack waits or runs, it is given instead.

        Raises:
            PackNotFoundError: the catalogue has no such pack.
            PackInvalidError: a catalogue of the setting `packs.catalogue` is not valid.
            PackLicenceError: the terms have to be accepted first; nothing is requested from the network before.
            PackExistsError: another pack has that name and version.
        """
        catalogue = await asyncio.to_thread(self._shelf.catalogue)
        entry = catalogue.find(named)
        check_accepted(entry.licence, pack=entry.name, accepted=accept_licence)
        await asyncio.to_thread(installed_of, entry, self._registry.packs_dir)
        for job in await jobs.active(PULL):
            if job.parameters["pack"] == entry.label:
                return job
        parameters = {"pack": entry.label, "accept_licence": accept_licence}
        return await jobs.submit(PULL, parameters, total=entry.size_bytes)
