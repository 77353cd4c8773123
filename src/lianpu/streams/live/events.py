"""The streams' events as they come."""

from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.accounts.principal import Principal
from lianpu.database.session import Database
from lianpu.jobs.push import event_feed
from lianpu.jobs.push.event_feed import EventFeed, EventPage
from lianpu.jobs.push.subscription import Frame, Mailbox
from lianpu.streams.event_log import EventLog
from lianpu.streams.live.messages import StreamEventMessage
from lianpu.streams.models import StreamEvent
from lianpu.streams.repository import StreamRepository
from lianpu.streams.schemas import StreamEventAnswer


@dataclass(frozen=True, slots=True)
class PushedEvent:
    stream_id: str
    frame: Frame


class StreamListener(Mailbox):
    def __init__(self, stream_id: str | None, *, since: int, queue_events: int) -> None:
        """`stream_id`: None: of every stream."""
        super().__init__(since=since, queue_events=queue_events)
        self.stream_id = stream_id

    def offer(self, event: PushedEvent) -> None:
        if self.stream_id in {None, event.stream_id}:
            self.put(event.frame, event.stream_id)


class StreamEventFeed(EventFeed[PushedEvent, StreamListener]):
    def __init__(self, database: Database, events: EventLog, *, queue_events: int) -> None:
        super().__init__(database, about="streams")
        self._queue_events = queue_events
        events.on_commit(self.wake)

    def listener(self, stream_id: str | None) -> AbstractContextManager[StreamListener]:
        return self._subscribed(lambda since: StreamListener(stream_id, since=since, queue_events=self._queue_events))

    async def _head(self, session: AsyncSession) -> int:
        return await StreamRepository(session).last_sequence()

    async def _oldest(self, session: AsyncSession) -> int | None:
        return await StreamRepository(session).first_sequence()

    async def _page(
        self, session: AsyncSession, after: int, until: int | None, listener: StreamListener | None
    ) -> EventPage[PushedEvent]:
        stream_id = None if listener is None else listener.stream_id
        events = await StreamRepository(session).events_after(after, until, event_feed.PAGE, stream_id=stream_id)
        last = events[-1].sequence if events else None
        return EventPage([_pushed(event) for event in events], last, len(events) == event_feed.PAGE)

    def _offer(self, change: PushedEvent) -> None:
        # Copied: an offer may end a listener.
        for listener in self.subscriptions:
            listener.offer(change)


class StreamChannel:
    """What one connection hears of the streams: all who may read events may read all of them."""

    def __init__(self, feed: StreamEventFeed, stream_id: str | None) -> None:
        self._feed = feed
        self._stream_id = stream_id
        self._listener: StreamListener | None = None

    @contextmanager
    def opened(self, principal: Principal) -> Generator[Mailbox]:
        del principal
        with self._feed.listener(self._stream_id) as listener:
            self._listener = listener
            yield listener

    def become(self, principal: Principal) -> None:
        """Nothing depends on who it is."""

    async def is_kept_after(self, event_id: int) -> bool:
        return await self._feed.is_kept_after(event_id)

    async def missed(self, after: int) -> AsyncGenerator[Frame]:
        assert self._listener is not None
        async for event in self._feed.missed(self._listener, after):
            yield event.frame


def _pushed(event: StreamEvent) -> PushedEvent:
    message = StreamEventMessage(event_id=event.sequence, event=StreamEventAnswer.of(event))
    return PushedEvent(event.stream_id, Frame(message.type, message.model_dump_json(), event.sequence))
