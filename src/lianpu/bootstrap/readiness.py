"""Whether the platform is ready for work: what it needs is asked, for a few seconds at most, and remembered briefly."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path

from lianpu.audit.audit import Audit
from lianpu.database.session import Database
from lianpu.gallery.gallery import Gallery
from lianpu.jobs.workers import JobWorkers
from lianpu.packs.folder import split_name
from lianpu.packs.registry import PackRegistry
from lianpu.settings import LivenessMode, Settings

TIME_LIMIT_S = 2.0
HOME_KEPT_S = 2.0
"""Anybody may ask, and not everybody shall make the disk work."""
OK = "ok"


class Phase(StrEnum):
    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    """It stops: what is under way is finished, nothing new is to come."""


class Readiness:
    """Lives on one event loop."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        registry: PackRegistry,
        gallery: Gallery,
        audit: Audit,
        workers: JobWorkers,
    ) -> None:
        self._settings = settings
        self._database = database
        self._registry = registry
        self._gallery = gallery
        self._audit = audit
        self._workers = workers
        self._works = False
        self._home: str = OK
        self._home_at = float("-inf")
        self.phase = Phase.STARTING

    def begin(self, *, works: bool) -> None:
        """Everything is open. `works`: jobs are worked on in this process."""
        self.phase, self._works = Phase.SERVING, works

    def drain(self) -> None:
        """It stops."""
        self.phase = Phase.DRAINING

    async def checks(self) -> dict[str, str]:
        """What a ready platform needs, each `ok` or the reason why not."""
        checks = {
            "server": OK if self.phase is Phase.SERVING else self.phase.value,
            **await self.foundations(),
            "home": await _within_limit(self._home_state),
        }
        if self._works:
            alive, wanted = self._workers.alive, self._workers.wanted
            checks["jobs"] = OK if alive == wanted else f"{alive} of {wanted} workers are alive"
            if not self._workers.is_reached:
                checks["jobs"] = "the queue of jobs is not read"
        return checks

    async def foundations(self) -> dict[str, str]:
        """What every answer needs, of `checks`: database, packs, and the audit log where it cannot be written."""
        checks = {
            "database": await _within_limit(self._database_state),
            "pack": await _within_limit(self._pack_state),
        }
        if self._settings.liveness.mode is not LivenessMode.OFF:
            checks["liveness"] = await asyncio.to_thread(self._gallery.liveness.problem) or OK
        if self._audit.log.problem is not None:
            checks["audit"] = self._audit.log.problem
        return checks

    async def _database_state(self) -> str:
        await self._database.ping()
        return OK

    async def _pack_state(self) -> str:
        analyzers = self._gallery.analyzers
        if analyzers.at_hand() is not None:
            return OK
        name, version = split_name(analyzers.active)
        states = [
            item
            for item in await asyncio.to_thread(self._registry.list)
            if item.name == name and version in {None, item.version}
        ]
        return f"{analyzers.active}: " + (states[-1].detail or states[-1].state.value if states else "not found")

    async def _home_state(self) -> str:
        if time.monotonic() - self._home_at >= HOME_KEPT_S:
            self._home = await asyncio.to_thread(_written, self._settings.home)
            self._home_at = time.monotonic()
        return self._home


async def _within_limit(check: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            return await check()
    except Exception as error:  # a driver raises what it likes; its class is enough to say
        return type(error).__name__


def _written(home: Path) -> str:
    probe = home / f".ready-{os.getpid()}"
    try:
        # A byte, since a full disk still takes empty files.
        probe.write_bytes(b"1")
        probe.unlink()
    except OSError as error:
        return f"cannot be written: {error.strerror or type(error).__name__}"
    return OK
