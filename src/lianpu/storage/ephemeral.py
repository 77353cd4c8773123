"""The ephemeral store: sealed content in memory for some minutes, taken once and then overwritten; never on disk."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lianpu.storage.erasure import erase

Sealed = Sequence[bytes | bytearray | memoryview]
"""As `lianpu.storage.sealing` makes it: without its key it says nothing."""


class EphemeralStore(Protocol):
    """Names are good for one content. Whoever calls keeps the keys elsewhere."""

    @property
    def is_shared(self) -> bool:
        """Other processes find here what this one has put here."""
        ...

    async def check(self) -> None:
        """
        Raises:
            EphemeralStoreError: it cannot be reached, or would write to disk.
        """
        ...

    async def put(self, name: str, sealed: Sealed, ttl_s: float) -> None:
        """
        Raises:
            EphemeralStoreError: it could not be stored.
        """
        ...

    async def take(self, name: str) -> Sealed | None:
        """Read and remove in one step: only one caller gets it. None: there is none, or no more.

        Raises:
            EphemeralStoreError: the store cannot be reached.
        """
        ...

    async def has(self, name: str) -> bool:
        """
        Raises:
            EphemeralStoreError: the store cannot be reached.
        """
        ...

    async def remove(self, name: str) -> None:
        """Overwrite it; one that is gone already is no error.

        Raises:
            EphemeralStoreError: the store cannot be reached.
        """
        ...

    async def expire(self) -> None:
        """Overwrite what is past its time; called every few seconds."""
        ...

    async def close(self, *, erases: bool = True) -> None:
        """
        Args:
            erases: overwrite everything that this process has put here; False: others go on giving it out, where the
                store is shared.
        """
        ...


@dataclass(slots=True)
class _Held:
    sealed: Sealed
    ends_at: float
    """By `time.monotonic()`."""


class MemoryStore:
    """In this process: what another process put into its own is not here."""

    is_shared = False

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    async def check(self) -> None:
        pass

    async def put(self, name: str, sealed: Sealed, ttl_s: float) -> None:
        self._held[name] = _Held(sealed, time.monotonic() + ttl_s)

    async def take(self, name: str) -> Sealed | None:
        await self.expire()
        held = self._held.pop(name, None)
        return None if held is None else held.sealed

    async def has(self, name: str) -> bool:
        await self.expire()
        return name in self._held

    async def remove(self, name: str) -> None:
        held = self._held.pop(name, None)
        if held is not None:
            await asyncio.to_thread(erase_sealed, held.sealed)

    async def expire(self) -> None:
        moment = time.monotonic()
        for name in [name for name, held in self._held.items() if held.ends_at <= moment]:
            await self.remove(name)

    async def close(self, *, erases: bool = True) -> None:
        del erases
        for name in list(self._held):
            await self.remove(name)


def erase_sealed(sealed: Sealed) -> None:
    """As far as its memory can be written; what came from elsewhere as `bytes` is only let go."""
    for segment in sealed:
        if isinstance(segment, bytearray):
            erase(segment)
