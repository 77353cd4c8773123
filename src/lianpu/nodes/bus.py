"""Short-lived messages among the nodes of an installation: the port, and its form for one process alone.

A message is given to whoever listens at that moment, at most once; nothing is kept. The truth is in the database: a
message says that something there is new, or carries what is worthless a moment later.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

MISSED = b""
"""In place of messages that were lost: whoever follows something in the database looks there again."""
WAITING_MAX = 1000


class Subscription:
    """Messages of one channel, in their order. For one task of the event loop it was made on."""

    def __init__(self, waiting_max: int) -> None:
        self._waiting: deque[bytes] = deque()
        self._waiting_max = waiting_max
        self._new = asyncio.Event()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> bytes:
        while not self._waiting:
            self._new.clear()
            await self._new.wait()
        return self._waiting.popleft()

    def put(self, message: bytes) -> None:
        """Who reads slowly loses the oldest; where that is more than one message, he is told."""
        if len(self._waiting) >= self._waiting_max:
            if self._waiting_max > 1:
                self._waiting.clear()
                self._waiting.append(MISSED)
            else:
                self._waiting.popleft()
        self._waiting.append(message)
        self._new.set()


class Bus(Protocol):
    """Made and used on one event loop."""

    @property
    def is_shared(self) -> bool:
        """Whether other nodes hear what is published here."""
        ...

    async def start(self) -> None: ...

    async def publish(self, channel: str, message: bytes) -> bool:
        """`message`: not empty. False: it is lost, for the way to the others is broken. Never raises."""
        ...

    def subscribe(self, channel: str, *, waiting_max: int = WAITING_MAX) -> AbstractAsyncContextManager[Subscription]:
        """What is published after it was entered is received, as long as nothing breaks; after that comes `MISSED`.

        Args:
            waiting_max: messages that may wait for a slow reader; 1: the newest alone counts.
        """
        ...

    async def listeners(self, channel: str) -> int:
        """Subscriptions of this node, and nodes that have one; 0 where that cannot be known now."""
        ...

    async def close(self) -> None: ...


class Subscriptions:
    """Those of this process, by channel."""

    def __init__(self) -> None:
        self._of: defaultdict[str, list[Subscription]] = defaultdict(list)

    @property
    def channels(self) -> list[str]:
        return [channel for channel, entries in self._of.items() if entries]

    def add(self, channel: str, subscription: Subscription) -> bool:
        """True: it is the channel's first."""
        self._of[channel].append(subscription)
        return len(self._of[channel]) == 1

    def remove(self, channel: str, subscription: Subscription) -> bool:
        """True: it was the channel's last."""
        self._of[channel].remove(subscription)
        if self._of[channel]:
            return False
        del self._of[channel]
        return True

    def count(self, channel: str) -> int:
        return len(self._of.get(channel, ()))

    def give(self, channel: str, message: bytes) -> None:
        for subscription in self._of.get(channel, ()):
            subscription.put(message)

    def missed(self) -> None:
        for channel in self.channels:
            self.give(channel, MISSED)


class LocalBus:
    """For the only process of an installation."""

    is_shared = False

    def __init__(self) -> None:
        self._subscriptions = Subscriptions()

    async def start(self) -> None:
        """There is nothing to open."""

    async def publish(self, channel: str, message: bytes) -> bool:
        self._subscriptions.give(channel, message)
        return True

    @asynccontextmanager
    async def subscribe(self, channel: str, *, waiting_max: int = WAITING_MAX) -> AsyncGenerator[Subscription]:
        subscription = Subscription(waiting_max)
        self._subscriptions.add(channel, subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(channel, subscription)

    async def listeners(self, channel: str) -> int:
        return self._subscriptions.count(channel)

    async def close(self) -> None:
        """There is nothing to close."""
