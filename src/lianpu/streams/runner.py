"""One running stream: a thread reads its source, a task looks at its newest frame, until something ends it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from structlog.contextvars import bind_contextvars, clear_contextvars

from lianpu.errors import BusyError
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams.addresses import Resolve, SourceRules
from lianpu.streams.broadcast import Broadcast
from lianpu.streams.decoding import HardwareDecoding
from lianpu.streams.frames import Frame, NewestFrame
from lianpu.streams.health import EndReason, FrameTotals, Latencies, Rate, StreamHealth, StreamState
from lianpu.streams.overlay import FrameTaker
from lianpu.streams.pace import Pace
from lianpu.streams.pipeline import FaceFinder, Person, Pipeline, Probe, Seen
from lianpu.streams.pushing import PushedFrames
from lianpu.streams.source_thread import ReadingOptions, SourceThread
from lianpu.streams.voting import Recognised

STALE_S = 0.5
SNAPSHOT_S = 5.0
SILENCE_S = 5.0
"""Without a frame for so long, nobody is in the picture any more."""
UNWATCHED_S = 10.0
"""A stream that ends when nobody watches waits so long for the first viewer, and for the next one."""
_log = logging.getLogger(__name__)

AskGallery = Callable[[Sequence[Probe]], Awaitable[list[tuple[int, Recognised, str | None]]]]
"""Who the faces are: (track id, outcome, name to show) of each probe that could be asked about."""


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    paced: bool = True
    stop_when_unwatched: bool = False
    loops: bool = False
    """A file begins again at its end."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the pipeline noticed, for whoever keeps events."""

    changed: list[Person]
    """Named, renamed, or found to be unknown."""
    ended: list[Person]


@dataclass(frozen=True, slots=True)
class _Done:
    """What a worker did with a frame."""

    begun_s: float
    seen: Seen | None
    """None: it was not looked at."""
    jpeg: bytes | None
    """None: nobody watches."""


