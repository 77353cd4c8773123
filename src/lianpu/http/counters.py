"""Counters that expire, in this process or in Redis; the former stand in while Redis does not answer."""

import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError

from lianpu.redis import package_missing

KEY_PREFIX = "lianpu:limits"
REDIS_TIMEOUT_S = 1.0
REDIS_AGAIN_AFTER_S = 10.0
Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class Counters:
    """Every operation is atomic, among all nodes that share one Redis.

    While Redis is away each node counts by itself: nobody is kept out, and nobody gets more than the limit of one node.
    """

    def __init__(self, redis_url: str | None = None, *, key_prefix: str = KEY_PREFIX) -> None:
        """
        Args:
            redis_url: None: count in this process.

        Raises:
            SettingsError: the Redis client is not installed.
        """
        self._local = MemoryStorage()
        self._redis = None if redis_url is None else _redis_storage(redis_url, key_prefix)
        self._away_until = -math.inf
        self._is_away = False

    async def hit(self, item: RateLimitItem, key: str) -> float | None:
        """Count one against a rate, over a sliding window.

        Returns:
            None when it was within the rate; else after how many seconds to try again, and nothing was counted.
        """

        async def run(storage: Storage) -> float | None:
            limiter = SlidingWindowCounterRateLimiter(storage)
            if await limiter.hit(item, key):
                return None
            return max(0.0, (await limiter.get_window_stats(item, key)).reset_time - time.time())

        return await self._run(run)

    async def add(self, key: str, expiry_s: int, amount: int = 1) -> int:
        """The new value; a counter that was not there begins at zero and is gone after `expiry_s`."""
        return await self._run(lambda storage: storage.incr(key, expiry_s, amount))

    async def value(self, key: str) -> int:
        return await self._run(lambda storage: storage.get(key))

    async def expires_in_s(self, key: str) -> float:
        """0 where there is no such counter."""
        return max(0.0, await self._run(lambda storage: storage.get_expiry(key)) - time.time())

    async def clear(self, *keys: str) -> None:
        for key in keys:
            await self._run(lambda storage, key=key: storage.clear(key))

    async def close(self) -> None:
        if self._redis is not None:
            bridge = cast(Any, self._redis.bridge)
            await bridge.get_connection().aclose()

    async def _run(self, operation: Callable[[Storage], Awaitable[Result]]) -> Result:
        if self._redis is not None and time.monotonic() >= self._away_until:
            try:
                result = await operation(self._redis)
            except StorageError as error:
                self._went_away(error)
            else:
                self._came_back()
                return result
        return await operation(self._local)

    def _went_away(self, error: StorageError) -> None:
        self._away_until = time.monotonic() + REDIS_AGAIN_AFTER_S
        if not self._is_away:
            self._is_away = True
            # Its text may hold the address, and with it a password.
            reason = type(error.storage_error).__name__
            _log.warning("Redis does not answer: limits are counted by each node alone", extra={"reason": reason})

    def _came_back(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.warning("Redis answers again: limits are counted there")


def _redis_storage(url: str, key_prefix: str) -> RedisStorage:
    try:
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise package_missing("limits.storage") from error
    # One more try takes a pooled connection that the server closed meanwhile; longer waits would hold every request up.
    options: dict[str, Any] = {
        "socket_timeout": REDIS_TIMEOUT_S,
        "socket_connect_timeout": REDIS_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 1),
    }
    try:
        return RedisStorage(url, wrap_exceptions=True, implementation="redispy", key_prefix=key_prefix, **options)
    except ConfigurationError as error:
        raise package_missing("limits.storage") from error
