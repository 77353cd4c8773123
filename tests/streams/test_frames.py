"""Frames that several threads ask for their pixels."""

import threading
import time

import numpy as np

from lianpu.streams.frames import Frame, Pixels


def test_R_STR_5_a_frame_is_converted_once_whoever_asks_at_the_same_time() -> None:
    asked_at_once: list[int] = []
    under_way = 0

    def convert() -> Pixels:
        nonlocal under_way
        under_way += 1
        asked_at_once.append(under_way)
        time.sleep(0.02)
        under_way -= 1
        return np.zeros((4, 4, 3), np.uint8)

    frame = Frame(0, convert, 0.0)
    seen: list[Pixels] = []
    threads = [threading.Thread(target=lambda: seen.append(frame.pixels)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked_at_once == [1]
    assert all(pixels is seen[0] for pixels in seen)
