"""The ephemeral store in a Redis that keeps nothing: for several nodes behind one address."""

import math
import time
from collections.abc import Awaitable
from typing import TypeVar

from lianpu.errors import EphemeralStoreError
from lianpu.redis import open_redis
from lianpu.storage.ephemeral import Sealed
from lianpu.storage.sealing import split

KEY_PREFIX = "lianpu:ephemeral:"
TIMEOUT_S = 10.0
T = TypeVar("T")


class RedisStore:
    """`SET` with an expiry, `GETDEL` once. A server that would write to disk is refused."""

    is_shared = True

    def __init__(self, url: str) -> None:
        """
        Raises:
            SettingsError: the Redis client is not installed.
        """
        client = open_redis(url, setting="enhance.storage", timeout_s=TIMEOUT_S)
        self._redis, self._failures = client.commands, client.failures
        self._is_checked = False
        self._names: dict[str, float] = {}
        """What this process has put there, and until when (`time.monotonic()`)."""

    async def check(self) -> None:
        settings: dict[str, str] = {}
        for name in ("save", "appendonly"):
            # A hosted Redis may forbid CONFIG: then it cannot be known what it keeps, and that is told too.
            settings |= await self._answer(self._redis.config_get(name))
        kept = [f"{name} {value!r}" for name, value in settings.items() if value not in {"", "no"}]
        if kept or len(settings) != 2:
            raise EphemeralStoreError(
                f"The Redis of enhance.storage writes to disk ({', '.join(kept) or 'unknown'}): use one of its own "
                "with `save ''` and `appendonly no`."
            )
        self._is_checked = True

    async def put(self, name: str, sealed: Sealed, ttl_s: float) -> None:
        # Settings can change while the server runs; content is never given to one that was not looked at.
        if not self._is_checked:
            await self.check()
        joined = b"".join(sealed)
        await self._answer(self._redis.set(KEY_PREFIX + name, joined, px=math.ceil(ttl_s * 1000)))
        self._names[name] = time.monotonic() + ttl_s

    async def take(self, name: str) -> Sealed | None:
        joined: bytes | None = await self._answer(self._redis.getdel(KEY_PREFIX + name))
        self._names.pop(name, None)
        return None if joined is None else split(joined)

    async def has(self, name: str) -> bool:
        return bool(await self._answer(self._redis.exists(KEY_PREFIX + name)))

    async def remove(self, name: str) -> None:
        self._names.pop(name, None)
        await self._answer(self._redis.delete(KEY_PREFIX + name))

    async def expire(self) -> None:
        """Redis does so by itself."""
        # A server that came back with another configuration is looked at again before the next content.
        self._is_checked = False
        moment = time.monotonic()
        self._names = {name: ends_at for name, ends_at in self._names.items() if ends_at > moment}

    async def close(self, *, erases: bool = True) -> None:
        try:
            for name in list(self._names) if erases else ():
                await self.remove(name)
        finally:
            await self._redis.aclose()

    async def _answer(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except self._failures as error:
            self._is_checked = False
            # Its text may hold the address, and with it a password.
            raise EphemeralStoreError(
                f"The Redis of enhance.storage does not answer ({type(error).__name__}).", retry_after_s=10
            ) from None
