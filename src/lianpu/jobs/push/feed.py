"""The jobs' events, and their progress in between."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.session import Database
from lianpu.jobs.event_repository import JobEventRepository
from lianpu.jobs.events import JobEvents
from lianpu.jobs.models import Job, JobEvent, JobStatus
from lianpu.jobs.ownership import Viewer
from lianpu.jobs.push import event_feed
from lianpu.jobs.push.changes import Changes
from lianpu.jobs.push.event_feed import EventFeed, EventPage
from lianpu.jobs.push.subscription import Ending, PushedChange, Subscription

PROGRESS_INTERVAL_S = 0.3
_log = logging.getLogger(__name__)


class PushFeed(EventFeed[PushedChange, Subscription]):
    def __init__(self, database: Database, events: JobEvents, changes: Changes, *, queue_events: int) -> None:
        super().__init__(database, about="jobs")
        self._changes = changes
        self._queue_events = queue_events
        self._progress: dict[str, Job] = {}
        self._progress_elsewhere: set[str] = set()
        self._flush: asyncio.Task[None] | None = None
        events.subscribe(self.wake, self._progressed, self._progressed_elsewhere)

    async def stop(self, ending: Ending) -> None:
        if self._flush is not None:
            self._flush.cancel()
            await asyncio.gather(self._flush, return_exceptions=True)
        await super().stop(ending)

    def subscription(self, viewer: Viewer, kind: str | None) -> AbstractContextManager[Subscription]:
        """`kind`: of the jobs that are told of; None: of every kind."""
        return self._subscribed(lambda since: Subscription(viewer, kind, since=since, queue_events=self._queue_events))

    async def _head(self, session: AsyncSession) -> int:
        return await JobEventRepository(session).head()

    async def _oldest(self, session: AsyncSession) -> int | None:
        return await JobEventRepository(session).oldest()

    async def _page(
        self, session: AsyncSession, after: int, until: int | None, listener: Subscription | None
    ) -> EventPage[PushedChange]:
        repository = JobEventRepository(session)
        owner_id = None if listener is None or listener.viewer.sees_all else listener.viewer.owner_id
        kind = None if listener is None else listener.kind
        events = await repository.events(after, until, event_feed.PAGE, owner_id=owner_id, kind=kind)
        changes = await self._changes_of(repository, events)
        return EventPage(changes, events[-1].sequence if events else None, len(events) == event_feed.PAGE)

    async def _changes_of(self, repository: JobEventRepository, events: Sequence[JobEvent]) -> list[PushedChange]:
        jobs = await repository.jobs({event.job_id for event in events}, self._changes.kinds)
        # Of a job that was deleted since there is nothing to say.
        return [self._changes.of_event(event, jobs[event.job_id]) for event in events if event.job_id in jobs]

    def _progressed(self, job: Job) -> None:
        if self.subscriptions:
            self._progress[job.id] = job
            self._flush_soon()

    def _progressed_elsewhere(self, job_id: str) -> None:
        if self.subscriptions:
            self._progress_elsewhere.add(job_id)
            self._flush_soon()

    def _flush_soon(self) -> None:
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._flush_progress(), name="push-progress")

    async def _flush_progress(self) -> None:
        while self._progress or self._progress_elsewhere:
            await asyncio.sleep(PROGRESS_INTERVAL_S)
            await self._read_elsewhere()
            for job in self._progress.values():
                self._give(self._changes.of_progress(job))
            self._progress.clear()

    async def _read_elsewhere(self) -> None:
        """How far the jobs are that run on other nodes, which have written it into the table."""
        job_ids = set(self._progress_elsewhere)
        self._progress_elsewhere.clear()
        if not job_ids:
            return
        try:
            async with self._database.session() as session:
                jobs = await JobEventRepository(session).jobs(job_ids, self._changes.kinds)
        except Exception as error:  # progress is not kept: the next one says more
            _log.warning("the progress of jobs cannot be read", exc_info=error)
            return
        # Of one that has ended its event says so.
        self._progress |= {job_id: job for job_id, job in jobs.items() if job.status == JobStatus.PROCESSING}

    def _offer(self, change: PushedChange) -> None:
        self._progress.pop(change.job_id, None)
        self._give(change)

    def _give(self, change: PushedChange) -> None:
        # Copied: an offer may end a subscription.
        for subscription in self.subscriptions:
            subscription.offer(change)
