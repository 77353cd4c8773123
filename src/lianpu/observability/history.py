"""The numbers of the last minutes, kept in memory: a page that is opened now shows what was before."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

INTERVAL_S = 5.0
LENGTH = 180
"""Fifteen minutes."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Point:
    """One moment; rates and times are those of the interval before it."""

    at: float
    """By the clock of the wall, in seconds since 1970."""
    cpu_share: float
    """0…1 of all cores of the machine, by everybody."""
    process_cpu_share: float
    """0…1 of all cores of the machine, by this process."""
    memory_used_bytes: int
    """Of the machine."""
    process_memory_bytes: int
    gpu_busy_share: float | None
    """Of the busiest GPU; None: there is none, or it does not tell."""
    gpu_memory_used_bytes: int | None
    """Of all GPUs; None: there is none."""
    queue_waiting: int
    queue_running: int
    jobs_waiting: int
    streams: int
    requests_per_s: float
    request_s: float | None
    """Mean time to the first byte of an answer; None: there was no request."""
    inference_s: float | None
    """Mean time of one stage that runs a network; None: none ran."""
    inferences_per_s: float


class History:
    """Lives on one event loop."""

    def __init__(self, take: Callable[[float], Awaitable[Point]], *, interval_s: float = INTERVAL_S) -> None:
        """`take`: makes a point; it is given the seconds since the one before."""
        self._take = take
        self.interval_s = interval_s
        self._points: deque[Point] = deque(maxlen=LENGTH)

    def since(self, moment: float) -> list[Point]:
        """Those after it, oldest first."""
        return [point for point in self._points if point.at > moment]

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(self.interval_s)
            now = loop.time()
            try:
                self._points.append(await self._take(now - before))
            except Exception as error:  # a database that is away leaves a gap
                _log.warning("the numbers of this moment cannot be taken", extra={"reason": type(error).__name__})
            before = now
