"""From a table of events to those who listen: one reader of the table for all of them in this process."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.session import Database
from lianpu.jobs.push.subscription import Ending, Mailbox

PAGE = 200
POLL_S = 1.0
"""How late the events of other processes on the same database may be."""
RETRY_S = 2.0
_log = logging.getLogger(__name__)

Change = TypeVar("Change")
Listener = TypeVar("Listener", bound=Mailbox)


@dataclass(frozen=True, slots=True)
class EventPage(Generic[Change]):
    """What some consecutive events say; of some there is nothing to say."""

    changes: Sequence[Change]
    last: int | None
    """Number of the last event; None: there was none."""
    is_full: bool
    """There may be more."""


class EventFeed(ABC, Generic[Change, Listener]):
    """Lives on one event loop, between `start` and `stop`. Events are numbered in the order of their commits."""

    def __init__(self, database: Database, *, about: str) -> None:
        """`about`: what the events are of, for the log."""
        self._database = database
        self._about = about
        self._subscriptions: set[Listener] = set()
        self._cursor = 0
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._over: Ending | None = None

    @abstractmethod
    async def _head(self, session: AsyncSession) -> int:
        """Number of the last event; 0: there was none."""

    @abstractmethod
    async def _oldest(self, session: AsyncSession) -> int | None:
        """Number of the first event that is kept."""

    @abstractmethod
    async def _page(
        self, session: AsyncSession, after: int, until: int | None, listener: Listener | None
    ) -> EventPage[Change]:
        """At most `PAGE` events, `after` excluded and `until` included; those for one listener, or for anybody."""

    @abstractmethod
    def _offer(self, change: Change) -> None:
        """Give it to those of `subscriptions` whom it is for."""

    async def start(self) -> None:
        async with self._database.session() as session:
            self._cursor = await self._head(session)
        self._task = asyncio.create_task(self._run(), name=f"push-{self._about}")

    async def stop(self, ending: Ending) -> None:
        self.end_all(ending)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """There may be new events."""
        self._awake.set()

    def end_all(self, ending: Ending) -> None:
        """Who comes later is told the same."""
        self._over = ending
        for subscription in self._subscriptions:
            subscription.end(ending)

    @property
    def subscriptions(self) -> frozenset[Listener]:
        return frozenset(self._subscriptions)

    @contextmanager
    def _subscribed(self, listener_since: Callable[[int], Listener]) -> Generator[Listener]:
        """Gets every event after its `since`, in order; what was before is to be had by `missed`."""
        listener = listener_since(self._cursor)
        self._subscriptions.add(listener)
        if self._over is not None:
            listener.end(self._over)
        try:
            yield listener
        finally:
            self._subscriptions.discard(listener)

    async def is_kept_after(self, event_id: int) -> bool:
        """False: some event after this one is not kept any more, or the id is of another server's life."""
        async with self._database.session() as session:
            # In this order: what is written meanwhile does not look like something that is missing.
            head = await self._head(session)
            oldest = await self._oldest(session)
        return event_id == head or (event_id < head and oldest is not None and oldest <= event_id + 1)

    async def missed(self, listener: Listener, after: int) -> AsyncGenerator[Change]:
        """What the listener is to see of the events from `after` (excluded) to its `since`."""
        while after < listener.since:
            async with self._database.session() as session:
                page = await self._page(session, after, listener.since, listener)
            for change in page.changes:
                yield change
            if not page.is_full or page.last is None:
                return
            after = page.last

    async def _run(self) -> None:
        # On SQLite no other process writes, and everything here says when it has.
        poll_s = None if self._database.is_sqlite else POLL_S
        while True:
            with suppress(TimeoutError):
                # Not `wait_for`: on Python 3.11 it loses a cancellation that comes just after the event.
                async with asyncio.timeout(poll_s):
                    await self._awake.wait()
            self._awake.clear()
            try:
                while await self._give_out():
                    pass
            except Exception as error:  # nothing is lost: the cursor stays where it is
                _log.error("events of %s cannot be read", self._about, exc_info=error)
                await asyncio.sleep(RETRY_S)
                self._awake.set()

    async def _give_out(self) -> bool:
        """Whether there may be more."""
        async with self._database.session() as session:
            if not self._subscriptions:
                head = await self._head(session)
                # Who came meanwhile is owed what is after the old cursor.
                if not self._subscriptions:
                    self._cursor = head
                    return False
            page = await self._page(session, self._cursor, None, None)
        for change in page.changes:
            self._offer(change)
        if page.last is not None:
            self._cursor = page.last
        return page.is_full
