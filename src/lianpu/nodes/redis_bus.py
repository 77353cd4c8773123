"""The bus through Redis (`PUBLISH` and `SUBSCRIBE`). It heals by itself: a Redis that is away is looked for again."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from lianpu.nodes.bus import WAITING_MAX, Subscription, Subscriptions
from lianpu.redis import open_redis

KEY_PREFIX = "lianpu:"
ALIVE = "alive"
"""A channel that every node listens to: a connection without a subscription could not be read from."""
TIMEOUT_S = 2.0
HEALTH_CHECK_S = 10
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 2.0
_log = logging.getLogger(__name__)


class RedisBus:
    is_shared = True

    def __init__(self, url: str, *, key_prefix: str = KEY_PREFIX) -> None:
        """
        Args:
            key_prefix: goes before every channel's name: installations that share a Redis do not hear each other.

        Raises:
            SettingsError: the Redis client is not installed.
        """
        client = open_redis(url, setting="nodes.redis", timeout_s=TIMEOUT_S, health_check_s=HEALTH_CHECK_S)
        self._redis, self._failures = client.commands, client.failures
        self._prefix = key_prefix
        self._subscriptions = Subscriptions()
        self._confirmed: dict[str, asyncio.Event] = {}
        self._pubsub: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._is_away = False

    async def start(self) -> None:
        """From now on Redis is listened to; it may be away."""
        self._reading = asyncio.create_task(self._read(), name="bus")

    async def publish(self, channel: str, message: bytes) -> bool:
        with _cancellations_count():
            try:
                await self._redis.publish(self._prefix + channel, message)
            except self._failures:
                return False
        return True

    @asynccontextmanager
    async def subscribe(self, channel: str, *, waiting_max: int = WAITING_MAX) -> AsyncGenerator[Subscription]:
        subscription = Subscription(waiting_max)
        if self._subscriptions.add(channel, subscription):
            self._confirmed[channel] = asyncio.Event()
            await self._ask(channel, wanted=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                await self._confirmed[channel].wait()
        try:
            yield subscription
        finally:
            if self._subscriptions.remove(channel, subscription):
                del self._confirmed[channel]
                await self._ask(channel, wanted=False)

    async def listeners(self, channel: str) -> int:
        with _cancellations_count():
            try:
                counts: list[tuple[bytes, int]] = await self._redis.pubsub_numsub(self._prefix + channel)
            except self._failures:
                return 0
        return sum(count for _, count in counts)

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        await self._redis.aclose()

    async def _ask(self, channel: str, *, wanted: bool) -> None:
        """Where that fails, the connection is made anew with the channels that are wanted then."""
        if self._pubsub is None:
            return
        with _cancellations_count(), suppress(*self._failures):
            await (self._pubsub.subscribe if wanted else self._pubsub.unsubscribe)(self._prefix + channel)

    async def _read(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            with _cancellations_count():
                try:
                    async with self._redis.pubsub() as pubsub:
                        await self._listen(pubsub)
                except self._failures as error:
                    wait_s = min(2 * wait_s, LONGEST_WAIT_S) if self._is_away else FIRST_WAIT_S
                    self._went_away(type(error).__name__)
                finally:
                    self._pubsub = None
            await asyncio.sleep(wait_s)

    async def _listen(self, pubsub: Any) -> None:
        """Until the connection is lost, which raises one of `_failures`."""
        with _cancellations_count():
            await pubsub.subscribe(self._prefix + ALIVE)
            # From here on new channels are asked for one by one; none may come between.
            self._pubsub = pubsub
            for channel in self._subscriptions.channels:
                await pubsub.subscribe(self._prefix + channel)
        self._came_back()
        while True:
            with _cancellations_count():
                # The time limit lets the client ask a silent connection whether it is still one.
                raw = await pubsub.get_message(timeout=TIMEOUT_S)
            self._take(raw)

    def _take(self, raw: dict[str, Any] | None) -> None:
        if raw is None or raw["channel"] is None:
            return
        channel = raw["channel"].decode().removeprefix(self._prefix)
        if raw["type"] == "message":
            self._subscriptions.give(channel, raw["data"])
        elif raw["type"] == "subscribe" and channel in self._confirmed:
            self._confirmed[channel].set()

    def _went_away(self, reason: str) -> None:
        for confirmed in self._confirmed.values():
            confirmed.clear()
        if not self._is_away:
            self._is_away = True
            # The error's text may hold the address, and with it a password.
            _log.warning("the Redis of nodes.redis does not answer", extra={"reason": reason})

    def _came_back(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.warning("the Redis of nodes.redis answers again")
            self._subscriptions.missed()


@contextmanager
def _cancellations_count() -> Generator[None]:
    """The client loses a cancellation that comes while it connects: whoever was cancelled would go on for ever.

    One that came before counts no more: whoever is told to end may still tell others.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
