"""One listener's waiting messages: events are bounded, and of what is not kept only the newest of each topic waits."""

import asyncio
from collections import deque
from dataclasses import dataclass

from lianpu.jobs.ownership import Viewer
from lianpu.jobs.push.messages import HeartbeatMessage


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the server ends a connection."""

    code: int
    """Of the WebSocket's close frame (RFC 6455, 7.4)."""
    reason: str
    """At most 123 bytes."""


HTTP_CODES = 4000
"""Close codes from 4400 on: the HTTP status that means the same, and this."""
BAD_MESSAGE = 4400
SLOW_CONSUMER = Ending(4008, "slow_consumer")
MESSAGE_TOO_LARGE = Ending(1009, "message_too_large")
SERVER_ERROR = Ending(1011, "internal_error")
SERVER_STOPS = Ending(1012, "server_stops")


class PushEnded(Exception):  # noqa: N818 (a way out, not an error)
    """The connection is to be closed, and the client is to be told why."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


@dataclass(frozen=True, slots=True)
class Frame:
    """A message as it is sent."""

    type: str
    text: str
    """JSON."""
    event_id: int | None = None


@dataclass(frozen=True, slots=True)
class PushedChange:
    """What is told of one job; the frames are shared by all who get them."""

    job_id: str
    kind: str
    owner_id: str | None
    event_id: int | None
    """None: progress."""
    frame: Frame
    owners_frame: Frame
    """The same with what is for the owner alone."""


HEARTBEAT = Frame("heartbeat", HeartbeatMessage().model_dump_json())


class Mailbox:
    def __init__(self, *, since: int = 0, queue_events: int = 1) -> None:
        """
        Args:
            since: the newest event that was given out before.
            queue_events: so many events may wait.
        """
        self.since = since
        self._limit = queue_events
        self._events: deque[Frame] = deque()
        self._newest: dict[str, Frame] = {}
        self._heartbeat: Frame | None = None
        self._awake = asyncio.Event()
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def put(self, frame: Frame, topic: str) -> None:
        """An event waits its turn; without a number, it takes the place of the one of its topic that waits.

        A mailbox that is full ends: what is left can be had by resuming.
        """
        if self._ending.done():
            return
        if frame.event_id is None:
            self._newest[topic] = frame
        elif len(self._events) >= self._limit:
            self.end(SLOW_CONSUMER)
        else:
            # Progress that led here is old by now.
            self._newest.pop(topic, None)
            self._events.append(frame)
        self._awake.set()

    def beat(self, heartbeat: Frame = HEARTBEAT) -> None:
        self._heartbeat = heartbeat
        self._awake.set()

    async def take(self) -> list[Frame]:
        """All that waits, events in their order first; waits until there is something."""
        await self._awake.wait()
        self._awake.clear()
        frames = [*self._events, *self._newest.values()]
        if self._heartbeat is not None:
            frames.append(self._heartbeat)
        self._events.clear()
        self._newest.clear()
        self._heartbeat = None
        return frames

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        return len(self._events) + len(self._newest)

    def end(self, ending: Ending) -> None:
        """The first reason counts."""
        if not self._ending.done():
            self._ending.set_result(ending)
            self._events.clear()
            self._newest.clear()

    async def ended(self) -> Ending:
        return await asyncio.shield(self._ending)


class Subscription(Mailbox):
    """Of jobs."""

    def __init__(self, viewer: Viewer, kind: str | None, *, since: int, queue_events: int) -> None:
        """`kind`: None: of every kind."""
        super().__init__(since=since, queue_events=queue_events)
        self.viewer = viewer
        self.kind = kind

    def offer(self, change: PushedChange) -> None:
        if self.wants(change):
            self.put(self.frame_of(change), change.job_id)

    def wants(self, change: PushedChange) -> bool:
        return self.kind in {None, change.kind} and self.viewer.sees(change.owner_id)

    def frame_of(self, change: PushedChange) -> Frame:
        is_owner = self.viewer.owner_id is not None and change.owner_id == self.viewer.owner_id
        return change.owners_frame if is_owner else change.frame
