"""Events of streams: stored with their crops, told to whoever listens, cleared away when they are old."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.errors import LeaseLostError, StreamNotFoundError
from lianpu.http.pagination import Cursor, decode_cursor, moment_and_id
from lianpu.leases.leases import HeldLease
from lianpu.streams.events import Noticed
from lianpu.streams.models import StreamEvent
from lianpu.streams.repository import StreamRepository

CLEARING_INTERVAL_S = 3600.0
LISTENER_EVENTS = 256
CLEARED_AT_ONCE = 500
_log = logging.getLogger(__name__)

WriteBeside = Callable[[AsyncSession, Sequence[StreamEvent]], Awaitable[None]]


class EventLog:
    """Lives on one event loop."""

    def __init__(self, database: Database, folder: Path, *, retention_days: float, keeps_crops: bool) -> None:
        """`folder`: for the crops."""
        self._database = database
        self._folder = folder
        self._retention = timedelta(days=retention_days)
        self._keeps_crops = keeps_crops
        self._listeners: set[asyncio.Queue[StreamEvent]] = set()
        self._on_commit: list[Callable[[], None]] = []
        self._beside: list[WriteBeside] = []
        self._announce: Callable[[], None] | None = None
        self.kept: Counter[str] = Counter()
        """Events by kind, since the start."""

    def on_commit(self, tell: Callable[[], None]) -> None:
        """`tell`: called when there are new events in the database."""
        self._on_commit.append(tell)

    def announce_with(self, announce: Callable[[], None]) -> None:
        """`announce`: called when this process has kept events, for others to hear of it."""
        self._announce = announce

    def heard(self) -> None:
        """There are new events in the database, of this process or another one."""
        for tell in self._on_commit:
            tell()

    def write_beside(self, write: WriteBeside) -> None:
        """`write`: called with new events and the session they are in; what it adds is stored with them, or not at all.

        It never commits, and it is quick: all others who have events wait for it.
        """
        self._beside.append(write)

    async def keep(
        self, stream_id: str, noticed: Sequence[Noticed], lease: HeldLease | None = None
    ) -> list[StreamEvent]:
        """Store events in their order and tell the listeners. A crop that cannot be written costs its event nothing.

        Args:
            lease: what the stream is run by; None: no other node could run it.

        Raises:
            LeaseLostError: another node goes on with the stream; nothing is kept.
        """
        if lease is not None:
            lease.check()
        values = [await self._prepared(stream_id, one) for one in noticed]
        if not values:
            return []

        async def store(session: AsyncSession) -> list[StreamEvent]:
            if lease is not None:
                await lease.fence(session)
            stored = [StreamEvent(**row) for row in values]
            await StreamRepository(session).add_events(stored)
            for write in self._beside:
                await write(session, stored)
            return stored

        try:
            events = await self._database.committed(store)
        except LeaseLostError:
            for row in values:
                await asyncio.to_thread(self._remove, row["id"])
            raise
        self.kept.update(event.kind for event in events)
        for event in events:
            self._tell(event)
        self.heard()
        if self._announce is not None:
            self._announce()
        return events

    async def page(
        self, stream_id: str | None, person_id: str | None, kind: str | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[StreamEvent], str | None]:
        """Newest first, and the cursor of the next page.

        Raises:
            CursorInvalidError: the cursor is not one of this list.
        """
        scope = f"stream_events:{stream_id}:{person_id}:{kind}"
        before = None if cursor is None else moment_and_id(decode_cursor(cursor, scope, 2))
        async with self._database.session() as session:
            events = await StreamRepository(session).events(stream_id, person_id, kind, before, limit + 1)
        shown = events[:limit]
        more = len(events) > limit
        return shown, Cursor((shown[-1].at.isoformat(), shown[-1].id)).encode(scope) if more else None

    async def crop(self, stream_id: str, event_id: str) -> bytes:
        """JPEG.

        Raises:
            StreamNotFoundError: there is no such event, or no crop of it.
        """
        async with self._database.session() as session:
            event = await StreamRepository(session).event(event_id)
        if event is not None and event.stream_id == stream_id and event.has_crop:
            with suppress(FileNotFoundError):
                return await asyncio.to_thread(self._file(event_id).read_bytes)
        raise StreamNotFoundError(f"There is no crop of an event {event_id!r} of this stream.")

    async def listen(self) -> AsyncGenerator[StreamEvent]:
        """Events from now on; a listener that is far behind misses the oldest."""
        queue: asyncio.Queue[StreamEvent] = asyncio.Queue(LISTENER_EVENTS)
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def run_clearing(self) -> None:
        """Now and every hour: events past their retention go, with their crops."""
        while True:
            try:
                await self._clear()
            except Exception as error:  # tried again in an hour
                _log.warning("old events of streams cannot be cleared away", exc_info=error)
            await asyncio.sleep(CLEARING_INTERVAL_S)

    async def _clear(self) -> None:
        moment = now_utc() - self._retention
        while True:
            async with self._database.session() as session:
                repository = StreamRepository(session)
                old = await repository.events_before(moment, CLEARED_AT_ONCE)
                # A stream goes after its events: their crops would be left.
                ended = await repository.ended_before(moment, CLEARED_AT_ONCE if len(old) < CLEARED_AT_ONCE else 0)
                if not old and not ended:
                    return  # nothing is written, so nobody has to wait
                # The files first: a row without its file is found again, a file without its row is not.
                for event_id in old:
                    await asyncio.to_thread(self._remove, event_id)
                await repository.delete_events(old)
                await repository.delete_ended(ended)
                await session.commit()

    async def _prepared(self, stream_id: str, noticed: Noticed) -> dict[str, Any]:
        """Its row, once its crop is written."""
        event_id = new_id()
        crop = noticed.crop if self._keeps_crops else None
        has_crop = crop is not None and await asyncio.to_thread(self._write, event_id, crop)
        return {
            "id": event_id,
            "stream_id": stream_id,
            "kind": noticed.kind.value,
            "person_id": noticed.person_id,
            "person_name": noticed.person_name,
            "track": noticed.track,
            "score": noticed.score,
            "quality": noticed.quality,
            "is_live": noticed.is_live,
            "has_crop": has_crop,
            "at": now_utc(),
        }

    def _tell(self, event: StreamEvent) -> None:
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    def _file(self, event_id: str) -> Path:
        return self._folder / event_id[:8] / f"{event_id}.jpg"

    def _remove(self, event_id: str) -> None:
        file = self._file(event_id)
        file.unlink(missing_ok=True)
        with suppress(OSError):  # there are others in it
            file.parent.rmdir()

    def _write(self, event_id: str, crop: bytes) -> bool:
        file = self._file(event_id)
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.write_bytes(crop)
        except OSError as error:
            _log.error("the crop of an event cannot be written", exc_info=error)
            return False
        return True
