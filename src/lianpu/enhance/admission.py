"""Who is let in: so many tasks, so many bytes; who is not is told when there may be room."""

import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lianpu.errors import BusyError

UNKNOWN_S = 30.0
"""What a task is taken to need of which nothing is known yet."""
LONGEST_WAIT_S = 600


@dataclass(slots=True)
class Place:
    """What one upload, and then its task, takes until it has ended; its result goes on being held."""

    bytes_held: int
    left_s: Callable[[], float | None] = lambda: None
    """How long the task still needs, running alone; None: it is not known."""
    result_ends_at: float | None = None
    """By `time.monotonic()`; None: it has not ended."""
    since: float = field(default_factory=time.monotonic)


class Admission:
    """Lives on the event loop."""

    def __init__(self, *, max_tasks: int, max_held_bytes: int, turns: int) -> None:
        """
        Args:
            max_tasks: those that work, wait or are being received.
            max_held_bytes: of uploads and results together.
            turns: photos that are enhanced at the same time.
        """
        self._max_tasks = max_tasks
        self._max_held_bytes = max_held_bytes
        self._turns = turns
        self._places: list[Place] = []

    def take(self, size_bytes: int) -> Place:
        """
        Args:
            size_bytes: that the upload will have at most.

        Raises:
            BusyError: there is no room; `retry_after_s` says when there may be.
        """
        working = [place for place in self._places if place.result_ends_at is None]
        if len(working) >= self._max_tasks:
            raise BusyError(
                f"{len(working)} enhancements work or wait already, and no more may wait; try again.",
                retry_after_s=_rounded(self._free_in_s(working)),
            )
        held_bytes = sum(place.bytes_held for place in self._places)
        if held_bytes + size_bytes > self._max_held_bytes:
            raise BusyError(
                "The uploads and results that are held leave no memory for this one; try again.",
                retry_after_s=_rounded(self._smaller_in_s(working)),
            )
        place = Place(size_bytes)
        self._places.append(place)
        return place

    @contextmanager
    def taken(self, size_bytes: int) -> Generator[Place]:
        """`take` for an upload: given back when it fails.

        Raises:
            BusyError: there is no room.
        """
        place = self.take(size_bytes)
        try:
            yield place
        except BaseException:
            self.give_back(place)
            raise

    def give_back(self, place: Place) -> None:
        if place in self._places:
            self._places.remove(place)

    @property
    def working(self) -> int:
        return sum(place.result_ends_at is None for place in self._places)

    def _free_in_s(self, working: list[Place]) -> float:
        """Until the first of them ends: they share the turns."""
        left = [place.left_s() for place in working]
        shortest_s = min((seconds for seconds in left if seconds is not None), default=UNKNOWN_S)
        return shortest_s * max(1.0, len(working) / self._turns)

    def _smaller_in_s(self, working: list[Place]) -> float:
        """Until the first result is fetched or overwritten, or the first upload has been worked on."""
        moment = time.monotonic()
        ends = [place.result_ends_at - moment for place in self._places if place.result_ends_at is not None]
        return min([*ends, self._free_in_s(working)])


def _rounded(seconds: float) -> int:
    return min(LONGEST_WAIT_S, max(1, math.ceil(seconds)))
