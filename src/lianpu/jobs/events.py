"""The outbox of the jobs: each change of a status is noted where it is made, and told once it is committed."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.jobs.event_repository import JobEventRepository
from lianpu.jobs.models import Job, JobEvent, JobStatus


class JobEvents:
    def __init__(self, *, retention: timedelta = timedelta(hours=24)) -> None:
        self._retention = retention
        self._commits: list[Callable[[], None]] = []
        self._progress: list[Callable[[Job], None]] = []

    def subscribe(self, on_commit: Callable[[], None], on_progress: Callable[[Job], None]) -> None:
        """
        Args:
            on_commit: called when there may be new events.
            on_progress: called with a job that runs in this process and is further by now.
        """
        self._commits.append(on_commit)
        self._progress.append(on_progress)

    async def note(self, session: AsyncSession, job: Job, status: JobStatus) -> None:
        """The last thing of a transaction: from here to its commit, all others who note something wait."""
        event = JobEvent(job_id=job.id, owner_id=job.owner_id, kind=job.kind, status=status, at=now_utc())
        await JobEventRepository(session).add(event)

    def committed(self) -> None:
        for tell in self._commits:
            tell()

    def progressed(self, job: Job) -> None:
        for tell in self._progress:
            tell(job)

    async def clear(self, database: Database) -> None:
        """Events past their retention go."""
        async with database.session() as session:
            await JobEventRepository(session).delete_before(now_utc() - self._retention)
            await session.commit()
