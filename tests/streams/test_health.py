"""The numbers of a stream while one thread counts and others ask."""

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from lianpu.streams.health import Latencies, Rate


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns after a few steps instead of milliseconds."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def rate() -> tuple[Callable[[], None], Callable[[], object]]:
    one = Rate()
    return one.count, one.per_second


def latencies() -> tuple[Callable[[], None], Callable[[], object]]:
    one = Latencies()
    return lambda: one.add(0.01), one.percentiles_ms


@pytest.mark.usefixtures("hasty_threads")
@pytest.mark.parametrize("numbers", [rate, latencies])
def test_R_STR_1_health_can_be_asked_for_while_frames_are_counted(
    numbers: Callable[[], tuple[Callable[[], None], Callable[[], object]]],
) -> None:
    count, ask = numbers()
    asked = threading.Event()

    def counts() -> None:
        while not asked.is_set():
            count()

    thread = threading.Thread(target=counts)
    thread.start()
    try:
        for _ in range(30):
            ask()
    finally:
        asked.set()
        thread.join()
