"""A node follows what others change of the gallery: told by the bus, and by looking every second where it is silent."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.gallery.change_log import GalleryLog
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.nodes.bus import MISSED, Bus, Subscription

CHANNEL = "gallery"
LOOK_INTERVAL_S = 1.0
CLEARING_INTERVAL_S = 600.0
KEPT = timedelta(hours=1)
"""A node that was away for longer fills its indexes anew."""
_log = logging.getLogger(__name__)


class GalleryFollowing:
    """On database servers alone; with SQLite there is nobody to follow."""

    def __init__(self, database: Database, indexes: GalleryIndexes, changes: GalleryChanges, bus: Bus) -> None:
        self._database = database
        self._indexes = indexes
        self._bus = bus
        self._changed = asyncio.Event()
        changes.on_commit(self._changed.set)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Follow, and tell the others, until the block ends."""
        runs = (self._follow(), self._tell(), self._clear()) if self._indexes.has_log else ()
        tasks = [asyncio.create_task(run) for run in runs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        is_behind = False
        async with self._bus.subscribe(CHANNEL, waiting_max=1) as hints:
            while True:
                try:
                    await self._indexes.catch_up()
                except Exception as error:  # looked again in a second
                    if not is_behind:
                        _log.warning("what other nodes changed cannot be read", exc_info=error)
                    is_behind = True
                    await asyncio.sleep(LOOK_INTERVAL_S)
                    continue
                if is_behind:
                    is_behind = False
                    _log.warning("what other nodes change is followed again")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_INTERVAL_S):
                        await self._news(hints)

    async def _news(self, hints: Subscription) -> None:
        async for hint in hints:
            if hint == MISSED or int(hint) > self._indexes.position:
                return

    async def _tell(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._bus.publish(CHANNEL, b"%d" % self._indexes.position)

    async def _clear(self) -> None:
        while True:
            await asyncio.sleep(CLEARING_INTERVAL_S)
            try:
                async with self._database.session() as session:
                    await GalleryLog(session).delete_before(now_utc() - KEPT)
                    await session.commit()
            except Exception as error:  # tried again, here or by another node
                _log.warning("the log of the gallery's changes cannot be cleared", exc_info=error)
