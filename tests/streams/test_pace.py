"""How often a stream looks: as often as asked while nothing waits, more seldom in a crowd, and back afterwards."""

from hypothesis import given
from hypothesis import strategies as st

from lianpu.streams.pace import SLOWEST_S, TOO_LONG_S, Pace

FPS = 25.0


def test_R_STR_5_a_stream_that_does_not_wait_looks_as_often_as_asked() -> None:
    pace = Pace(3)
    # A slow detector alone is no reason: frames are dropped while it works.
    assert {pace.after(0.01, worked_s, FPS) for worked_s in (0.02, 0.1, 0.5, 2.0)} == {3}


def test_R_STR_5_in_a_crowd_looks_become_more_seldom_until_they_do_not_wait_and_then_often_again() -> None:
    """Twelve streams, one worker, half a second a look: they wait for each other, fewer as they ask less often."""
    look_s, streams = 0.5, 12
    paces = [Pace(3) for _ in range(streams)]
    every = [3] * streams
    waits = []
    for _ in range(400):
        busy = sum(min(1.0, look_s * FPS / one) for one in every)
        waited_s = max(0.0, busy - 1) * look_s
        waits.append(waited_s)
        every = [pace.after(waited_s, look_s, FPS) for pace in paces]
    assert waits[0] > 5
    assert max(waits[-100:]) < 3 * TOO_LONG_S
    assert min(every) > 3
    for _ in range(round(SLOWEST_S * FPS) + 60):
        every = [pace.after(0.0, 0.02, FPS) for pace in paces]
    assert set(every) == {3}


@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 240)), max_size=50),
)
def test_R_STR_5_never_more_often_than_asked(least: int, looks: list[tuple[float, float, float]]) -> None:
    pace = Pace(least)
    assert all(pace.after(*look) >= least for look in looks)
