"""A few frames of a video, spread over it, for whoever reads labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import av
import av.error
import cv2

from lianpu.engines.face.face import Image
from lianpu.errors import VideoDamagedError

FRAMES = 12
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


def sampled_frames(path: Path, count: int = FRAMES) -> Sequence[Image]:
    """Upright [H, W, 3] uint8 RGB, all of one size, at most `count`, at least one.

    Raises:
        VideoDamagedError: it is no video, or none of its frames can be decoded.
    """
    try:
        # What a file names further (a playlist, a list of parts) is not opened.
        with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
            frames = _frames(container, count)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoDamagedError("This is no video that can be decoded.") from error
    if not frames:
        raise VideoDamagedError("The video holds no picture that can be decoded.")
    return [frame for frame in frames if frame.shape == frames[0].shape]


def _frames(container: Any, count: int) -> list[Image]:
    if not container.streams.video:
        raise VideoDamagedError("The file holds no picture.")
    stream = container.streams.video[0]
    duration = container.duration or 0
    frames: list[Image] = []
    for number in range(count):
        if number and duration:
            container.seek(round(duration * number / count))
        elif number:
            break
        frame = next(iter(container.decode(stream)), None)
        if frame is not None:
            frames.append(_upright(frame))
    return frames


def _upright(frame: av.VideoFrame) -> Image:
    pixels = frame.to_ndarray(format="rgb24")
    turn = _TURNS.get(round(frame.rotation) % 360)
    return cast(Image, pixels if turn is None else cv2.rotate(pixels, turn))
