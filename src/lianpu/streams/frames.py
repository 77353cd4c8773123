"""Frames between the thread that reads them and the task that looks at them: the newest counts, others are dropped."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""[height, width, 3], RGB; not to be written to."""


class Frame:
    """One picture of a stream. Its colours are converted when somebody looks: most frames are never looked at."""

    __slots__ = ("_lock", "_pixels", "moment_s", "number")

    def __init__(self, number: int, pixels: Pixels | Callable[[], Pixels], moment_s: float) -> None:
        """
        Args:
            number: counted at the source, those that are dropped included.
            moment_s: `time.monotonic()` when it was decoded.
        """
        self.number = number
        self.moment_s = moment_s
        self._pixels = pixels
        self._lock = threading.Lock()

    @property
    def pixels(self) -> Pixels:
        """Blocks at the first call. From any thread."""
        # Whoever looks and whoever swaps ask at once, and FFmpeg's conversion of one picture is for one thread alone.
        with self._lock:
            if callable(self._pixels):
                self._pixels = self._pixels()
            return self._pixels


class NewestFrame:
    """Holds one frame, put by a thread, taken by a task of the event loop it was made on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._came = asyncio.Event()
        self._frame: Frame | None = None
        self._closed = False
        self.put_total = 0
        self.dropped_total = 0
        """Frames that nobody took before the next one came."""

    def put(self, frame: Frame) -> None:
        with self._lock:
            self.put_total += 1
            self.dropped_total += self._frame is not None
            self._frame = frame
        self._wake()

    async def take(self) -> Frame | None:
        """The newest frame that was not taken yet; waits for one. None: no more will come."""
        while True:
            with self._lock:
                frame, self._frame = self._frame, None
                self._came.clear()
                if frame is not None or self._closed:
                    return frame
            await self._came.wait()

    def close(self) -> None:
        """No more frames; the last one can still be taken."""
        with self._lock:
            self._closed = True
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop is over, and nobody waits any more
            self._loop.call_soon_threadsafe(self._came.set)
