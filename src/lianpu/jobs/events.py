"""The outbox of the jobs: each change of a status is noted where it is made, and told once it is committed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.jobs.event_repository import JobEventRepository
from lianpu.jobs.models import Job, JobEvent, JobStatus


class Outlet(Protocol):
    """Tells other nodes."""

    def committed(self) -> None: ...

    def progressed(self, job_id: str) -> None: ...

    def cancelled(self, job_id: str) -> None: ...


class JobEvents:
    def __init__(self, *, retention: timedelta = timedelta(hours=24)) -> None:
        self._retention = retention
        self._commits: list[Callable[[], None]] = []
        self._progress: list[Callable[[Job], None]] = []
        self._progress_elsewhere: list[Callable[[str], None]] = []
        self.outlet: Outlet | None = None
        """None: there are no other nodes."""

    def subscribe(
        self,
        on_commit: Callable[[], None],
        on_progress: Callable[[Job], None] | None = None,
        on_progress_elsewhere: Callable[[str], None] | None = None,
    ) -> None:
        """
        Args:
            on_commit: called when there may be new events.
            on_progress: called with a job that runs in this process and is further by now.
            on_progress_elsewhere: called with the id of a job that runs on another node and is further by now.
        """
        self._commits.append(on_commit)
        if on_progress is not None:
            self._progress.append(on_progress)
        if on_progress_elsewhere is not None:
            self._progress_elsewhere.append(on_progress_elsewhere)

    async def note(self, session: AsyncSession, job: Job, status: JobStatus) -> None:
        """The last thing of a transaction: from here to its commit, all others who note something wait."""
        event = JobEvent(job_id=job.id, owner_id=job.owner_id, kind=job.kind, status=status, at=now_utc())
        await JobEventRepository(session).add(event)

    def committed(self) -> None:
        self.committed_elsewhere()
        if self.outlet is not None:
            self.outlet.committed()

    def progressed(self, job: Job) -> None:
        for tell in self._progress:
            tell(job)
        if self.outlet is not None:
            self.outlet.progressed(job.id)

    def cancelled(self, job_id: str) -> None:
        """A job is to end that may run on another node."""
        if self.outlet is not None:
            self.outlet.cancelled(job_id)

    def committed_elsewhere(self) -> None:
        """Another node says so; nobody tells it back."""
        for tell in self._commits:
            tell()

    def progressed_elsewhere(self, job_id: str) -> None:
        for tell in self._progress_elsewhere:
            tell(job_id)

    async def clear(self, database: Database) -> None:
        """Events past their retention go."""
        async with database.session() as session:
            await JobEventRepository(session).delete_before(now_utc() - self._retention)
            await session.commit()
