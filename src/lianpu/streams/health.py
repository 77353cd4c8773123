"""How a stream is: its state and why, and the numbers of its last seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lianpu.streams.decoding import Decoder
from lianpu.streams.shedding import Decoded

WINDOW_S = 10.0


class StreamState(StrEnum):
    CONNECTING = "connecting"
    RUNNING = "running"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        return self in {StreamState.ENDED, StreamState.FAILED}


class EndReason(StrEnum):
    STOPPED = "stopped"
    EXPIRED = "expired"
    END_OF_FILE = "end_of_file"
    UNWATCHED = "unwatched"
    SHUTDOWN = "shutdown"
    REFUSED = "refused"
    """Its source is none that may be read from."""
    LOST = "lost"
    """Its source could not be read, and is none that comes back."""
    ERROR = "error"
    """The server met an error of its own."""


@dataclass(frozen=True, slots=True)
class StreamHealth:
    state: StreamState
    reason: str | None
    """For people: why it is in this state."""
    source_fps: float
    processed_fps: float
    """Frames that faces were looked for in."""
    published_fps: float
    dropped_total: int
    latency_p50_ms: float | None
    """From the frame's decoding until its names or its picture were there; of the last seconds. None: no frame."""
    latency_p95_ms: float | None
    persons: int
    """In the picture now."""
    viewers: int
    detect_every: int
    """Faces are looked for in every k-th frame; more than what was asked for while the machine cannot keep up."""
    decoder: Decoder | None
    """None: no frame yet."""
    decoded: Decoded


class Rate:
    """Events a second, over the last seconds; counted by one thread and asked for by another."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=2000)
        self.total = 0
        self._lock = threading.Lock()

    def count(self, times: int = 1) -> None:
        with self._lock:
            self.total += times
            self._moments.extend([time.monotonic()] * times)

    def per_second(self) -> float:
        with self._lock:
            now = time.monotonic()
            recent = [moment for moment in self._moments if now - moment <= WINDOW_S]
        if len(recent) < 2:
            return float(len(recent)) / WINDOW_S
        return (len(recent) - 1) / max(recent[-1] - recent[0], now - recent[0], 1e-3)


@dataclass(frozen=True, slots=True)
class FrameTotals:
    """Frames of a stream since it began, or of several together."""

    read: int = 0
    looked_at: int = 0
    published: int = 0
    dropped: int = 0

    def __add__(self, other: "FrameTotals") -> "FrameTotals":
        return FrameTotals(
            self.read + other.read,
            self.looked_at + other.looked_at,
            self.published + other.published,
            self.dropped + other.dropped,
        )


class Latencies:
    """Of the last seconds; added by one thread and asked for by another."""

    def __init__(self, observe: Callable[[float], None] | None = None) -> None:
        """`observe`: told of every one, in seconds."""
        self._observe = observe
        self._samples: deque[tuple[float, float]] = deque(maxlen=2000)
        self._lock = threading.Lock()

    def add(self, latency_s: float) -> None:
        with self._lock:
            self._samples.append((time.monotonic(), latency_s))
        if self._observe is not None:
            self._observe(latency_s)

    def percentiles_ms(self) -> tuple[float | None, float | None]:
        """Median and 95th."""
        with self._lock:
            samples = list(self._samples)
        now = time.monotonic()
        recent = sorted(latency for moment, latency in samples if now - moment <= WINDOW_S)
        if not recent:
            return None, None
        median, high = (recent[round(share * (len(recent) - 1))] for share in (0.5, 0.95))
        return round(1000 * median, 1), round(1000 * high, 1)
