"""Jobs as features and routes see them: submit, read, cancel, retry, remove."""

import asyncio
import hashlib
import json
import logging
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.accounts.access import PrincipalDep
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.errors import (
    CursorInvalidError,
    IdempotencyError,
    JobNotFoundError,
    JobStateError,
    ScopeMissingError,
    StorageError,
)
from lianpu.http.pagination import Cursor, decode_cursor, moment_and_id
from lianpu.jobs.attempt import remember_origin
from lianpu.jobs.clearing import clear
from lianpu.jobs.models import ENDED, Job, JobItem, JobStatus
from lianpu.jobs.ownership import PRIVATE_KINDS, SERVER, UNREPEATABLE_KINDS, Viewer
from lianpu.jobs.repository import JobRepository
from lianpu.jobs.workers import JobWorkers

CLEARING_INTERVAL_S = 3600.0
FAILED_ITEM = "failed"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobDraft:
    """A job to be: its folder takes what comes with the submission."""

    id: str
    folder: Path


@dataclass(frozen=True, slots=True)
class JobRecord:
    job: Job
    item_counts: dict[str, int]
    is_withheld: bool = False
    """Somebody else's, of a kind whose content is for its owner alone; `item_counts` is empty then."""


class Jobs:
    """All jobs, as the server itself sees them; `seen_by` gives them as a caller does."""

    def __init__(
        self, database: Database, folder: Path, workers: JobWorkers, *, retention_days: int, viewer: Viewer = SERVER
    ) -> None:
        self._database = database
        self._folder = folder
        self._workers = workers
        self._events = workers.events
        self._retention_days = retention_days
        self._viewer = viewer

    def seen_by(self, principal: Principal) -> "Jobs":
        """What this one submits is his; the jobs of others are not there for him, unless he has `jobs:manage`."""
        viewer = Viewer.of(principal)
        return Jobs(self._database, self._folder, self._workers, retention_days=self._retention_days, viewer=viewer)

    def reads(self, job: Job) -> bool:
        """Whether the viewer is shown its parameters, result and items."""
        return self._viewer.reads(job)

    @asynccontextmanager
    async def draft(self) -> AsyncGenerator[JobDraft]:
        """A folder for the files of a job; it goes again unless `submit` has taken it.

        Raises:
            StorageError: the folder cannot be made.
        """
        job_id = new_id()
        draft = JobDraft(job_id, self.folder_of(job_id))
        try:
            await asyncio.to_thread(draft.folder.mkdir, parents=True, mode=0o700)
        except OSError as error:
            raise StorageError(f"The job's folder cannot be made: {error.strerror or error}.") from error
        try:
            yield draft
        finally:
            async with self._database.session() as session:
                submitted = await session.get(Job, draft.id) is not None
            if not submitted:
                await asyncio.to_thread(shutil.rmtree, draft.folder, ignore_errors=True)

    async def submit(
        self,
        kind: str,
        parameters: dict[str, Any],
        *,
        draft: JobDraft | None = None,
        idempotency_key: str | None = None,
        content_digest: str = "",
        total: int | None = None,
    ) -> Job:
        """Put a job into the table and wake a worker.

        Args:
            draft: whose id and folder the job takes over.
            idempotency_key: the same key of the same owner with the same kind, parameters and `content_digest` gives
                the job that is there already, whatever became of it. An empty key is none.

        Raises:
            IdempotencyError: the key belongs to another request.
        """
        if kind not in self._workers.kinds:
            raise ValueError(f"no handler runs jobs of the kind {kind!r}")
        digest = _digest(kind, parameters, content_digest)
        stored_key = self._viewer.stored_key(idempotency_key) if idempotency_key else None
        values: dict[str, Any] = {
            "id": draft.id if draft else new_id(),
            "kind": kind,
            "owner_id": self._viewer.owner_id,
            "status": JobStatus.PENDING,
            "parameters": parameters,
            "total": total,
            "idempotency_key": stored_key,
            "request_digest": digest,
        }

        async def store(session: AsyncSession) -> Job:
            repository = JobRepository(session)
            if idempotency_key and self._viewer.sees(None):
                earlier = await repository.by_key(idempotency_key, owner_id=None)
                if earlier is not None:
                    return _same_request(earlier, digest)
            job = Job(**values)
            session.add(job)
            # Before the commit: a worker may have it a moment after.
            remember_origin(job.id)
            try:
                await session.flush()
                await self._events.note(session, job, JobStatus.PENDING)
            except IntegrityError:
                await session.rollback()
                earlier = await repository.by_key(stored_key, owner_id=self._viewer.owner_id) if stored_key else None
                if earlier is None:
                    raise
                return _same_request(earlier, digest)
            return job

        job = await self._database.committed(store)
        self._events.committed()
        self._workers.announce(job)
        return job

    async def get(self, job_id: str) -> JobRecord:
        """
        Raises:
            JobNotFoundError: there is no such job.
        """
        async with self._database.session() as session:
            repository = JobRepository(session)
            job = await self._seen(repository, job_id)
            if not self.reads(job):
                return JobRecord(job, {}, is_withheld=True)
            return JobRecord(job, await repository.item_counts(job_id))

    async def of_kind(self, kind: str, job_id: str) -> Job:
        """Whoever asked for it: for routes whose own scope says who may see what such a job has made.

        Raises:
            JobNotFoundError: there is no such job of this kind.
        """
        async with self._database.session() as session:
            job = await JobRepository(session).job(job_id)
        if job.kind != kind:
            raise _no_such(job_id)
        return job

    async def completed(self, kind: str, limit: int) -> Sequence[Job]:
        """Those of this kind, whoever asked for them, newest first."""
        async with self._database.session() as session:
            return await JobRepository(session).jobs(kind, JobStatus.COMPLETED, None, limit)

    async def latest(self, kind: str) -> Job | None:
        """The one of this kind that completed last, whoever asked for it."""
        async with self._database.session() as session:
            return await JobRepository(session).latest(kind, JobStatus.COMPLETED)

    async def ended(self, kind: str) -> list[Job]:
        """Those of this kind that are over, whoever asked for them."""
        async with self._database.session() as session:
            repository = JobRepository(session)
            return [job for status in ENDED for job in await repository.jobs(kind, status, None, 1000)]

    async def active(self, kind: str) -> list[Job]:
        """Those of this kind that wait or run, whoever asked for them."""
        async with self._database.session() as session:
            repository = JobRepository(session)
            states = (JobStatus.PENDING, JobStatus.PROCESSING)
            return [job for status in states for job in await repository.jobs(kind, status, None, 1000)]

    async def page(
        self, kind: str | None, status: JobStatus | None, cursor: str | None, limit: int
    ) -> tuple[list[Job], str | None]:
        """One page of what the viewer sees, newest first, and the cursor of the next one (None on the last).

        Raises:
            CursorInvalidError: the cursor is not one of this list.
        """
        scope = f"jobs:{kind}:{status}"
        after = None if cursor is None else moment_and_id(decode_cursor(cursor, scope, 2))
        async with self._database.session() as session:
            owner_id = None if self._viewer.sees_all else self._viewer.owner_id
            jobs = list(await JobRepository(session).jobs(kind, status, after, limit + 1, owner_id=owner_id))
        shown = jobs[:limit]
        more = len(jobs) > limit
        return shown, Cursor((shown[-1].created_at.isoformat(), shown[-1].id)).encode(scope) if more else None

    async def own(self, kind: str, skip: int, limit: int) -> tuple[Sequence[Job], int]:
        """The viewer's of one kind, newest first, and how many there are."""
        if self._viewer.owner_id is None:
            raise ValueError("the server itself owns no jobs of a kind")
        async with self._database.session() as session:
            repository = JobRepository(session)
            jobs = await repository.owned(self._viewer.owner_id, kind, skip, limit)
            return jobs, await repository.owned_count(self._viewer.owner_id, kind)

    async def items(
        self, job_id: str, status: str | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[JobItem], str | None]:
        """One page in the order of the job, and the cursor of the next one.

        Raises:
            JobNotFoundError: there is no such job.
            CursorInvalidError: the cursor is not one of this list.
        """
        scope = f"job_items:{job_id}:{status}"
        after = -1 if cursor is None else _position(decode_cursor(cursor, scope, 1))
        async with self._database.session() as session:
            repository = JobRepository(session)
            job = await self._seen(repository, job_id)
            # Somebody else's private job: read none.
            items = await repository.items(job_id, status, after, limit + 1 if self.reads(job) else 0)
        shown = items[:limit]
        return shown, Cursor((str(shown[-1].position),)).encode(scope) if len(items) > limit else None

    async def cancel(self, job_id: str) -> JobRecord:
        """A waiting job ends at once, a running one where it reports next.

        Raises:
            JobNotFoundError: there is no such job.
            JobStateError: it has ended already.
        """
        async with self._database.session() as session:
            repository = JobRepository(session)
            job = await self._seen(repository, job_id)
            if job.status in ENDED:
                raise JobStateError(f"The job is {job.status}: there is nothing to cancel.")
            if await repository.cancel_waiting(job_id, now_utc()):
                await self._events.note(session, job, JobStatus.CANCELLED)
            else:
                job.cancel_requested = True
            await session.commit()
        self._events.committed()
        self._workers.cancel(job_id)
        self._events.cancelled(job_id)
        return await self.get(job_id)

    async def retry(self, job_id: str) -> JobRecord:
        """Run a job again that failed, was cancelled, or completed with failed items: what is done stays done.

        Raises:
            JobNotFoundError: there is no such job.
            ScopeMissingError: it would do again what took more than the viewer has.
            JobStateError: it waits, runs, or has nothing left to do.
        """
        async with self._database.session() as session:
            repository = JobRepository(session)
            job = await self._seen(repository, job_id)
            if not self._viewer.sees_all and job.kind not in PRIVATE_KINDS:
                raise ScopeMissingError(
                    f"Running a job of the kind {job.kind!r} again needs the scope {Scope.JOBS_MANAGE.value!r}.",
                    context={"required_scope": Scope.JOBS_MANAGE.value},
                )
            if job.kind in UNREPEATABLE_KINDS:
                raise JobStateError("What it worked on was not kept: send it again instead.")
            failed_items = (await repository.item_counts(job_id)).get(FAILED_ITEM, 0)
            if job.status not in ENDED:
                raise JobStateError(f"The job is {job.status}; only one that has ended can be retried.")
            if job.status == JobStatus.COMPLETED and not failed_items:
                raise JobStateError("The job is completed and none of its items failed.")
            await repository.delete_items(job_id, FAILED_ITEM)
            job.status = JobStatus.PENDING
            job.attempts = 0
            job.cancel_requested = False
            job.error = job.result = job.finished_at = job.message = None
            await session.flush()
            await self._events.note(session, job, JobStatus.PENDING)
            await session.commit()
        self._events.committed()
        self._workers.announce(job)
        return await self.get(job_id)

    async def delete(self, job_id: str) -> None:
        """Clear a job away that has ended, with its items and files.

        Raises:
            JobNotFoundError: there is no such job.
            JobStateError: it waits or runs: cancel it first.
        """
        async with self._database.session() as session:
            repository = JobRepository(session)
            job = await self._seen(repository, job_id)
            if job.status not in ENDED:
                raise JobStateError(f"The job is {job.status}: cancel it first.")
            await repository.delete(job_id)
            await session.commit()
        await asyncio.to_thread(shutil.rmtree, self._folder / job_id, ignore_errors=True)

    async def counts(self) -> dict[str, int]:
        """Jobs by status."""
        async with self._database.session() as session:
            return await JobRepository(session).counts()

    async def waiting(self) -> int:
        """How many wait for a worker, of whatever kind."""
        async with self._database.session() as session:
            return await JobRepository(session).waiting_count()

    def folder_of(self, job_id: str) -> Path:
        return self._folder / job_id

    async def run_clearing(self) -> None:
        """Now and every hour: jobs and events past their retention go, and folders that no job has."""
        while True:
            try:
                await clear(self._database, self._folder, now_utc() - timedelta(days=self._retention_days))
                await self._events.clear(self._database)
            except Exception as error:  # tried again in an hour
                _log.warning("old jobs cannot be cleared away", exc_info=error)
            await asyncio.sleep(CLEARING_INTERVAL_S)

    async def _seen(self, repository: JobRepository, job_id: str) -> Job:
        job = await repository.job(job_id)
        if not self._viewer.sees(job.owner_id):
            raise _no_such(job_id)
        return job


def _no_such(job_id: str) -> JobNotFoundError:
    return JobNotFoundError(f"There is no job {job_id!r}.")


def _digest(kind: str, parameters: dict[str, Any], content_digest: str) -> str:
    text = json.dumps([kind, parameters, content_digest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _same_request(earlier: Job, digest: str) -> Job:
    if earlier.request_digest != digest:
        raise IdempotencyError(
            f"The key was used for job {earlier.id}, which asked for something else. Use a new key for a new request."
        )
    return earlier


def _position(cursor: Cursor) -> int:
    try:
        return int(cursor.key[0])
    except ValueError as error:
        raise CursorInvalidError("The cursor is not one that this server gave out.") from error


async def _jobs(request: Request, principal: PrincipalDep) -> Jobs:
    # Not `def`: FastAPI would send it through a thread.
    jobs: Jobs = request.app.state.jobs
    return jobs.seen_by(principal)


JobsDep = Annotated[Jobs, Depends(_jobs)]
"""The jobs as the caller sees them."""
