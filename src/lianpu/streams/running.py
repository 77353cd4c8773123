"""The streams that run in this process: begun, ended for a reason that is kept, or left to another node."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import ImageLimits
from lianpu.engines.lettering import Lettering
from lianpu.errors import LeaseLostError
from lianpu.leases.leases import HeldLease, Leases
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams.addresses import PUSHED, SourceRules
from lianpu.streams.decoding import HardwareDecoding
from lianpu.streams.finding import FrameFinder
from lianpu.streams.health import EndReason, FrameTotals
from lianpu.streams.models import Stream
from lianpu.streams.naming import FaceNaming
from lianpu.streams.noticing import Noticing
from lianpu.streams.pipeline import Pipeline, PipelineOptions
from lianpu.streams.pushing import PushedFrames
from lianpu.streams.records import RunningStream, StreamOptions, mark_ended
from lianpu.streams.repository import StreamRepository
from lianpu.streams.runner import RunnerOptions, Sighting, StreamRunner
from lianpu.streams.vault import SourceVault

_log = logging.getLogger(__name__)

EndsHere = Callable[[str, bool], Awaitable[None]]
"""Called with a stream's id, and whether it goes on elsewhere."""


@dataclass(frozen=True, slots=True)
class RunParts:
    """What every stream runs with."""

    naming: FaceNaming
    queue: InferenceQueue
    noticing: Noticing
    vault: SourceVault
    rules: SourceRules
    pushed_limits: ImageLimits
    """Of frames that clients send."""
    pipeline_options: PipelineOptions
    hardware: HardwareDecoding
    on_latency: Callable[[float], None] | None = None
    """As in `StreamRunner`."""


