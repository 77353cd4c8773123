"""Streams as routes see them: start, extend, pause, watch, stop; each ends for a reason that is kept."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from dataclasses import asdict, replace
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.errors import StreamStateError, TooManyStreamsError
from lianpu.streams.addresses import PUSHED, SourceKind, checked_source
from lianpu.streams.event_log import EventLog
from lianpu.streams.following import Following
from lianpu.streams.health import EndReason
from lianpu.streams.models import Stream
from lianpu.streams.nodes.shared import SharedStreams
from lianpu.streams.pushing import PushedFrames
from lianpu.streams.records import RunningStream, StreamOptions, StreamRecord, expiry_of, mark_ended
from lianpu.streams.repository import StreamRepository
from lianpu.streams.runner import SNAPSHOT_S, StreamRunner
from lianpu.streams.running import RunParts, StreamRuns

REAPER_S = 30.0
ENDED_SHOWN = 50
_log = logging.getLogger(__name__)


class Pictures(Protocol):
    def pictures(self) -> AsyncGenerator[bytes]:
        """JPEG pictures from the next one on; whoever is slow misses some."""
        ...


class SharedPictures:
    """Of a stream that any node may run."""

    def __init__(self, shared: SharedStreams, stream_id: str) -> None:
        self._shared = shared
        self._stream_id = stream_id

    def pictures(self) -> AsyncGenerator[bytes]:
        return self._shared.pictures(self._stream_id)


class Streams:
    """Lives on one event loop."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        parts: RunParts,
        runs: StreamRuns,
        shared: SharedStreams | None,
        *,
        max_active: int,
        feed_lifetime_s: float,
    ) -> None:
        """
        Args:
            shared: None: this process is the only one.
            max_active: that may run in this process.
            feed_lifetime_s: how long an address to watch a stream at is good.
        """
        self._database = database
        self.events = events
        self._parts = parts
        self.runs = runs
        self.shared = shared
        self._max_active = max_active
        self.feed_lifetime_s = feed_lifetime_s
        self._starting = 0
        self._closing = False

    async def start(
        self,
        source: str,
        *,
        owner_id: str,
        lifetime_minutes: float,
        name: str = "",
        is_permanent: bool = False,
        options: StreamOptions,
    ) -> StreamRecord:
        """Begin reading a source; returns before the first frame is there.

        Args:
            lifetime_minutes: -1: until it is stopped.

        Raises:
            SourceRefusedError: the source is none that may be read from.
            TooManyStreamsError: as many run as may, on every node.
            PackNotFoundError, PackError: the pack cannot be used.
        """
        if self.shared is None and len(self.runs.going) + self._starting >= self._max_active:
            raise TooManyStreamsError(f"{self._max_active} streams run already; stop one, or see streams.max_active.")
        self._starting += 1
        try:
            return await self._start(source, owner_id, lifetime_minutes, name, is_permanent, options)
        finally:
            self._starting -= 1

    async def _start(
        self, source: str, owner_id: str, lifetime_minutes: float, name: str, is_permanent: bool, options: StreamOptions
    ) -> StreamRecord:
        checked = await asyncio.to_thread(checked_source, source, self._parts.rules)
        analyzer = await self._parts.naming.analyzer(options.pack)
        detect_every = options.detect_every or self._parts.pipeline_options.detect_every
        options = replace(options, detect_every=detect_every)
        started_at = now_utc()
        stream_id = new_id()
        row = Stream(
            id=stream_id,
            owner_id=owner_id,
            name=name,
            source=self._parts.vault.sealed(source, stream_id),
            shown=checked.shown[:500],
            options=asdict(options),
            lifetime_minutes=lifetime_minutes,
            is_permanent=is_permanent,
            is_active=True,
            is_paused=False,
            node=self.shared.node if self.shared is not None and checked.kind is SourceKind.PUSH else None,
            is_pushed=checked.kind is SourceKind.PUSH,
            started_at=started_at,
            expires_at=expiry_of(started_at, lifetime_minutes),
        )
        if self.shared is not None:
            await self.shared.begin(row)
            return await self.get(stream_id)
        async with self._database.session() as session:
            StreamRepository(session).add(row)
            await session.commit()
        if self._closing:
            await self.runs.keep_end(stream_id, EndReason.SHUTDOWN, None)
            return await self.get(stream_id)
        return self.runs.begin(row, source, analyzer, options).record

    async def restore(self) -> None:
        """At the start: permanent streams begin again; the others ended when the server did.

        Where there are other nodes nothing has ended: whoever has room takes what nobody runs.
        """
        if self.shared is not None:
            return
        async with self._database.session() as session:
            rows = await StreamRepository(session).active()
            for row in rows:
                if not row.is_permanent or (row.expires_at is not None and row.expires_at <= now_utc()):
                    mark_ended(row, EndReason.SHUTDOWN if not row.is_permanent else EndReason.EXPIRED, None)
            await session.commit()
        for row in rows:
            if row.is_active:
                try:
                    await self.runs.open(row)
                except Exception as error:
                    _log.error("a permanent stream cannot begin again", extra={"stream_id": row.id}, exc_info=error)
                    await self.runs.keep_end(row.id, EndReason.ERROR, getattr(error, "detail", None))

    async def stop(self, stream_id: str) -> StreamRecord:
        """
        Raises:
            StreamNotFoundError: there is no such stream.
            NodeUnreachableError: the node that runs it does not answer; it ends when that node's lease does.
        """
        running = self.runs.get(stream_id)
        if running is not None:
            await running.runner.stop(EndReason.STOPPED)
            await running.ended.wait()
        if self.shared is not None:
            await self.shared.stopped(stream_id)
        return await self.get(stream_id)

    async def get(self, stream_id: str) -> StreamRecord:
        """
        Raises:
            StreamNotFoundError: there is no such stream.
        """
        running = self.runs.get(stream_id)
        if running is not None and not running.goes_on:
            return running.record
        async with self._database.session() as session:
            row = await StreamRepository(session).stream(stream_id)
        if self.shared is not None and row.is_active:
            return (await self.shared.records([row]))[0]
        return StreamRecord(row, None, StreamOptions(**row.options))

    def active(self) -> list[StreamRecord]:
        """Those that run in this process."""
        return [running.record for running in self.runs.going]

    async def everywhere(self) -> list[StreamRecord]:
        """Those that are not over, oldest first, whichever node runs them."""
        if self.shared is None:
            return self.active()
        async with self._database.session() as session:
            rows = await StreamRepository(session).active()
        return await self.shared.records(rows)

    async def ended(self) -> list[StreamRecord]:
        """The one that ended last first."""
        async with self._database.session() as session:
            rows = await StreamRepository(session).ended(ENDED_SHOWN)
        return [StreamRecord(row, None, StreamOptions(**row.options)) for row in rows]

    async def extend(self, stream_id: str, minutes: float) -> StreamRecord:
        """
        Args:
            minutes: from now on; -1: for ever.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
        """
        running = await self._of(stream_id)
        async with self._database.session() as session:
            row = await StreamRepository(session).stream(stream_id)
            row.lifetime_minutes = minutes
            row.expires_at = expiry_of(now_utc(), minutes)
            await session.commit()
        if running is not None:
            running.row = row
            self.runs.set_expiry(running)
        if self.shared is not None:
            self.shared.changed()
        return await self.get(stream_id)

    async def pause_detection(self, stream_id: str, *, paused: bool) -> StreamRecord:
        """The picture goes on; faces are not looked for.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
        """
        running = await self._of(stream_id)
        if self.shared is not None:
            async with self._database.session() as session:
                (await StreamRepository(session).stream(stream_id)).is_paused = paused
                await session.commit()
            self.shared.changed()
        if running is not None:
            running.runner.detection_paused = paused
        return await self.get(stream_id)

    async def feed(self, stream_id: str) -> Pictures:
        """
        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
        """
        running = await self._of(stream_id)
        if self.shared is not None:
            return SharedPictures(self.shared, stream_id)
        assert running is not None
        return running.runner.broadcast

    async def snapshot(self, stream_id: str) -> bytes | None:
        """The next picture with its names, as JPEG; None: none came, or the stream ended.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
        """
        running = await self._of(stream_id)
        if running is not None:
            return await running.runner.snapshot()
        with suppress(TimeoutError):
            pictures = (await self.feed(stream_id)).pictures()
            async with asyncio.timeout(SNAPSHOT_S), aclosing(pictures):
                async for jpeg in pictures:
                    return jpeg
        return None

    async def runner(self, stream_id: str) -> StreamRunner:
        """Of a stream that this process runs; another node's is run here from now on.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
            TooManyStreamsError: it would be one more here than may be.
            NodeUnreachableError: the node that runs it does not let go of it.
        """
        running = await self._of(stream_id)
        if running is None:
            assert self.shared is not None
            running = await self.shared.here(stream_id)
        return running.runner

    async def pushed(self, stream_id: str) -> PushedFrames:
        """Where frames of a stream go that are pushed to this process.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, it is over, or none that takes frames.
            TooManyStreamsError, NodeUnreachableError: as `runner`.
        """
        record = await self.get(stream_id)
        if record.row.is_active and not record.row.is_pushed:
            raise StreamStateError(f"The stream reads its own source; only one of {PUSHED!r} takes frames.")
        pushed = (await self.runner(stream_id)).pushed
        assert pushed is not None
        return pushed

    async def run_reaper(self) -> None:
        """What a timer may have missed, such as over a machine's sleep."""
        while True:
            await asyncio.sleep(REAPER_S)
            now = now_utc()
            for running in self.runs.all:
                if running.row.expires_at is not None and running.row.expires_at <= now:
                    await running.runner.stop(EndReason.EXPIRED)

    async def run_following(self) -> None:
        """Streams that run follow what becomes of the gallery."""
        await Following(self._parts.naming, lambda: self.runs.all).run()

    def goes_on(self) -> list[Coroutine[Any, Any, None]]:
        """What goes on beside while the server is up; to be cancelled after `close`."""
        return [self.run_reaper(), self.run_following(), *([] if self.shared is None else self.shared.goes_on())]

    async def close(self) -> None:
        """All streams end here: permanent ones begin again with the server, other nodes go on with theirs."""
        self._closing = True
        if self.shared is not None:
            await self.shared.close()
            return
        await asyncio.gather(*(one.runner.stop(EndReason.SHUTDOWN) for one in self.runs.all))
        await self.runs.settled()

    async def _of(self, stream_id: str) -> RunningStream | None:
        """None: another node has it, or takes it as soon as it can.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
        """
        running = self.runs.get(stream_id)
        if running is not None and not running.is_over:
            return running
        record = await self.get(stream_id)
        if self.shared is not None and record.row.is_active:
            return None
        raise StreamStateError(f"The stream is over: {record.row.end_reason}.")


async def _streams(request: Request) -> Streams:
    # Not `def`: FastAPI would send it through a thread.
    streams: Streams = request.app.state.streams
    return streams


StreamsDep = Annotated[Streams, Depends(_streams)]
