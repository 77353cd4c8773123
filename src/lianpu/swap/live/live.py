"""One live swap: the newest frame of a stream, a face on it, labels on that, and out to whoever watches."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from lianpu.database.base import now_utc
from lianpu.engines.camera.sink import FrameSink
from lianpu.engines.face.face import Image
from lianpu.engines.image import encode_jpeg
from lianpu.engines.provenance.labelling import FrameLabel
from lianpu.engines.swap.swapper import SwapFaces
from lianpu.errors import BusyError, ConsentError, LianpuError
from lianpu.observability.stages import Stage, stage
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams.broadcast import Broadcast
from lianpu.streams.frames import Frame, NewestFrame
from lianpu.streams.health import Rate
from lianpu.streams.runner import StreamRunner
from lianpu.swap.consents.consents import Use
from lianpu.swap.engines import EngineShelf, SwapFrame

_log = logging.getLogger(__name__)


class LiveState(StrEnum):
    WAITING = "waiting"
    """For the first frame."""
    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"


class LiveEnd(StrEnum):
    STOPPED = "stopped"
    STREAM_ENDED = "stream_ended"
    REVOKED = "consent_lost"
    """Revoked, over, or its person was deleted."""
    SHUTDOWN = "shutdown"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LiveSwapRecord:
    id: str
    owner_id: str
    stream_id: str
    consent_id: str
    engine: str
    state: LiveState
    end_reason: LiveEnd | None
    end_detail: str | None
    started_at: datetime
    ended_at: datetime | None
    frames: int
    frames_with_a_face: int
    fps: float
    camera: str | None


class Camera(FrameSink, Protocol):
    """Shows pictures to other programs as a webcam does. Calls block."""

    name: str
    """Of its device."""


OpenCamera = Callable[[], Camera]
"""Raises CameraUnavailableError."""


class Painter:
    """Swaps and labels one frame after another; for one thread at a time. There is no way around the label."""

    def __init__(self, source: object, swap: SwapFrame, label: FrameLabel, jpeg_quality: int) -> None:
        self._source = source
        self._swap = swap
        self._label = label
        self._jpeg_quality = jpeg_quality

    @classmethod
    def made(
        cls, shelf: EngineShelf, engine: str, source: Image, faces: SwapFaces, label: FrameLabel, jpeg_quality: int
    ) -> "Painter":
        """Loads what the engine needs. Blocks."""
        live = shelf.frames(engine)
        return cls(live.prepare(source), live.follow(faces), label, jpeg_quality)

    def paint(self, frame: Frame) -> tuple[Image, bytes, bool]:
        """The labelled picture, the same as JPEG, and whether there was a face. Blocks."""
        swapped, boxes = self._swap(self._source, frame.pixels)
        labelled = self._label.apply(swapped)
        return labelled, encode_jpeg(labelled, self._jpeg_quality), bool(boxes)


class LiveSwap:
    """Lives on one event loop. `on_end` is called once, whatever ended it."""

    def __init__(
        self,
        live_id: str,
        owner_id: str,
        stream_id: str,
        engine: str,
        use: Use,
        painter: Painter,
        queue: InferenceQueue,
        open_camera: OpenCamera | None,
        *,
        on_end: Callable[["LiveSwap"], Awaitable[None]],
    ) -> None:
        self.id = live_id
        self.owner_id = owner_id
        self.stream_id = stream_id
        self.engine = engine
        self.use = use
        self.broadcast = Broadcast()
        self._painter = painter
        self._queue = queue
        self._open_camera = open_camera
        self._camera: Camera | None = None
        self._device: str | None = None
        self._on_end = on_end
        self._frames = NewestFrame()
        self._rate = Rate()
        self._started_at = now_utc()
        self._ended_at: datetime | None = None
        self._end: tuple[LiveEnd, str | None] | None = None
        self._with_a_face = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def record(self) -> LiveSwapRecord:
        reason, detail = self._end or (None, None)
        state = LiveState.RUNNING if self.broadcast.published_total else LiveState.WAITING
        if reason is not None:
            state = LiveState.FAILED if reason is LiveEnd.ERROR else LiveState.ENDED
        return LiveSwapRecord(
            id=self.id,
            owner_id=self.owner_id,
            stream_id=self.stream_id,
            consent_id=self.use.consent_id,
            engine=self.engine,
            state=state,
            end_reason=reason,
            end_detail=detail,
            started_at=self._started_at,
            ended_at=self._ended_at,
            frames=self.broadcast.published_total,
            frames_with_a_face=self._with_a_face,
            fps=round(self._rate.per_second(), 1),
            camera=self._device,
        )

    def start(self, runner: StreamRunner, lost: Coroutine[Any, Any, ConsentError]) -> None:
        """
        Args:
            lost: returns when the consent does not permit it any more.
        """
        self._task = asyncio.create_task(self._run(runner, lost), name=f"live-swap-{self.id}")

    def finish(self, reason: LiveEnd, detail: str | None = None) -> None:
        """Not one frame is published from here on. The first reason counts."""
        if self._end is None:
            self._end = (reason, detail)
            self._ended_at = now_utc()
        self.broadcast.close()
        self._frames.close()

    async def stop(self, reason: LiveEnd) -> None:
        """End it, and return when nothing of it is left."""
        self.finish(reason)
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self, runner: StreamRunner, lost: Coroutine[Any, Any, ConsentError]) -> None:
        watcher = asyncio.create_task(self._watch(lost))
        runner.add_tap(self._frames)
        try:
            if self._open_camera is not None:
                self._camera = await asyncio.to_thread(self._open_camera)
                self._device = self._camera.name
            while (frame := await self._frames.take()) is not None and self._end is None:
                await self._take(frame)
            self.finish(LiveEnd.STREAM_ENDED)
        except LianpuError as error:
            self.finish(LiveEnd.ERROR, error.detail)
        except Exception as error:
            _log.error("a live swap failed unexpectedly", extra={"live_swap": self.id}, exc_info=error)
            self.finish(LiveEnd.ERROR, "The server met an error of its own; its log has it.")
        finally:
            watcher.cancel()
            runner.remove_tap(self._frames)
            if self._camera is not None:
                with suppress(Exception):  # a driver raises what it likes, and nothing is left to be done
                    await asyncio.to_thread(self._camera.close)
            try:
                await self._on_end(self)
            except Exception as error:
                _log.error("the end of a live swap cannot be recorded", extra={"live_swap": self.id}, exc_info=error)

    async def _take(self, frame: Frame) -> None:
        try:
            picture, jpeg, has_face = await self._queue.run(self._painted, frame)
        except BusyError:
            return  # this frame goes by, as under any other overload
        if self._end is not None:
            return
        self.broadcast.publish(jpeg)
        self._rate.count()
        self._with_a_face += has_face
        if self._camera is not None:
            await asyncio.to_thread(self._camera.show, picture)

    def _painted(self, frame: Frame) -> tuple[Image, bytes, bool]:
        """On an inference worker."""
        with stage(Stage.SWAP, self.engine):
            return self._painter.paint(frame)

    async def _watch(self, lost: Coroutine[Any, Any, ConsentError]) -> None:
        error = await lost
        self.finish(LiveEnd.REVOKED, error.detail)
