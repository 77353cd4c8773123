"""Pictures of a stream to an MP4 file, on a thread of its own: whoever draws them never waits for a disk."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
import cv2
import numpy as np

from lianpu.streams.overlay import Picture

WAITING_PICTURES = 4
"""More than a disk's hiccup lasts would only take memory: those that find no room are left out."""
_TIME_BASE = Fraction(1, 90_000)
# In pieces that stand for themselves: what was written is watchable although the server was killed.
_CONTAINER = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
# An encoder that looks ahead would hold dozens of pictures in memory.
_ENCODER = {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "g": "50"}


class RecordingEnd(StrEnum):
    STOPPED = "stopped"
    STREAM_ENDED = "stream_ended"
    SIZE_LIMIT = "size_limit"
    FAILED = "failed"
    """It could not be written, such as on a full disk."""
    INTERRUPTED = "interrupted"
    """The server was killed meanwhile, or another node goes on with the stream."""


@dataclass(frozen=True, slots=True)
class Written:
    reason: RecordingEnd
    detail: str | None
    frames: int
    dropped: int
    """Pictures that found no room."""


class Recorder:
    """Implements `lianpu.streams.overlay.FrameTaker`."""

    def __init__(self, file: Path, *, max_bytes: int, name: str, on_end: Callable[[Written], None]) -> None:
        """
        Args:
            max_bytes: it ends when its file has so many.
            name: of the thread.
            on_end: called once, on that thread, when the file is complete.
        """
        self._file = file
        self._max_bytes = max_bytes
        self._on_end = on_end
        self._pictures: queue.Queue[tuple[Picture, float] | None] = queue.Queue(WAITING_PICTURES)
        self._end: RecordingEnd | None = None
        self._dropped = 0
        self.frames = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, picture: Picture, moment_s: float) -> None:
        """From any thread, without waiting.

        Args:
            picture: [height, width, 3] uint8 RGB; not written to any more.
            moment_s: on any clock that does not go back.
        """
        try:
            self._pictures.put_nowait((picture, moment_s))
        except queue.Full:
            self._dropped += 1

    def close(self, reason: RecordingEnd) -> None:
        """Returns when the file is complete. Blocks. Harmless when it has ended."""
        self._end = self._end or reason
        while self._thread.is_alive():
            with suppress(queue.Full):
                self._pictures.put(None, timeout=0.1)
                break
        self._thread.join()

    def _run(self) -> None:
        detail = None
        try:
            self._write()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            self._end, detail = RecordingEnd.FAILED, getattr(error, "strerror", None) or type(error).__name__
        self._on_end(Written(self._end or RecordingEnd.STOPPED, detail, self.frames, self._dropped))

    def _write(self) -> None:
        first = self._pictures.get()
        if first is None:
            return
        # FFmpeg would make it with the rights of any other file.
        self._file.touch(mode=0o600)
        height, width = (side - side % 2 for side in first[0].shape[:2])
        # PyAV's types of what is encoded are open ends.
        with cast(Any, av.open(str(self._file), "w", format="mp4", container_options=_CONTAINER)) as container:
            stream = container.add_stream("libx264", rate=25, options=_ENCODER)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.time_base = _TIME_BASE
            stream.codec_context.thread_count = 1
            taken: tuple[Picture, float] | None = first
            last = -1
            while taken is not None:
                picture, moment_s = taken
                frame = av.VideoFrame.from_ndarray(_fitted(picture, width, height), format="rgb24")
                last = max(last + 1, round((moment_s - first[1]) / _TIME_BASE))
                frame.pts, frame.time_base = last, _TIME_BASE
                container.mux(stream.encode(frame))
                self.frames += 1
                if self._file.stat().st_size >= self._max_bytes:
                    self._end = self._end or RecordingEnd.SIZE_LIMIT
                    break
                taken = self._pictures.get()
            container.mux(stream.encode(None))


def _fitted(picture: Picture, width: int, height: int) -> Picture:
    """A source may come back with pictures of another size, and a file has one."""
    if picture.shape[0] - picture.shape[0] % 2 == height and picture.shape[1] - picture.shape[1] % 2 == width:
        return np.ascontiguousarray(picture[:height, :width])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
