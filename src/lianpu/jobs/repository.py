"""Every query of the jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.errors import JobNotFoundError
from lianpu.jobs.models import ENDED, Job, JobItem, JobStatus


class JobRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def job(self, job_id: str) -> Job:
        """
        Raises:
            JobNotFoundError: there is no such job.
        """
        job = await self._session.get(Job, job_id, populate_existing=True)
        if job is None:
            raise JobNotFoundError(f"There is no job {job_id!r}.")
        return job

    async def by_key(self, stored_key: str, *, owner_id: str | None) -> Job | None:
        """None: a job of nobody."""
        whose = Job.owner_id.is_(None) if owner_id is None else Job.owner_id == owner_id
        return await self._session.scalar(select(Job).where(Job.idempotency_key == stored_key, whose))

    async def jobs(
        self,
        kind: str | None,
        status: str | None,
        after: tuple[datetime, str] | None,
        limit: int,
        *,
        owner_id: str | None = None,
    ) -> Sequence[Job]:
        """Newest first; None: everybody's."""
        query = select(Job).order_by(Job.created_at.desc(), Job.id.desc())
        if owner_id is not None:
            query = query.where(Job.owner_id == owner_id)
        if kind is not None:
            query = query.where(Job.kind == kind)
        if status is not None:
            query = query.where(Job.status == status)
        if after is not None:
            created_at, job_id = after
            query = query.where(or_(Job.created_at < created_at, and_(Job.created_at == created_at, Job.id < job_id)))
        return (await self._session.scalars(query.limit(limit))).all()

    async def owned(self, owner_id: str, kind: str, skip: int, limit: int) -> Sequence[Job]:
        """Newest first."""
        query = select(Job).where(Job.owner_id == owner_id, Job.kind == kind)
        query = query.order_by(Job.created_at.desc(), Job.id.desc())
        return (await self._session.scalars(query.offset(skip).limit(limit))).all()

    async def owned_count(self, owner_id: str, kind: str) -> int:
        query = select(func.count()).select_from(Job).where(Job.owner_id == owner_id, Job.kind == kind)
        return await self._session.scalar(query) or 0

    async def latest(self, kind: str, status: JobStatus) -> Job | None:
        """The one that ended last."""
        query = select(Job).where(Job.kind == kind, Job.status == status)
        return await self._session.scalar(query.order_by(Job.finished_at.desc(), Job.id.desc()).limit(1))

    async def next_claimable(
        self,
        kinds: Sequence[str],
        now: datetime,
        *,
        among: Collection[str] | None = None,
        submitted_before: datetime | None = None,
    ) -> str | None:
        """The oldest job that waits, or whose worker has not renewed its lease.

        Args:
            among: these alone; None: any.
            submitted_before: of those that wait, only such; None: all.
        """
        left_behind = and_(Job.status == JobStatus.PROCESSING, Job.lease_expires_at < now)
        waits = Job.status == JobStatus.PENDING
        if submitted_before is not None:
            waits = and_(waits, Job.created_at < submitted_before)
        query = select(Job.id).where(Job.kind.in_(kinds), or_(waits, left_behind))
        if among is not None:
            query = query.where(Job.id.in_(among))
        return await self._session.scalar(query.order_by(Job.created_at, Job.id).limit(1))

    async def claim(self, job_id: str, worker: str, now: datetime, lease_expires_at: datetime) -> bool:
        """Compare-and-set: False when another worker was faster."""
        claimable = or_(
            Job.status == JobStatus.PENDING, and_(Job.status == JobStatus.PROCESSING, Job.lease_expires_at < now)
        )
        return await self._changed(
            update(Job)
            .where(Job.id == job_id, claimable)
            .values(
                status=JobStatus.PROCESSING,
                worker=worker,
                lease_expires_at=lease_expires_at,
                attempts=Job.attempts + 1,
                started_at=func.coalesce(Job.started_at, now),
            )
        )

    async def cancel_waiting(self, job_id: str, now: datetime) -> bool:
        """False when a worker has it."""
        waiting = update(Job).where(Job.id == job_id, Job.status == JobStatus.PENDING)
        return await self._changed(waiting.values(status=JobStatus.CANCELLED, cancel_requested=True, finished_at=now))

    async def save(self, job_id: str, worker: str, values: dict[str, Any]) -> bool:
        """Write as its worker; False when the job has another one by now."""
        return await self._changed(update(Job).where(Job.id == job_id, Job.worker == worker).values(**values))

    async def release_all(self) -> Sequence[Job]:
        """At the start of the only process on this database: whoever ran these jobs is gone. Returns: the jobs."""
        jobs = (await self._session.scalars(select(Job).where(Job.status == JobStatus.PROCESSING))).all()
        await self._session.execute(
            update(Job)
            .where(Job.status == JobStatus.PROCESSING)
            .values(status=JobStatus.PENDING, worker=None, lease_expires_at=None)
            .execution_options(synchronize_session=False)
        )
        return jobs

    async def items(self, job_id: str, status: str | None, after: int, limit: int) -> Sequence[JobItem]:
        query = select(JobItem).where(JobItem.job_id == job_id, JobItem.position > after).order_by(JobItem.position)
        if status is not None:
            query = query.where(JobItem.status == status)
        return (await self._session.scalars(query.limit(limit))).all()

    async def item_positions(self, job_id: str) -> set[int]:
        return set(await self._session.scalars(select(JobItem.position).where(JobItem.job_id == job_id)))

    async def item_details(self, job_id: str, status: str) -> Sequence[dict[str, Any]]:
        query = select(JobItem.detail).where(JobItem.job_id == job_id, JobItem.status == status)
        return (await self._session.scalars(query)).all()

    async def item_counts(self, job_id: str) -> dict[str, int]:
        query = select(JobItem.status, func.count()).where(JobItem.job_id == job_id).group_by(JobItem.status)
        return {status: count for status, count in await self._session.execute(query)}  # noqa: C416 (rows are no pairs to pyright)

    async def delete_items(self, job_id: str, status: str) -> None:
        await self._session.execute(delete(JobItem).where(JobItem.job_id == job_id, JobItem.status == status))

    async def ended_before(self, moment: datetime) -> Sequence[str]:
        return (
            await self._session.scalars(select(Job.id).where(Job.status.in_(ENDED), Job.finished_at < moment))
        ).all()

    async def ids(self) -> set[str]:
        return set(await self._session.scalars(select(Job.id)))

    async def delete(self, job_id: str) -> None:
        await self._session.execute(delete(JobItem).where(JobItem.job_id == job_id))
        await self._session.execute(delete(Job).where(Job.id == job_id))

    async def counts(self) -> dict[str, int]:
        """By status."""
        query = select(Job.status, func.count()).group_by(Job.status)
        return {status: count for status, count in await self._session.execute(query)}  # noqa: C416 (rows are no pairs to pyright)

    async def counts_by_kind(self) -> dict[tuple[str, str], int]:
        """By kind and status."""
        query = select(Job.kind, Job.status, func.count()).group_by(Job.kind, Job.status)
        return {(kind, status): count for kind, status, count in await self._session.execute(query)}

    async def waiting_count(self) -> int:
        waiting = select(func.count()).select_from(Job).where(Job.status == JobStatus.PENDING)
        return await self._session.scalar(waiting) or 0

    async def oldest_waiting(self) -> datetime | None:
        """When the job that has waited longest was submitted."""
        return await self._session.scalar(select(func.min(Job.created_at)).where(Job.status == JobStatus.PENDING))

    async def _changed(self, statement: Any) -> bool:
        result: Any = await self._session.execute(statement.execution_options(synchronize_session=False))
        return result.rowcount == 1
