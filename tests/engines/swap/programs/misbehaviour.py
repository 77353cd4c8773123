"""What the fakes of the three programs share: they do as `fake.json` in their folder says, and paint when they succeed.

Stands alone, as the programs do: it is copied into a made-up checkout, and imports nothing of Lianpu.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ORDERS = json.loads((Path(__file__).parent / "fake.json").read_text())
MODE = ORDERS["mode"]


def note(**what: object) -> None:
    """For the tests: what this process was given."""
    with (Path(__file__).parent / "ran.jsonl").open("a") as stream:
        stream.write(json.dumps(what) + "\n")


def began(arguments: list[str]) -> None:
    note(pid=os.getpid(), group=os.getpgrp(), arguments=arguments, environment=dict(os.environ), folder=str(Path.cwd()))


def misbehave(output: Path, work: Path) -> None:
    """The ways to end that all programs have; returns where the order is another."""
    if MODE in {"hang", "cancel", "orphan"}:
        (work / "half-done.bin").write_bytes(b"x" * 1000)
        # One child in the group, and one that left it.
        for own_session in (False, True):
            child = subprocess.Popen(
                [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=own_session
            )
            note(child=child.pid)
        if MODE == "orphan":
            time.sleep(1)
            sys.exit(1)
        print("Processing:  10%|#         | 1/10", flush=True)
        time.sleep(600)
    if MODE == "crash":
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    if MODE == "segfault":
        os.kill(os.getpid(), 11)
    if MODE == "memory":
        held = bytearray(400 << 20)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(600)
    if MODE == "disk_full":
        raise OSError(28, "No space left on device", str(output))
    if MODE == "garbage":
        output.write_bytes(b"this is no picture" * 1000)
    if MODE == "short":
        output.write_bytes(b"")


def paint(target: Path, output: Path) -> None:
    """The face's place, which the order says, in another look: turned upside down and tinted."""
    if target.suffix.lower() in {".mp4", ".mov", ".webm"}:
        _paint_video(target, output)
        return
    import cv2

    cv2.imwrite(str(output), _painted(cv2.imread(str(target))))


def _painted(picture):
    left, top, right, bottom = ORDERS["box"]
    region = picture[top:bottom, left:right].copy()
    picture[top:bottom, left:right] = region[::-1, ::-1] // 2 + 60
    if MODE == "other_size":
        picture = picture[: picture.shape[0] // 2]
    return picture


def _paint_video(target: Path, output: Path) -> None:
    import av

    with av.open(str(target)) as reading, av.open(str(output), "w") as writing:
        stream = writing.add_stream("libx264", rate=reading.streams.video[0].average_rate)
        for number, frame in enumerate(reading.decode(video=0)):
            if MODE == "half_length" and number % 2:
                continue
            picture = _painted(frame.to_ndarray(format="rgb24").copy())
            if number == 0:
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
            writing.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        writing.mux(stream.encode(None))
