"""What nodes tell each other of streams. The truth is in the database: who misses a hint is a second late."""

import asyncio
import json
import logging
from collections.abc import Callable
from enum import StrEnum

from lianpu.nodes.bus import Bus

CHANNEL = "streams"
_log = logging.getLogger(__name__)


class Hint(StrEnum):
    FREE = "free"
    """A lease can be taken."""
    TAKEN = "taken"
    """Some node has begun with a stream."""
    CHANGED = "changed"
    """Somebody wants something else of a stream."""
    WATCHED = "watched"
    """Somebody on another node begins to watch it."""
    ENDED = "ended"
    """A stream is over."""
    EVENTS = "events"
    """There are new events."""


class StreamHints:
    """Lives on one event loop."""

    def __init__(self, bus: Bus, node: str) -> None:
        self._bus = bus
        self._node = node
        self._handlers: list[tuple[Hint, Callable[[], None]]] = []
        self._waiting: set[Hint] = set()
        self._woken = asyncio.Event()

    def on(self, hint: Hint, handle: Callable[[], None]) -> None:
        """`handle`: called when another node has told it, or may have."""
        self._handlers.append((hint, handle))

    def tell(self, hint: Hint) -> None:
        """Soon, and once where it is told often."""
        self._waiting.add(hint)
        self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        telling = asyncio.create_task(self._tell())
        try:
            async with self._bus.subscribe(CHANNEL) as messages:
                async for message in messages:
                    try:
                        self._take(message)
                    except (ValueError, KeyError, TypeError) as error:
                        _log.error("another node says what is not understood", exc_info=error)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await self._tell_waiting()

    async def _tell(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self._tell_waiting()

    async def _tell_waiting(self) -> None:
        while self._waiting:
            hint = self._waiting.pop()
            await self._bus.publish(CHANNEL, json.dumps({"node": self._node, "hint": hint.value}).encode())

    def _take(self, message: bytes) -> None:
        told: str | None = None
        if message:
            fields = json.loads(message)
            if fields["node"] == self._node:
                return
            told = fields["hint"]
        for hint, handle in self._handlers:
            # After a gap it may have been any of them.
            if told is None or hint == told:
                handle()