class StreamRuns:
    """Lives on one event loop."""

    def __init__(self, database: Database, parts: RunParts, leases: Leases | None) -> None:
        """`leases`: None: this process is the only one."""
        self._database = database
        self._parts = parts
        self._leases = leases
        self._lettering = Lettering()
        self._running: dict[str, RunningStream] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._on_end_here: list[EndsHere] = []
        self._on_over: list[Callable[[str, bool], None]] = []
        self._frames_of_ended = FrameTotals()
        self.ends: Counter[str] = Counter()
        """Streams that ended since the start, by reason."""

    @property
    def frames(self) -> FrameTotals:
        """Of all streams since the start."""
        return sum((running.runner.totals for running in self._running.values()), self._frames_of_ended)

    @property
    def all(self) -> list[RunningStream]:
        """Those that are about to end, too."""
        return list(self._running.values())

    @property
    def going(self) -> list[RunningStream]:
        return [running for running in self._running.values() if not running.is_over]

    def get(self, stream_id: str) -> RunningStream | None:
        """Also one that is about to end."""
        return self._running.get(stream_id)

    def on_end(self, tell: EndsHere) -> None:
        """`tell`: called with a stream that ends here, and waited for before its end is told."""
        self._on_end_here.append(tell)

    def on_over(self, tell: Callable[[str, bool], None]) -> None:
        """`tell`: likewise, once its end is kept or its lease is given back."""
        self._on_over.append(tell)

    async def open(self, row: Stream, lease: HeldLease | None = None) -> RunningStream:
        """Begin with what the row says.

        Raises:
            SourceUnreadableError: its source cannot be decrypted.
            PackNotFoundError, PackError: its pack cannot be used.
            LeaseLostError: the lease was lost meanwhile.
        """
        options = StreamOptions(**row.options)
        analyzer = await self._parts.naming.analyzer(options.pack)
        source = self._parts.vault.opened(row.source, row.id)
        if lease is not None:
            lease.check()
        return self.begin(row, source, analyzer, options, lease)

    def begin(
        self, row: Stream, source: str, analyzer: FaceAnalyzer, options: StreamOptions, lease: HeldLease | None = None
    ) -> RunningStream:
        parts = self._parts
        detect_every = options.detect_every or parts.pipeline_options.detect_every
        pipeline_options = replace(
            parts.pipeline_options, detect_every=detect_every, live_only=parts.naming.names_live_only
        )
        judge_live = parts.naming.are_live if parts.naming.judges_live else None
        noticing = parts.noticing.of(row.id, analyzer, lease)
        runner = StreamRunner(
            row.id,
            source,
            parts.rules,
            Pipeline(FrameFinder(analyzer), pipeline_options, self._lettering, judge_live=judge_live),
            partial(noticing.ask, partial(parts.naming.ask, analyzer, options.threshold)),
            parts.queue,
            options=RunnerOptions(
                paced=options.paced, stop_when_unwatched=options.stop_when_unwatched, loops=options.loops
            ),
            on_sighting=partial(self._on_sighting, row.id),
            on_end=partial(self._on_end, row.id),
            pushed=PushedFrames(parts.pushed_limits) if source.strip() == PUSHED else None,
            hardware=parts.hardware,
            on_latency=parts.on_latency,
        )
        runner.detection_paused = row.is_paused
        running = RunningStream(row, runner, options, noticing, analyzer, lease)
        self._running[row.id] = running
        runner.start()
        self.set_expiry(running)
        _log.info("stream begins", extra={"stream_id": row.id, "source": row.shown})
        return running

    async def leave(self, running: RunningStream) -> None:
        """Another node goes on with it. Returns when nothing of it is left here; its lease is given back by then."""
        if not running.is_over:
            running.goes_on = True
            if running.runner.pushed is not None:
                running.runner.pushed.close(goes_on=True)
            await running.runner.stop(EndReason.SHUTDOWN)
        await running.ended.wait()

    def lose(self, lease: HeldLease) -> None:
        """Another node may go on with its stream: nothing of it may be written any more."""
        running = self._running.get(lease.name)
        if running is not None and running.lease is lease:
            self.do(self.leave(running))

    async def keep_end(
        self, stream_id: str, reason: EndReason, detail: str | None, lease: HeldLease | None = None
    ) -> None:
        """
        Raises:
            LeaseLostError: another node goes on with it; nothing is written.
        """

        async def keep(session: AsyncSession) -> None:
            if lease is not None and self._leases is not None:
                await self._leases.remove(session, lease)
            row = await StreamRepository(session).stream(stream_id)
            # A permanent one begins again with the only server there is.
            if not (lease is None and row.is_permanent and reason is EndReason.SHUTDOWN):
                mark_ended(row, reason, detail)

        await self._database.committed(keep)
        if lease is not None and self._leases is not None:
            self._leases.forget(lease)

    def set_expiry(self, running: RunningStream) -> None:
        if running.expiry is not None:
            running.expiry.cancel()
            running.expiry = None
        expires_at = running.row.expires_at
        if expires_at is not None:
            wait_s = max(0.0, (expires_at - now_utc()).total_seconds())
            stop = partial(running.runner.stop, EndReason.EXPIRED)
            running.expiry = asyncio.get_running_loop().call_later(wait_s, lambda: self.do(stop()))

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background; `settled` waits for it."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def settled(self) -> None:
        """Returns when nothing goes on in the background."""
        while self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    async def _on_sighting(self, stream_id: str, sighting: Sighting) -> None:
        running = self._running.get(stream_id)
        if running is None:
            return
        try:
            await running.noticing.keep(sighting)
        except LeaseLostError:
            # It may have stood still for longer than its lease, and has not been told yet.
            if running.lease is not None and self._leases is not None:
                self._leases.forget(running.lease, is_lost=True)

    def _on_end(self, stream_id: str, reason: EndReason, detail: str | None) -> None:
        running = self._running[stream_id]
        if not running.goes_on:
            mark_ended(running.row, reason, detail)
            self.ends[reason.value] += 1
        if running.expiry is not None:
            running.expiry.cancel()
        told = "stream goes on elsewhere" if running.goes_on else "stream ended"
        _log.info(told, extra={"stream_id": stream_id, "reason": reason.value})
        self.do(self._ended(running, reason, detail))

    async def _ended(self, running: RunningStream, reason: EndReason, detail: str | None) -> None:
        stream_id, lease = running.row.id, running.lease
        tells = (tell(stream_id, running.goes_on) for tell in self._on_end_here)
        try:
            await asyncio.gather(*tells, return_exceptions=True)
            if running.goes_on:
                if lease is not None and self._leases is not None and lease.is_held:
                    await self._leases.give_back(lease)
            else:
                await self.keep_end(stream_id, reason, detail, lease)
        except LeaseLostError:
            _log.info("the end of a stream is another node's", extra={"stream_id": stream_id})
        finally:
            if lease is not None and self._leases is not None:
                self._leases.forget(lease)
            del self._running[stream_id]
            self._frames_of_ended += running.runner.totals
            running.ended.set()
            for over in self._on_over:
                over(stream_id, running.goes_on)
