"""Callers who wait at the same time are answered together, by one pass over memory."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

import numpy as np
from numpy.typing import NDArray

from lianpu.vectors.index import PersonHit

Hits = list[list[PersonHit]]
"""Of one request: for each probe the persons, best first."""


@dataclass(slots=True, eq=False)
class Request:
    """Some probes of one caller, and what becomes of them."""

    probes: NDArray[np.float32]
    """[n, dimension]."""
    top_k: int
    hits: Hits | None = None
    error: BaseException | None = None
    turn: Event = field(default_factory=Event)
    """Set when it is answered, or when its caller is the next to make a pass."""


MakePass = Callable[[Sequence[Request]], Sequence[Hits]]


class Passes:
    """One pass at a time. Whoever comes alone makes it at once; those who come during a pass go together into the next.

    So a pass begins after all calls that it answers, and nobody waits for more than the pass that runs and those of the
    callers who came before. The first of the waiting makes the next pass, in its own thread.
    """

    def __init__(self, most_probes: int) -> None:
        """`most_probes`: of one pass, unless a single request has more."""
        self._most_probes = most_probes
        self._lock = Lock()
        self._waiting: deque[Request] = deque()
        self._is_running = False

    def answered(self, probes: NDArray[np.float32], top_k: int, make_pass: MakePass) -> Hits:
        """Blocks. What a pass raises is raised to each of its callers.

        Args:
            probes: [n, dimension].
            top_k: as of `VectorIndex.search`.
            make_pass: the same of all callers; not kept, as whoever owns the passes owns it too.
        """
        request = Request(probes, top_k)
        with self._lock:
            self._waiting.append(request)
            leads = not self._is_running
            self._is_running = True
        if not leads:
            request.turn.wait()
        if request.hits is None and request.error is None:
            self._lead(make_pass)
        if request.error is not None:
            raise request.error
        assert request.hits is not None
        return request.hits

    def _lead(self, make_pass: MakePass) -> None:
        with self._lock:
            requests = [self._waiting.popleft()]
            count = len(requests[0].probes)
            while self._waiting and count + len(self._waiting[0].probes) <= self._most_probes:
                requests.append(self._waiting.popleft())
                count += len(requests[-1].probes)
        try:
            for request, hits in zip(requests, make_pass(requests), strict=True):
                request.hits = hits
        except BaseException as error:  # whoever waits for it must hear of it, whatever it is
            for request in requests:
                request.error = error
        with self._lock:
            self._is_running = bool(self._waiting)
            woken = [*requests[1:], *([self._waiting[0]] if self._waiting else [])]
        for request in woken:
            request.turn.set()
