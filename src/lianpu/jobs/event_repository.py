"""Every query of the jobs' events."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from lianpu.jobs.models import Job, JobEvent, JobEventHead

HEAD = 1


class JobEventRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, event: JobEvent) -> None:
        """Give it the next sequence.

        A sequence or auto-increment of the database is given out before the commit, and a reader could see 8 while 7 is
        not there yet. The lock on the head's row is held until the commit: 8 is given out when 7 can be seen.
        """
        take = update(JobEventHead).where(JobEventHead.id == HEAD).values(sequence=JobEventHead.sequence + 1)
        await self._session.execute(take.execution_options(synchronize_session=False))
        event.sequence = await self.head()
        self._session.add(event)
        await self._session.flush()

    async def head(self) -> int:
        """The last sequence that was given out; 0: none was."""
        return (await self._session.scalars(select(JobEventHead.sequence).where(JobEventHead.id == HEAD))).one()

    async def oldest(self) -> int | None:
        """The first sequence that is kept."""
        return await self._session.scalar(select(func.min(JobEvent.sequence)))

    async def events(
        self, after: int, until: int | None, limit: int, *, owner_id: str | None = None, kind: str | None = None
    ) -> Sequence[JobEvent]:
        """In their order, `after` excluded and `until` included; None: no bound, everybody's, of every kind."""
        query = select(JobEvent).where(JobEvent.sequence > after).order_by(JobEvent.sequence)
        if until is not None:
            query = query.where(JobEvent.sequence <= until)
        if owner_id is not None:
            query = query.where(JobEvent.owner_id == owner_id)
        if kind is not None:
            query = query.where(JobEvent.kind == kind)
        return (await self._session.scalars(query.limit(limit))).all()

    async def jobs(self, job_ids: Iterable[str], whole_kinds: Iterable[str]) -> dict[str, Job]:
        """By id; parameters and result, which may be large, only of `whole_kinds`."""
        ids = set(job_ids)
        slim = select(Job).where(Job.id.in_(ids), Job.kind.not_in(set(whole_kinds)))
        slim = slim.options(defer(Job.parameters), defer(Job.result), defer(Job.checkpoint))
        whole = select(Job).where(Job.id.in_(ids), Job.kind.in_(set(whole_kinds))).options(defer(Job.checkpoint))
        jobs = [*await self._session.scalars(slim), *await self._session.scalars(whole)]
        return {job.id: job for job in jobs}

    async def delete_before(self, moment: datetime) -> None:
        """A prefix, even when the clock was set back meanwhile."""
        last = await self._session.scalar(select(func.max(JobEvent.sequence)).where(JobEvent.at < moment))
        if last is not None:
            await self._session.execute(delete(JobEvent).where(JobEvent.sequence <= last))
