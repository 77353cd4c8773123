"""What is not decoded while a source is behind, and that all is again."""

import os
import sys
import threading

import pytest

from lianpu.streams.shedding import Decoded, Shed, Shedding, SourceClock, give_way


def run(shedding: Shedding, from_s: int, to_s: int, *, is_short: bool, key_every_s: int = 2) -> list[Shed]:
    """Level after each second."""
    return [
        shedding.after(second, is_short=is_short, is_key_frame=second % key_every_s == 0)
        for second in range(from_s, to_s)
    ]


def test_R_STR_5_a_source_is_decoded_less_step_by_step_and_all_again_after_calm() -> None:
    shedding = Shedding()
    assert run(shedding, 1, 3, is_short=False) == [Shed.NOTHING] * 2
    assert run(shedding, 3, 6, is_short=True) == [Shed.UNREFERENCED, Shed.ALL_BUT_KEY_FRAMES, Shed.ALL_BUT_KEY_FRAMES]
    levels = run(shedding, 6, 40, is_short=False)
    assert levels == sorted(levels, reverse=True)
    assert levels[:9] == [Shed.ALL_BUT_KEY_FRAMES] * 9
    assert levels[-1] is Shed.NOTHING


def test_R_STR_5_more_is_decoded_from_a_key_frame_on_only() -> None:
    shedding = Shedding()
    run(shedding, 1, 4, is_short=True)
    assert shedding.level is Shed.ALL_BUT_KEY_FRAMES
    assert run(shedding, 4, 60, is_short=False, key_every_s=1000) == [Shed.ALL_BUT_KEY_FRAMES] * 56
    assert shedding.after(60, is_short=False, is_key_frame=True) is Shed.UNREFERENCED


def test_R_STR_5_a_step_back_that_was_too_early_is_tried_later() -> None:
    shedding = Shedding()
    calm = []
    second = 1
    for _ in range(4):
        while shedding.level is not Shed.UNREFERENCED:
            second += 1
            shedding.after(second, is_short=True, is_key_frame=True)
        began = second
        while shedding.level is Shed.UNREFERENCED:
            second += 1
            shedding.after(second, is_short=False, is_key_frame=True)
        calm.append(second - began)
    assert calm == sorted(calm)
    assert calm[-1] >= 4 * calm[0]


def test_R_STR_5_frames_of_a_file_are_due_at_its_speed_and_of_a_camera_when_its_fastest_came() -> None:
    file = SourceClock(is_file=True)
    assert [file.behind_s(time, now) for time, now in ((5, 100), (6, 100.5), (7, 102.5))] == [0, -0.5, 0.5]
    camera = SourceClock(is_file=False)
    assert [camera.behind_s(time, now) for time, now in ((5, 100), (6, 100.5), (7, 102.5), (8, 102.5))] == [0, 0, 1, 0]
    assert camera.behind_s(10_000, 103) == 0, "a camera's clock was set"
    assert file.behind_s(10_000, 103) == 0


def test_R_STR_5_levels_are_told_in_words() -> None:
    assert [level.decoded for level in Shed] == [Decoded.ALL, Decoded.REFERENCED, Decoded.KEY_FRAMES]


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")
def test_R_STR_5_a_reading_thread_and_what_it_starts_give_way_and_no_other() -> None:
    found: dict[str, int] = {}

    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def reading() -> None:
        give_way()
        found["reading"] = priority()
        inner = threading.Thread(target=lambda: found.update(inner=priority()))
        inner.start()
        inner.join()

    before = priority()
    thread = threading.Thread(target=reading)
    thread.start()
    thread.join()
    assert found["reading"] == found["inner"] == min(19, before + 10)
    assert priority() == before
