"""How often something is done in a second by several callers at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def rate(call: Callable[[], object], callers: int, seconds: float) -> float:
    """Calls a second."""
    call()
    end = time.perf_counter() + seconds

    def work() -> int:
        done = 0
        while time.perf_counter() < end:
            call()
            done += 1
        return done

    begun = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        done = sum(future.result() for future in [pool.submit(work) for _ in range(callers)])
    return done / (time.perf_counter() - begun)
