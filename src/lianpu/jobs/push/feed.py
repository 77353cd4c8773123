"""The jobs' events, and their progress in between."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.session import Database
from lianpu.jobs.event_repository import JobEventRepository
from lianpu.jobs.events import JobEvents
from lianpu.jobs.models import Job, JobEvent
from lianpu.jobs.ownership import Viewer
from lianpu.jobs.push import event_feed
from lianpu.jobs.push.changes import Changes
from lianpu.jobs.push.event_feed import EventFeed, EventPage
from lianpu.jobs.push.subscription import Ending, PushedChange, Subscription

PROGRESS_INTERVAL_S = 0.3


class PushFeed(EventFeed[PushedChange, Subscription]):
    def __init__(self, database: Database, events: JobEvents, changes: Changes, *, queue_events: int) -> None:
        super().__init__(database, about="jobs")
        self._changes = changes
        self._queue_events = queue_events
        self._progress: dict[str, Job] = {}
        self._flush: asyncio.TimerHandle | None = None
        events.subscribe(self.wake, self._progressed)

    async def stop(self, ending: Ending) -> None:
        if self._flush is not None:
            self._flush.cancel()
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
        if not self.subscriptions:
            return
        self._progress[job.id] = job
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(PROGRESS_INTERVAL_S, self._flush_progress)

    def _flush_progress(self) -> None:
        self._flush = None
        for job in self._progress.values():
            self._give(self._changes.of_progress(job))
        self._progress.clear()

    def _offer(self, change: PushedChange) -> None:
        self._progress.pop(change.job_id, None)
        self._give(change)

    def _give(self, change: PushedChange) -> None:
        # Copied: an offer may end a subscription.
        for subscription in self.subscriptions:
            subscription.offer(change)
