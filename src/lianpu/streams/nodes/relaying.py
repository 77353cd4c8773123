"""Pictures from the node that runs a stream to those where it is watched: the newest alone, and none unwatched."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from lianpu.nodes.bus import Bus
from lianpu.streams.broadcast import Broadcast
from lianpu.streams.nodes.hints import Hint, StreamHints
from lianpu.streams.records import RunningStream

LOOK_S = 1.0
"""How often it is asked whether anybody watches, and whether what is watched goes on."""


@dataclass(slots=True)
class _Relay:
    """What comes of one stream, to all who watch it here."""

    broadcast: Broadcast = field(default_factory=Broadcast)
    task: asyncio.Task[None] | None = None


class Relaying:
    """Of one node. Lives on one event loop."""

    def __init__(self, bus: Bus, hints: StreamHints, runs_elsewhere: Callable[[str], Awaitable[bool]]) -> None:
        """`runs_elsewhere`: whether a stream is not over, and not run by this node."""
        self._bus = bus
        self._hints = hints
        self._runs_elsewhere = runs_elsewhere
        self._relays: dict[str, _Relay] = {}
        self._publishing: dict[str, asyncio.Task[None]] = {}
        self._look = asyncio.Event()
        hints.on(Hint.WATCHED, self.wake)
        hints.on(Hint.ENDED, self.wake)

    def wake(self) -> None:
        """Somebody may watch, or something may be over."""
        self._look.set()
        self._look = asyncio.Event()

    # Of streams that run here.

    def begin(self, running: RunningStream) -> None:
        """From now on other nodes can watch it."""
        self._publishing[running.row.id] = asyncio.create_task(self._publish(running))

    def end(self, stream_id: str) -> None:
        """It runs here no more. Harmless when it never did."""
        task = self._publishing.pop(stream_id, None)
        if task is not None:
            task.cancel()

    async def _publish(self, running: RunningStream) -> None:
        channel = _channel(running.row.id)
        while not running.is_over:
            if await self._bus.listeners(channel):
                await self._publish_watched(running, channel)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._look.wait()

    async def _publish_watched(self, running: RunningStream, channel: str) -> None:
        """Until nobody watches."""
        loop = asyncio.get_running_loop()
        looked_s = loop.time()
        with suppress(TimeoutError):
            # A source that gives nothing must not keep a viewer that has gone.
            async with aclosing(running.runner.broadcast.pictures()) as pictures, asyncio.timeout(LOOK_S) as patience:
                async for jpeg in pictures:
                    if running.lease is not None and not running.lease.is_held:
                        return
                    await self._bus.publish(channel, jpeg)
                    if loop.time() - looked_s >= LOOK_S:
                        looked_s = loop.time()
                        if not await self._bus.listeners(channel):
                            return
                    patience.reschedule(loop.time() + LOOK_S)

    # Of streams that run elsewhere.

    async def pictures(self, stream_id: str) -> AsyncGenerator[bytes]:
        """JPEG pictures from the next one on, until the stream is over or runs here."""
        relay = self._relays.get(stream_id)
        if relay is None:
            relay = self._relays[stream_id] = _Relay()
            relay.task = asyncio.create_task(self._receive(stream_id, relay.broadcast))
        try:
            async with aclosing(relay.broadcast.pictures()) as pictures:
                async for jpeg in pictures:
                    yield jpeg
        finally:
            if not relay.broadcast.viewers:
                if self._relays.get(stream_id) is relay:
                    del self._relays[stream_id]
                if relay.task is not None:
                    relay.task.cancel()

    async def close(self) -> None:
        """Nobody is shown anything any more."""
        tasks = [*self._publishing.values(), *(relay.task for relay in self._relays.values() if relay.task is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self, stream_id: str, broadcast: Broadcast) -> None:
        looking = asyncio.create_task(self._end_with(stream_id, broadcast))
        try:
            async with self._bus.subscribe(_channel(stream_id), waiting_max=1) as messages:
                self._hints.tell(Hint.WATCHED)
                async for jpeg in messages:
                    if jpeg:
                        broadcast.publish(jpeg)
        finally:
            looking.cancel()
            broadcast.close()

    async def _end_with(self, stream_id: str, broadcast: Broadcast) -> None:
        while await self._runs_elsewhere(stream_id):
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._look.wait()
        broadcast.close()


def _channel(stream_id: str) -> str:
    return f"streams.pictures.{stream_id}"
