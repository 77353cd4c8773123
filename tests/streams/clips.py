"""Videos made for tests: a square that moves over grey."""

import io
from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

SIZE = (160, 120)
FPS = 30


def made_clip(kind: str, frames: int) -> bytes:
    """`kind`: mp4, mpegts (H.264) or mpjpeg."""
    data = io.BytesIO()
    with av.open(data, "w", format=kind) as container:
        stream = container.add_stream("mjpeg" if kind == "mpjpeg" else "libx264", rate=FPS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p" if kind == "mpjpeg" else "yuv420p"
        for number in range(frames):
            pixels = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
            left = number % (SIZE[0] - 40)
            pixels[40:80, left : left + 40] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return data.getvalue()


def photo_clip(photos: Sequence[NDArray[np.uint8]], frames_each: int, *, fps: int = 15) -> bytes:
    """MP4 that shows one photo after another, [height, width, 3] RGB of one size, still but for a pixel or two."""
    height, width = photos[0].shape[:2]
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for photo in photos:
            for number in range(frames_each):
                moved = np.ascontiguousarray(np.roll(photo, number % 3, axis=1))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode(None))
    return data.getvalue()