class StreamRunner:
    """Made and used on one event loop. `on_end` is called once, whatever ended it."""

    def __init__(
        self,
        stream_id: str,
        source: str,
        rules: SourceRules,
        pipeline: Pipeline,
        ask_gallery: AskGallery,
        queue: InferenceQueue,
        *,
        options: RunnerOptions,
        on_sighting: Callable[[Sighting], Awaitable[None]],
        on_end: Callable[[EndReason, str | None], None],
        pushed: PushedFrames | None = None,
        resolve: Resolve | None = None,
        hardware: HardwareDecoding | None = None,
        on_latency: Callable[[float], None] | None = None,
    ) -> None:
        """
        Args:
            pushed: where the frames come from, for a source that is pushed.
            hardware: the device that decodes; None: software does.
            on_latency: told of each frame that was looked at, how many seconds it took.
        """
        self._id = stream_id
        self._pipeline = pipeline
        self._ask_gallery = ask_gallery
        self._queue = queue
        self._options = options
        self._on_sighting = on_sighting
        self._on_end = on_end
        self.pushed = pushed
        self._frames = NewestFrame()
        self._pace = Pace(pipeline.least_detect_every)
        self._reading = SourceThread(
            stream_id,
            source,
            rules,
            options=ReadingOptions(options.paced, options.loops, lambda: self._pace.is_crowded),
            put=self._put,
            on_end=self._finish,
            pushed=pushed,
            resolve=resolve,
            hardware=hardware,
        )
        self._task: asyncio.Task[None] | None = None
        self._end: tuple[EndReason, str | None] | None = None
        self._over: tuple[StreamState, str] | None = None
        """Set by the task alone; goes before the state that the thread sets."""
        self._looked_rate, self._published_rate = Rate(), Rate()
        self._latencies = Latencies(on_latency)
        self._forgotten: set[str] = set()
        self._change: Callable[[], None] | None = None
        self._taps: tuple[NewestFrame, ...] = ()
        self.broadcast = Broadcast()
        self.recorder: FrameTaker | None = None
        """Gets each picture that is drawn, as long as it is set."""
        self.detection_paused = False
        self._stale_total = 0
        """Frames that waited too long to be looked at."""

    @property
    def health(self) -> StreamHealth:
        median_ms, high_ms = self._latencies.percentiles_ms()
        reading = self._reading
        state, state_reason = self._over or (reading.state, reading.reason)
        return StreamHealth(
            state,
            state_reason,
            round(reading.rate.per_second(), 1),
            round(self._looked_rate.per_second(), 1),
            round(self._published_rate.per_second(), 1),
            self.totals.dropped,
            median_ms,
            high_ms,
            len(self._pipeline.persons),
            self.broadcast.viewers,
            self._pipeline.detect_every,
            reading.decoder,
            reading.decoded,
        )

    @property
    def totals(self) -> FrameTotals:
        reading = self._reading
        dropped = self._frames.dropped_total + self._stale_total + reading.left_out_total
        dropped += 0 if self.pushed is None else self.pushed.dropped_total
        return FrameTotals(reading.rate.total, self._looked_rate.total, self._published_rate.total, dropped)

    @property
    def persons(self) -> list[Person]:
        return self._pipeline.persons

    def forget(self, person_ids: set[str]) -> None:
        """These persons are nobody any more, from the next frame on."""
        self._forgotten |= person_ids

    def use(self, finder: FaceFinder, ask_gallery: AskGallery, also: Callable[[], None]) -> None:
        """From the next frame on another pack looks.

        Args:
            ask_gallery: with the vectors of that pack.
            also: called in between: what was seen before is told of by then, and nothing was seen afterwards.
        """

        def change() -> None:
            self._pipeline.use(finder)
            self._ask_gallery = ask_gallery
            also()

        self._change = change

    def add_tap(self, tap: NewestFrame) -> None:
        """Every frame is put there too, before anything is drawn on it; closed when the stream ends."""
        self._taps = (*self._taps, tap)
        if self._end is not None:
            tap.close()

    def remove_tap(self, tap: NewestFrame) -> None:
        """Harmless when it is not there."""
        self._taps = tuple(other for other in self._taps if other is not tap)

    def start(self) -> None:
        self._reading.start()
        self._task = asyncio.create_task(self._look(), name=f"stream-{self._id}")

    async def stop(self, reason: EndReason) -> None:
        """End it, and return when nothing of it is left. Harmless when it has ended."""
        self._finish(reason, None)
        if self._task is not None:
            await asyncio.wait([self._task])
        await asyncio.to_thread(self._reading.join)

    async def snapshot(self) -> bytes | None:
        """The next picture with its names, as JPEG; None: none came, or the stream ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SNAPSHOT_S), aclosing(self.broadcast.pictures()) as pictures:
                async for jpeg in pictures:
                    return jpeg
        return None

    def _finish(self, reason: EndReason, detail: str | None) -> None:
        """From any thread: the first reason counts."""
        if self._end is None:
            self._end = (reason, detail)
        self._reading.end()
        for frames in (self._frames, *self._taps):
            frames.close()

    def _put(self, frame: Frame) -> None:
        """By the thread that reads."""
        for frames in (self._frames, *self._taps):
            frames.put(frame)

    async def _look(self) -> None:
        # A stream goes on long after the request that began it.
        clear_contextvars()
        bind_contextvars(stream_id=self._id)
        try:
            watcher = asyncio.create_task(self._watch()) if self._options.stop_when_unwatched else None
            while (frame := await self._next()) is not None:
                await self._take(frame)
            if watcher is not None:
                watcher.cancel()
        except Exception as error:
            _log.error("a stream failed unexpectedly", exc_info=error)
            self._finish(EndReason.ERROR, "The server met an error of its own; its log has it.")
        await self._tell(Sighting([], self._pipeline.end()))
        reason, detail = self._end or (EndReason.STOPPED, None)
        failed = reason in {EndReason.REFUSED, EndReason.LOST, EndReason.ERROR}
        self._over = (StreamState.FAILED if failed else StreamState.ENDED, detail or reason.value)
        self.broadcast.close()
        if self.pushed is not None:
            self.pushed.close()
        self._on_end(reason, detail)

    async def _next(self) -> Frame | None:
        try:
            async with asyncio.timeout(SILENCE_S):
                return await self._frames.take()
        except TimeoutError:
            await self._tell(Sighting([], self._pipeline.end()))
            return await self._frames.take()

    async def _take(self, frame: Frame) -> None:
        due = not self.detection_paused and self._pipeline.is_due(frame)
        watched, recorder = self.broadcast.viewers > 0, self.recorder
        if not due and not watched and recorder is None:
            return
        self._catch_up()
        asked_s = time.monotonic()
        try:
            done = await self._queue.run(self._work, frame, due=due, watched=watched, recorder=recorder)
        except BusyError:
            return  # this frame goes by, as under any other overload
        seen = done.seen
        if done.jpeg is not None:
            self.broadcast.publish(done.jpeg)
            self._published_rate.count()
        if due:
            waited_s, worked_s = done.begun_s - asked_s, None if seen is None else time.monotonic() - done.begun_s
            self._pipeline.detect_every = self._pace.after(waited_s, worked_s, self._reading.rate.per_second())
        changed: list[Person] = []
        if seen is not None:
            self._looked_rate.count()
            if seen.probes:
                changed = self._pipeline.take_names(await self._answers(seen.probes))
            if changed or seen.ended:
                await self._tell(Sighting(changed, seen.ended))
        elif due:
            self._stale_total += 1
        if seen is not None or done.jpeg is not None:
            self._latencies.add(time.monotonic() - frame.moment_s)

    def _catch_up(self) -> None:
        """What was asked for between two frames."""
        while self._forgotten:
            self._pipeline.forget(self._forgotten.pop())
        change, self._change = self._change, None
        if change is not None:
            change()

    async def _answers(self, probes: Sequence[Probe]) -> list[tuple[int, Recognised, str | None]]:
        """None at all where the gallery cannot be asked now: the faces have their turn again."""
        try:
            return await self._ask_gallery(probes)
        except BusyError:
            return []
        except Exception as error:
            _log.error("the gallery cannot be asked about faces of a stream", exc_info=error)
            return []

    async def _tell(self, sighting: Sighting) -> None:
        """A stream goes on, whatever becomes of its events."""
        try:
            await self._on_sighting(sighting)
        except Exception as error:
            _log.error("an event of a stream cannot be kept", exc_info=error)

    def _work(self, frame: Frame, *, due: bool, watched: bool, recorder: FrameTaker | None) -> _Done:
        """On an inference worker."""
        begun_s = time.monotonic()
        # What became old while it waited is dropped: a late answer is worth less than the next one.
        seen = self._pipeline.look(frame) if due and begun_s - frame.moment_s < STALE_S else None
        if not watched and recorder is None:
            return _Done(begun_s, seen, None)
        drawn = self._pipeline.drawn(frame)
        if recorder is not None:
            recorder.put(drawn, frame.moment_s)
        return _Done(begun_s, seen, self._pipeline.encoded(drawn) if watched else None)

    async def _watch(self) -> None:
        unwatched_s = 0.0
        while unwatched_s < UNWATCHED_S:
            await asyncio.sleep(0.5)
            unwatched_s = 0.0 if self.broadcast.viewers else unwatched_s + 0.5
        self._finish(EndReason.UNWATCHED, None)
