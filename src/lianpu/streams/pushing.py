"""A source that comes to the server: JPEG frames that a client sends, of which only the newest waits."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from lianpu.engines.image import ImageLimits, decode_image
from lianpu.engines.image_header import ImageFormat, sniff_format
from lianpu.errors import ImageError, ImageFormatError, SourceLostError
from lianpu.streams.decoding import SOFTWARE, Decoder
from lianpu.streams.frames import Frame, Pixels
from lianpu.streams.shedding import Decoded


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a frame, and of all before it."""

    number: int
    """Of the frame: the client's first is 1."""
    dropped_total: int
    """Frames in whose place a newer one came before anybody took them."""
    problem: ImageError | None
    """The frame could not be used."""


class Pusher:
    """One client that sends frames; of one event loop."""

    def __init__(
        self, frames: "PushedFrames", on_taken: Callable[[Taken], None], on_end: Callable[[bool], None]
    ) -> None:
        self._frames = frames
        self._on_taken = on_taken
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self.received_total = 0
        self.dropped_total = 0

    def put(self, jpeg: bytes) -> None:
        self.received_total += 1
        self._frames.put(self, self.received_total, jpeg)

    def tell(self, number: int, problem: ImageError | None) -> None:
        """From any thread."""
        self._call(self._on_taken, Taken(number, self.dropped_total, problem))

    def end(self, *, replaced: bool) -> None:
        """From any thread: nobody takes its frames any more."""
        self._call(self._on_end, replaced)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is over, and nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)


class PushedFrames:
    """Of one stream: between whoever pushes its frames now and the thread that reads them."""

    def __init__(self, limits: ImageLimits) -> None:
        self.limits = limits
        self._changed = threading.Condition()
        self._pusher: Pusher | None = None
        self._waiting: tuple[Pusher, int, bytes] | None = None
        self._is_over = False
        self.dropped_total = 0

    @contextmanager
    def pusher(self, on_taken: Callable[[Taken], None], on_end: Callable[[bool], None]) -> Generator[Pusher]:
        """From now on this one pushes; whoever did so before is replaced.

        Args:
            on_taken: called when a frame was taken, or could not be used.
            on_end: called once when its frames are taken no more; with whether another one has come in its place.
        """
        pusher = Pusher(self, on_taken, on_end)
        with self._changed:
            before, self._pusher = self._pusher, pusher
            self._waiting = None
        if before is not None:
            before.end(replaced=True)
        if self._is_over:
            pusher.end(replaced=False)
        try:
            yield pusher
        finally:
            with self._changed:
                if self._pusher is pusher:
                    self._pusher = self._waiting = None
                    self._changed.notify_all()

    def put(self, pusher: Pusher, number: int, jpeg: bytes) -> None:
        with self._changed:
            if self._pusher is not pusher or self._is_over:
                return
            if self._waiting is not None:
                pusher.dropped_total += 1
                self.dropped_total += 1
            self._waiting = (pusher, number, jpeg)
            self._changed.notify_all()

    def close(self, *, goes_on: bool = False) -> None:
        """The stream is over, or goes on with what is pushed to another node."""
        with self._changed:
            is_first, self._is_over = not self._is_over, True
            pusher = self._pusher
            self._changed.notify_all()
        if pusher is not None and is_first:
            pusher.end(replaced=goes_on)

    def wake(self) -> None:
        """Who waits in `take` asks its `is_closed` again."""
        with self._changed:
            self._changed.notify_all()

    def take(self, is_closed: Callable[[], bool], *, was_pushed: bool) -> tuple[Pusher, int, bytes] | None:
        """The newest frame that was not taken yet; blocks until there is one. None: no more will come.

        Args:
            was_pushed: somebody has pushed before: that he has gone is a loss.

        Raises:
            SourceLostError: nobody pushes any more.
        """
        with self._changed:
            while self._waiting is None:
                if self._is_over or is_closed():
                    return None
                if was_pushed and self._pusher is None:
                    raise SourceLostError("Whoever pushed its frames has gone.")
                self._changed.wait()
            taken, self._waiting = self._waiting, None
            return taken


class PushedReader:
    """As `VideoReader`, for frames that are pushed."""

    decoder = Decoder("mjpeg", SOFTWARE)
    decoded = Decoded.ALL

    def __init__(self, pushed: PushedFrames) -> None:
        self._pushed = pushed
        self._closed = False

    def __enter__(self) -> "PushedReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """From any thread, without waiting."""
        self._closed = True
        self._pushed.wake()

    def frames(self) -> Iterator[Frame]:
        """Waits for somebody to push.

        Raises:
            SourceLostError: who pushed has gone, and nobody came in his place.
        """
        number = 0
        while (taken := self._pushed.take(lambda: self._closed, was_pushed=number > 0)) is not None:
            pusher, pushed_number, jpeg = taken
            moment_s = time.monotonic()
            try:
                pixels = decoded_jpeg(jpeg, self._pushed.limits)
            except ImageError as error:
                pusher.tell(pushed_number, error)
                continue
            yield Frame(number, pixels, moment_s)
            number += 1
            pusher.tell(pushed_number, None)


def decoded_jpeg(jpeg: bytes, limits: ImageLimits) -> Pixels:
    """Upright. Blocks.

    Raises:
        ImageError: it is no JPEG, is damaged, or has more pixels than it may.
    """
    if jpeg and sniff_format(jpeg) is not ImageFormat.JPEG:
        raise ImageFormatError("Frames are JPEG.")
    return decode_image(jpeg, limits).pixels
