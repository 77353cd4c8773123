"""The thread of a stream that reads its source, again and again, until somebody ends it or there is nothing more."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from structlog.contextvars import bind_contextvars

from lianpu.errors import SourceLostError, SourceRefusedError
from lianpu.streams.addresses import Resolve, Source, SourceKind, SourceRules, checked_source
from lianpu.streams.decoding import Decoder, HardwareDecoding
from lianpu.streams.frames import Frame
from lianpu.streams.health import EndReason, Rate, StreamState
from lianpu.streams.pushing import PushedFrames, PushedReader
from lianpu.streams.reading import VideoReader
from lianpu.streams.shedding import Decoded, give_way

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
JITTER = 0.3
JOIN_S = 1.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    paced: bool
    """A file at its own speed."""
    loops: bool
    """A file begins again at its end."""
    is_crowded: Callable[[], bool]
    """Less is decoded while looks at frames have to wait."""


class SourceThread:
    """What it says of itself is read from other threads."""

    def __init__(
        self,
        stream_id: str,
        source: str,
        rules: SourceRules,
        *,
        options: ReadingOptions,
        put: Callable[[Frame], None],
        on_end: Callable[[EndReason, str | None], None],
        pushed: PushedFrames | None = None,
        resolve: Resolve | None = None,
        hardware: HardwareDecoding | None = None,
    ) -> None:
        """
        Args:
            put: gets every frame, numbered on across losses of the source; called by the thread.
            on_end: called by the thread where it ends of itself.
            pushed: where the frames come from, for a source that is pushed.
        """
        self._id = stream_id
        self._source = source
        self._rules = rules
        self._options = options
        self._put = put
        self._on_end = on_end
        self._pushed = pushed
        self._resolve = resolve
        self._hardware = hardware
        self._stopping = threading.Event()
        self._reader: VideoReader | PushedReader | None = None
        self._thread = threading.Thread(target=self._read, name=f"stream-{stream_id}", daemon=True)
        self.state = StreamState.CONNECTING
        self.reason: str | None = None
        self.rate = Rate()
        """Of all frames, those that were not decoded included."""
        self.left_out_total = 0
        """Frames that were not decoded."""
        self.decoder: Decoder | None = None
        self.decoded = Decoded.ALL

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """From any thread, without waiting."""
        self._stopping.set()
        reader = self._reader
        if reader is not None:
            reader.end()

    def join(self) -> None:
        """Wait until it has ended. A resolver that does not answer cannot be interrupted: then it ends later."""
        self._thread.join(JOIN_S)

    def _read(self) -> None:
        bind_contextvars(stream_id=self._id)
        give_way()
        number, wait_s = 0, FIRST_WAIT_S
        while not self._stopping.is_set():
            before = number
            try:
                number, begins_again = self._read_once(number)
                if begins_again and number > before:
                    continue
                problem = "The source has ended."
            except SourceRefusedError as error:
                self._on_end(EndReason.REFUSED, error.detail)
                return
            except SourceLostError as error:
                problem = error.detail
            except Exception as error:
                _log.error("a stream's source failed unexpectedly", exc_info=error)
                self._on_end(EndReason.ERROR, "The server met an error of its own; its log has it.")
                return
            if self._stopping.is_set():
                return
            wait_s = FIRST_WAIT_S if number > before else min(2 * wait_s, LONGEST_WAIT_S)
            self.state, self.reason = StreamState.RECONNECTING, problem
            self._stopping.wait(wait_s * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 (spreads load, hides nothing)

    def _read_once(self, number: int) -> tuple[int, bool]:
        """Until the source ends: the number of the next frame, and whether the source is a file that begins again."""
        source = checked_source(self._source, self._rules, self._resolve)
        is_file = source.kind is SourceKind.FILE
        with self._reader_of(source) as reader:
            self._reader = reader
            if self._stopping.is_set():
                return number, False
            first = number
            try:
                for frame in reader.frames():
                    frame.number += first
                    self.left_out_total += frame.number - number
                    self.rate.count(frame.number - number + 1)
                    number = frame.number + 1
                    self.decoder, self.decoded = reader.decoder, reader.decoded
                    self.state, self.reason = StreamState.RUNNING, None
                    self._put(frame)
            except SourceLostError as error:
                if is_file:
                    self._on_end(EndReason.LOST, error.detail)
                raise
            finally:
                self._reader = None
        if is_file and not self._options.loops:
            self._on_end(EndReason.END_OF_FILE, None)
        return number, is_file

    def _reader_of(self, source: Source) -> VideoReader | PushedReader:
        if source.kind is SourceKind.PUSH:
            assert self._pushed is not None
            return PushedReader(self._pushed)
        return VideoReader(
            source,
            self._rules,
            paced=self._options.paced,
            resolve=self._resolve,
            name=f"stream-{self._id}",
            hardware=self._hardware,
            is_crowded=self._options.is_crowded,
        )
