"""How often something can be done in a second, by one caller or by several at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    per_s: float
    measured_s: float
    """How long it was measured: until the last call that had begun in time was over."""

    def times(self, count: int) -> "Rate":
        """Of something that each call does so often."""
        return Rate(self.per_s * count, self.measured_s)


def rate_of(call: Callable[[], object], callers: int, seconds: float) -> Rate:
    """Call again and again, on `callers` threads; each calls once at least. Warm up before."""
    began = time.perf_counter()

    def work() -> int:
        done = 0
        while done == 0 or time.perf_counter() - began < seconds:
            call()
            done += 1
        return done

    with ThreadPoolExecutor(callers, thread_name_prefix="capacity") as pool:
        done = sum(future.result() for future in [pool.submit(work) for _ in range(callers)])
    measured_s = time.perf_counter() - began
    return Rate(done / measured_s, measured_s)


def warm_up(call: Callable[[], object], callers: int) -> None:
    """Each caller once, at the same time: a network's first runs make its plan and its memory."""
    rate_of(call, callers, 0)
