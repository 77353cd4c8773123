"""Workers: asyncio tasks that claim jobs from the table and run their handlers, in a server or a worker's process."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.base import new_id, now_utc
from lianpu.database.completion import to_its_end
from lianpu.database.conflicts import is_passing
from lianpu.database.session import Database
from lianpu.errors import JobCrashedError, LianpuError
from lianpu.jobs.attempt import attempt_of
from lianpu.jobs.events import JobEvents
from lianpu.jobs.handler import JobCancelled, JobHandler, JobTaken, RunningJob
from lianpu.jobs.metrics import JobMetrics
from lianpu.jobs.models import Job, JobStatus
from lianpu.jobs.ownership import UNREPEATABLE_KINDS
from lianpu.jobs.queue import JobQueue, TableQueue
from lianpu.jobs.repository import JobRepository

LEASE_S = 20.0
"""A worker that was killed is noticed after so long. The clocks of the nodes may differ by less."""
RENEWAL_S = 5.0
IDLE_S = 5.0
BROKER_PATIENCE = timedelta(seconds=5)
"""A job that has waited longer is taken without its message: the broker may have lost it."""
RELEASED = {"status": JobStatus.PENDING, "worker": None, "lease_expires_at": None}
_log = logging.getLogger(__name__)


@dataclass
class Lane:
    """Workers that run jobs of their own kinds alone."""

    kinds: frozenset[str]
    workers: int
    held: Callable[[], Collection[str]] | None = None
    """Ids of the only jobs that may run here, where what they work on lies in this process; None: any."""
    awake: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    turns: asyncio.Semaphore = field(init=False, repr=False)
    """Jobs at once: of those found in the table, and of those that the queue brings."""

    def __post_init__(self) -> None:
        self.turns = asyncio.Semaphore(self.workers)


class JobWorkers:
    """Lives on one event loop. `announce` after a job was put into the table; `stop` gives unfinished ones back."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        handlers: Iterable[JobHandler],
        *,
        workers: int,
        max_attempts: int,
        events: JobEvents | None = None,
        apart: Sequence[Lane] = (),
        metrics: JobMetrics | None = None,
        queue: JobQueue | None = None,
    ) -> None:
        """
        Args:
            apart: kinds with workers of their own, which are not among `workers`.
            metrics: told of what is done here; None: nobody counts.
            queue: how workers of other processes hear of jobs; None: there are none.
        """
        self.events = events or JobEvents()
        self._database = database
        self._folder = folder
        self._handlers = {handler.kind: handler for handler in handlers}
        others = self.kinds.difference(*(lane.kinds for lane in apart))
        self.queue = queue or TableQueue()
        self._main = Lane(others, workers)
        self._apart = tuple(apart)
        self._max_attempts = max_attempts
        self._metrics = metrics
        self._name = new_id()
        self._tasks: list[asyncio.Task[None]] = []
        self._running: set[str] = set()
        self._cancelled: set[str] = set()
        self._is_reachable = False

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self._handlers)

    @property
    def alive(self) -> int:
        return sum(not task.done() for task in self._tasks)

    @property
    def wanted(self) -> int:
        """0 where no work is done here."""
        return len(self._tasks)

    @property
    def is_reached(self) -> bool:
        """What the queue brings comes here, or is not to."""
        return not self._is_reachable or self.queue.is_taking

    async def start(self, *, main: bool = True, apart: bool = True) -> None:
        """
        Args:
            main: work on the kinds that any worker may run.
            apart: and on those that have workers of their own.
        """
        if self._database.is_sqlite:
            # The home's lock says that no other process works on this file: nobody renews these leases.
            async with self._database.session() as session:
                for job in await JobRepository(session).release_all():
                    await self.events.note(session, job, JobStatus.PENDING)
                await session.commit()
            self.events.committed()
        lanes = [*([self._main] if main else []), *(self._apart if apart else ())]
        self._tasks = [
            asyncio.create_task(self._work(lane), name=f"jobs-{place}-{number}")
            for place, lane in enumerate(lanes)
            for number in range(lane.workers)
        ]
        if main:
            take = self._take if self.queue.is_brokered else self._woken
            await self.queue.start(take, concurrency=self._main.workers)
            self._is_reachable = True

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._is_reachable = False
        await self.queue.stop()

    def announce(self, job: Job) -> None:
        """It waits in the table."""
        for lane in self._apart:
            if job.kind in lane.kinds:
                lane.awake.set()
                return
        self.queue.announce(job.id)

    def wake(self) -> None:
        for lane in (self._main, *self._apart):
            lane.awake.set()

    def cancel(self, job_id: str) -> None:
        """A job that runs here ends at its next report."""
        if job_id in self._running:
            self._cancelled.add(job_id)

    async def _woken(self, _job_id: str) -> None:
        self._main.awake.set()

    async def _take(self, job_id: str) -> None:
        """The queue brings it; who has it already, or has done it, is no concern of the queue's."""
        async with self._main.turns:
            try:
                job = await self._claim(self._main, among=[job_id])
                if job is not None:
                    with attempt_of(job, self._metrics):
                        await self._run(job)
            except Exception as error:  # a database that is away: the job is found in the table later
                _log.error("a job cannot be worked on", exc_info=error)

    async def _work(self, lane: Lane) -> None:
        patience = BROKER_PATIENCE if lane is self._main and self.queue.is_brokered else timedelta(0)
        while True:
            # Cleared before the table is read: what is submitted meanwhile wakes this worker once more.
            lane.awake.clear()
            try:
                async with lane.turns:
                    job = await self._next(lane, patience)
                    if job is not None:
                        # There may be another for a worker whose wake-up was cleared here.
                        lane.awake.set()
                        with attempt_of(job, self._metrics):
                            await self._run(job)
                if job is None:
                    with suppress(TimeoutError):
                        # Not `wait_for`: on Python 3.11 it loses a cancellation that comes just after the event.
                        async with asyncio.timeout(IDLE_S):
                            await lane.awake.wait()
            except Exception as error:  # a database that is away for a while must not end the worker
                _log.error("jobs cannot be worked on", exc_info=error)
                await asyncio.sleep(IDLE_S)

    async def _next(self, lane: Lane, patience: timedelta) -> Job | None:
        held = None if lane.held is None else lane.held()
        if held is not None and not held:
            return None
        return await self._claim(lane, among=held, submitted_before=now_utc() - patience if patience else None)

    async def _claim(
        self, lane: Lane, *, among: Collection[str] | None, submitted_before: datetime | None = None
    ) -> Job | None:
        async def claim(session: AsyncSession) -> Job | None:
            repository = JobRepository(session)
            job_id = await repository.next_claimable(
                list(lane.kinds), now_utc(), among=among, submitted_before=submitted_before
            )
            if job_id is None:
                return None
            # The search may have waited for the commit that brought the job: it did not begin before that.
            now = now_utc()
            if not await repository.claim(job_id, self._name, now, now + timedelta(seconds=LEASE_S)):
                return None
            job = await repository.job(job_id)
            await self.events.note(session, job, JobStatus.PROCESSING)
            return job

        job = await self._database.committed(claim)
        if job is not None:
            self.events.committed()
        return job

    async def _run(self, job: Job) -> None:
        if job.attempts > self._max_attempts:
            crashed = JobCrashedError(f"The process ended {self._max_attempts} times while it ran this job.")
            await self._end(job, JobStatus.FAILED, error=_problem(crashed))
            return
        running = RunningJob(
            id=job.id,
            kind=job.kind,
            owner_id=job.owner_id,
            parameters=job.parameters,
            checkpoint=job.checkpoint,
            attempt=job.attempts,
            folder=self._folder / job.id,
            database=self._database,
            worker=self._name,
            is_cancelled=lambda: job.id in self._cancelled,
            on_progress=partial(self._progressed, job),
        )
        self._running.add(job.id)
        renewal = asyncio.create_task(self._renew(job))
        _log.info("job begins", extra={"kind": job.kind, "attempt": job.attempts})
        try:
            if job.cancel_requested:
                raise JobCancelled
            result = await self._handlers[job.kind].run(running)
        except asyncio.CancelledError:
            await to_its_end(self._save(job, {**RELEASED, "attempts": job.attempts - 1}))
            self.announce(job)
            raise
        except JobCancelled:
            await self._end(job, JobStatus.CANCELLED)
        except JobTaken:
            _log.warning("job was taken over by another worker")
        except Exception as error:  # whatever a handler meets ends its job, not the worker
            await self._failed(job, error)
        else:
            # Whoever stops the server now must not make work that is done be done again, or called lost.
            await to_its_end(self._end(job, JobStatus.COMPLETED, result=result))
        finally:
            renewal.cancel()
            self._running.discard(job.id)
            self._cancelled.discard(job.id)

    async def _failed(self, job: Job, error: Exception) -> None:
        if is_passing(error) and job.kind not in UNREPEATABLE_KINDS and job.attempts < self._max_attempts:
            _log.warning("the database was in the job's way: it is tried again", exc_info=error)
            await self._save(job, RELEASED)
            self.announce(job)
        elif isinstance(error, LianpuError):
            await self._end(job, JobStatus.FAILED, error=_problem(error))
        else:
            _log.error("job failed unexpectedly", extra={"kind": job.kind}, exc_info=error)
            unexpected = LianpuError("The server met an error of its own; its log has it under this job's id.")
            await self._end(job, JobStatus.FAILED, error=_problem(unexpected))

    def _progressed(self, job: Job, done: int, total: int | None, message: str | None) -> None:
        job.done, job.total = done, total
        if message is not None:
            job.message = message
        self.events.progressed(job)

    async def _renew(self, job: Job) -> None:
        while True:
            await asyncio.sleep(RENEWAL_S)
            with suppress(Exception):  # the next renewal may succeed; the lease outlives three that do not
                await self._save(job, {"lease_expires_at": now_utc() + timedelta(seconds=LEASE_S)})

    async def _end(
        self,
        job: Job,
        status: JobStatus,
        *,
        result: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> None:
        values = {"result": result, "error": error, "finished_at": now_utc(), "lease_expires_at": None, "worker": None}
        await self._save(job, {"status": status, **values})
        if self._metrics is not None:
            self._metrics.ended(job, status, None if error is None else error["code"])
        _log.info("job ended", extra={"kind": job.kind, "status": status.value})

    async def _save(self, job: Job, values: dict[str, Any]) -> None:
        async def save(session: AsyncSession) -> None:
            saved = await JobRepository(session).save(job.id, self._name, values)
            if saved and "status" in values:
                await self.events.note(session, job, values["status"])

        await self._database.committed(save)
        self.events.committed()


def _problem(error: LianpuError) -> dict[str, Any]:
    return {
        "code": error.code,
        "title": error.title,
        "detail": error.detail,
        "errors": [asdict(item) for item in error.errors],
    }
