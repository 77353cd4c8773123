"""Pictures become a file that can be watched: at their own times, up to a size, whole after whatever ended it."""

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from lianpu.streams.recording.writer import WAITING_PICTURES, Recorder, RecordingEnd, Written


class Recorded:
    def __init__(self, file: Path, max_bytes: int = 1 << 30) -> None:
        self.file = file
        self.ends: list[Written] = []
        self.recorder = Recorder(file, max_bytes=max_bytes, name="stream-s1-recording", on_end=self.ends.append)

    def put(self, picture: np.ndarray, moment_s: float) -> None:
        """As a stream does, but waiting until there is room: a test loses nothing."""
        seen = self.recorder.frames
        self.recorder.put(picture, moment_s)
        while self.recorder.frames == seen and not self.ends:
            pass


def picture(level: int, height: int = 121, width: int = 161) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def read(file: Path) -> list[tuple[float, tuple[int, int], int]]:
    """(seconds, (height, width), brightness) of each frame."""
    with av.open(str(file)) as container:
        return [
            (float(frame.time), (frame.height, frame.width), round(float(frame.to_ndarray(format="gray").mean())))
            for frame in container.decode(video=0)
        ]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.endswith("-recording")]


def test_R_STR_10_pictures_keep_their_times_and_odd_sides_are_cut(tmp_path: Path) -> None:
    one = Recorded(tmp_path / "a.mp4")
    moments = [100.0, 100.04, 100.5, 100.5, 103.0]
    for place, moment_s in enumerate(moments):
        one.put(picture(40 * place), moment_s)
    one.recorder.close(RecordingEnd.STOPPED)
    one.recorder.close(RecordingEnd.STREAM_ENDED)
    assert one.ends == [Written(RecordingEnd.STOPPED, None, 5, 0)]
    found = read(one.file)
    assert [shape for _, shape, _ in found] == [(120, 160)] * 5
    assert [moment for moment, _, _ in found] == pytest.approx([0, 0.04, 0.5, 0.5, 3.0], abs=1e-3)
    assert [level for _, _, level in found] == pytest.approx([0, 40, 80, 120, 160], abs=4)
    assert threads() == []


def test_R_STR_10_a_picture_of_another_size_is_fitted(tmp_path: Path) -> None:
    one = Recorded(tmp_path / "a.mp4")
    for place, (height, width) in enumerate([(120, 160), (240, 320), (30, 40)]):
        one.put(picture(100, height, width), float(place))
    one.recorder.close(RecordingEnd.STOPPED)
    assert [shape for _, shape, _ in read(one.file)] == [(120, 160)] * 3


def test_R_STR_10_it_ends_at_its_size_and_what_comes_afterwards_is_harmless(tmp_path: Path) -> None:
    one = Recorded(tmp_path / "a.mp4", max_bytes=40_000)
    noise = np.random.default_rng(1)
    for place in range(1000):
        if one.ends:
            break
        one.put(noise.integers(0, 256, (240, 320, 3), dtype=np.uint8), place / 25)
    [end] = one.ends
    assert end.reason is RecordingEnd.SIZE_LIMIT
    for _ in range(2 * WAITING_PICTURES):
        one.recorder.put(picture(1), 1e6)
    one.recorder.close(RecordingEnd.STOPPED)
    assert one.ends == [end]
    assert len(read(one.file)) == end.frames
    assert threads() == []


def test_R_STR_10_pictures_that_find_no_room_are_counted(tmp_path: Path) -> None:
    one = Recorded(tmp_path / "a.mp4")
    for place in range(400):
        one.recorder.put(picture(place % 256, 720, 1280), place / 25)
    one.recorder.close(RecordingEnd.STOPPED)
    [end] = one.ends
    assert end.dropped > 0
    assert end.frames + end.dropped == 400
    assert len(read(one.file)) == end.frames


def test_R_STR_10_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    one = Recorded(tmp_path / "no" / "folder" / "a.mp4")
    one.recorder.put(picture(1), 0.0)
    one.recorder.close(RecordingEnd.STOPPED)
    [end] = one.ends
    assert (end.reason, end.frames) == (RecordingEnd.FAILED, 0)
    assert end.detail == "No such file or directory"


def test_R_STR_10_what_was_written_is_watchable_although_the_server_was_killed(tmp_path: Path) -> None:
    one = Recorded(tmp_path / "a.mp4")
    for place in range(160):
        one.put(picture(place), place / 25)
    # As a kill leaves it: nothing is told to the file.
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(one.file.read_bytes())
    assert len(read(cut)) >= 50
    one.recorder.close(RecordingEnd.STOPPED)
