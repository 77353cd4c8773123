"""Streams as routes see them: start, extend, pause, watch, stop; each ends for a reason that is kept."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import ImageLimits
from lianpu.engines.lettering import Lettering
from lianpu.errors import StreamStateError, TooManyStreamsError
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams.addresses import PUSHED, SourceRules, checked_source
from lianpu.streams.decoding import HardwareDecoding
from lianpu.streams.event_log import EventLog
from lianpu.streams.finding import FrameFinder
from lianpu.streams.following import Following
from lianpu.streams.health import EndReason, FrameTotals
from lianpu.streams.models import Stream
from lianpu.streams.naming import FaceNaming
from lianpu.streams.noticing import Noticing
from lianpu.streams.pipeline import Pipeline, PipelineOptions
from lianpu.streams.pushing import PushedFrames
from lianpu.streams.records import RunningStream, StreamOptions, StreamRecord, expiry_of, mark_ended
from lianpu.streams.repository import StreamRepository
from lianpu.streams.runner import RunnerOptions, Sighting, StreamRunner
from lianpu.streams.vault import SourceVault

REAPER_S = 30.0
ENDED_SHOWN = 50
_log = logging.getLogger(__name__)


class Streams:
    """Lives on one event loop."""

    def __init__(
        self,
        database: Database,
        naming: FaceNaming,
        queue: InferenceQueue,
        events: EventLog,
        noticing: Noticing,
        vault: SourceVault,
        rules: SourceRules,
        *,
        max_active: int,
        feed_lifetime_s: float,
        pushed_limits: ImageLimits,
        pipeline_options: PipelineOptions,
        hardware: HardwareDecoding,
        on_latency: Callable[[float], None] | None = None,
    ) -> None:
        """
        Args:
            feed_lifetime_s: how long an address to watch a stream at is good.
            pushed_limits: of frames that clients send.
            on_latency: as in `StreamRunner`.
        """
        self._database = database
        self._naming = naming
        self._queue = queue
        self.events = events
        self._noticing = noticing
        self._vault = vault
        self._rules = rules
        self._max_active = max_active
        self.feed_lifetime_s = feed_lifetime_s
        self._pushed_limits = pushed_limits
        self._pipeline_options = pipeline_options
        self._hardware = hardware
        self._lettering = Lettering()
        self._running: dict[str, RunningStream] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._on_stream_end: list[Callable[[str], Awaitable[None]]] = []
        self._starting = 0
        self._closing = False
        self._on_latency = on_latency
        self._frames_of_ended = FrameTotals()
        self.ends: Counter[str] = Counter()
        """Streams that ended since the start, by reason."""

    @property
    def frames(self) -> FrameTotals:
        """Of all streams since the start."""
        return sum((running.runner.totals for running in self._running.values()), self._frames_of_ended)

    def on_end(self, tell: Callable[[str], Awaitable[None]]) -> None:
        """`tell`: called with the id of a stream that ended, and waited for before its end is told."""
        self._on_stream_end.append(tell)

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
            TooManyStreamsError: as many run as may.
            PackNotFoundError, PackError: the pack cannot be used.
        """
        if len(self._going()) + self._starting >= self._max_active:
            raise TooManyStreamsError(f"{self._max_active} streams run already; stop one, or see streams.max_active.")
        self._starting += 1
        try:
            return await self._start(source, owner_id, lifetime_minutes, name, is_permanent, options)
        finally:
            self._starting -= 1

    async def _start(
        self, source: str, owner_id: str, lifetime_minutes: float, name: str, is_permanent: bool, options: StreamOptions
    ) -> StreamRecord:
        checked = await asyncio.to_thread(checked_source, source, self._rules)
        analyzer = await self._naming.analyzer(options.pack)
        options = replace(options, detect_every=options.detect_every or self._pipeline_options.detect_every)
        started_at = now_utc()
        stream_id = new_id()
        row = Stream(
            id=stream_id,
            owner_id=owner_id,
            name=name,
            source=self._vault.sealed(source, stream_id),
            shown=checked.shown[:500],
            options=asdict(options),
            lifetime_minutes=lifetime_minutes,
            is_permanent=is_permanent,
            is_active=True,
            started_at=started_at,
            expires_at=expiry_of(started_at, lifetime_minutes),
        )
        async with self._database.session() as session:
            StreamRepository(session).add(row)
            await session.commit()
        if self._closing:
            await self._keep_end(stream_id, EndReason.SHUTDOWN, None)
            return await self.get(stream_id)
        return self._run(row, source, analyzer, options).record

    async def restore(self) -> None:
        """At the start: permanent streams begin again; the others ended when the server did."""
        async with self._database.session() as session:
            rows = await StreamRepository(session).active()
            for row in rows:
                if not row.is_permanent or (row.expires_at is not None and row.expires_at <= now_utc()):
                    mark_ended(row, EndReason.SHUTDOWN if not row.is_permanent else EndReason.EXPIRED, None)
            await session.commit()
        for row in rows:
            if row.is_active:
                try:
                    options = StreamOptions(**row.options)
                    analyzer = await self._naming.analyzer(options.pack)
                    self._run(row, self._vault.opened(row.source, row.id), analyzer, options)
                except Exception as error:
                    _log.error("a permanent stream cannot begin again", extra={"stream_id": row.id}, exc_info=error)
                    await self._keep_end(row.id, EndReason.ERROR, getattr(error, "detail", None))

    async def stop(self, stream_id: str) -> StreamRecord:
        """
        Raises:
            StreamNotFoundError: there is no such stream.
        """
        running = self._running.get(stream_id)
        if running is not None:
            await running.runner.stop(EndReason.STOPPED)
            await running.ended.wait()
        return await self.get(stream_id)

    async def get(self, stream_id: str) -> StreamRecord:
        """
        Raises:
            StreamNotFoundError: there is no such stream.
        """
        running = self._running.get(stream_id)
        if running is not None:
            return running.record
        async with self._database.session() as session:
            row = await StreamRepository(session).stream(stream_id)
        return StreamRecord(row, None, StreamOptions(**row.options))

    def active(self) -> list[StreamRecord]:
        return [running.record for running in self._going()]

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
        running.row = row
        self._set_expiry(running)
        return running.record

    async def pause_detection(self, stream_id: str, *, paused: bool) -> StreamRecord:
        """The picture goes on; faces are not looked for.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
        """
        running = await self._of(stream_id)
        running.runner.detection_paused = paused
        return running.record

    async def runner(self, stream_id: str) -> StreamRunner:
        """
        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
        """
        return (await self._of(stream_id)).runner

    async def run_reaper(self) -> None:
        """What a timer may have missed, such as over a machine's sleep."""
        while True:
            await asyncio.sleep(REAPER_S)
            now = now_utc()
            for running in list(self._running.values()):
                if running.row.expires_at is not None and running.row.expires_at <= now:
                    await running.runner.stop(EndReason.EXPIRED)

    async def run_following(self) -> None:
        """Streams that run follow what becomes of the gallery."""
        await Following(self._naming, lambda: list(self._running.values())).run()

    async def close(self) -> None:
        """All streams end; permanent ones begin again with the server."""
        self._closing = True
        running = list(self._running.values())
        await asyncio.gather(*(one.runner.stop(EndReason.SHUTDOWN) for one in running))
        await asyncio.gather(*self._background, return_exceptions=True)

    def _run(self, row: Stream, source: str, analyzer: FaceAnalyzer, options: StreamOptions) -> RunningStream:
        detect_every = options.detect_every or self._pipeline_options.detect_every
        pipeline_options = replace(
            self._pipeline_options, detect_every=detect_every, live_only=self._naming.names_live_only
        )
        judge_live = self._naming.are_live if self._naming.judges_live else None
        stream_id = row.id
        noticing = self._noticing.of(stream_id, analyzer)
        runner = StreamRunner(
            stream_id,
            source,
            self._rules,
            Pipeline(FrameFinder(analyzer), pipeline_options, self._lettering, judge_live=judge_live),
            partial(noticing.ask, partial(self._naming.ask, analyzer, options.threshold)),
            self._queue,
            options=RunnerOptions(
                paced=options.paced, stop_when_unwatched=options.stop_when_unwatched, loops=options.loops
            ),
            on_sighting=partial(self._on_sighting, stream_id),
            on_end=partial(self._on_end, stream_id),
            pushed=PushedFrames(self._pushed_limits) if source.strip() == PUSHED else None,
            hardware=self._hardware,
            on_latency=self._on_latency,
        )
        running = RunningStream(row, runner, options, noticing, analyzer)
        self._running[stream_id] = running
        runner.start()
        self._set_expiry(running)
        _log.info("stream begins", extra={"stream_id": stream_id, "source": row.shown})
        return running

    async def _on_sighting(self, stream_id: str, sighting: Sighting) -> None:
        running = self._running.get(stream_id)
        if running is not None:
            await running.noticing.keep(sighting)

    def _on_end(self, stream_id: str, reason: EndReason, detail: str | None) -> None:
        running = self._running[stream_id]
        mark_ended(running.row, reason, detail)
        self.ends[reason.value] += 1
        if running.expiry is not None:
            running.expiry.cancel()
        _log.info("stream ended", extra={"stream_id": stream_id, "reason": reason.value})

        async def keep() -> None:
            try:
                await asyncio.gather(*(tell(stream_id) for tell in self._on_stream_end), return_exceptions=True)
                await self._keep_end(stream_id, reason, detail)
            finally:
                del self._running[stream_id]
                self._frames_of_ended += running.runner.totals
                running.ended.set()

        task = asyncio.create_task(keep())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _keep_end(self, stream_id: str, reason: EndReason, detail: str | None) -> None:
        async with self._database.session() as session:
            row = await StreamRepository(session).stream(stream_id)
            if not (row.is_permanent and reason is EndReason.SHUTDOWN):
                mark_ended(row, reason, detail)
                await session.commit()

    def _set_expiry(self, running: RunningStream) -> None:
        if running.expiry is not None:
            running.expiry.cancel()
            running.expiry = None
        expires_at = running.row.expires_at
        if expires_at is not None:
            wait_s = max(0.0, (expires_at - now_utc()).total_seconds())
            running.expiry = asyncio.get_running_loop().call_later(wait_s, self._expire, running)

    def _expire(self, running: RunningStream) -> None:
        task = asyncio.create_task(running.runner.stop(EndReason.EXPIRED))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _of(self, stream_id: str) -> RunningStream:
        running = self._running.get(stream_id)
        if running is None or running.is_over:
            record = await self.get(stream_id)
            raise StreamStateError(f"The stream is over: {record.row.end_reason}.")
        return running

    def _going(self) -> list[RunningStream]:
        return [running for running in self._running.values() if not running.is_over]


async def _streams(request: Request) -> Streams:
    # Not `def`: FastAPI would send it through a thread.
    streams: Streams = request.app.state.streams
    return streams


StreamsDep = Annotated[Streams, Depends(_streams)]
