"""What is measured on: a portrait that an installed package brings, and a film made of it. Nothing is downloaded."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image
from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.errors import ExampleMissingError

FILM_FPS, FILM_WIDTH, FILM_HEIGHT = 25, 1280, 720
_FACE_FILM_PX = 560
"""Height of the portrait in the film: the face in it is about 150 pixels wide."""
_SWING_PX_PER_S = 75
"""How far it swings to either side, for each second of the film: in a short one it moves no faster."""
_ENCODER = {"preset": "veryfast", "crf": "23", "g": str(2 * FILM_FPS)}


def portrait_jpeg() -> bytes:
    """Grace Hopper by the United States Navy (public domain), of matplotlib's example data: 512×600 pixels, one face.

    Raises:
        ExampleMissingError: whoever packed matplotlib for this system left its example data out.
    """
    # A second to import, and only measurements need it.
    import matplotlib as mpl

    path = Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExampleMissingError(
            f"The portrait that is measured on cannot be read: {path} ({error.strerror or error}). "
            "matplotlib from PyPI brings it."
        ) from error


def enlarged_jpeg(portrait: bytes, megapixels: float) -> bytes:
    """The portrait as a JPEG of so many pixels, slightly soft, as an enlarged photo is."""
    pixels = decode_image(portrait).pixels
    height, width = pixels.shape[:2]
    factor = math.sqrt(megapixels * 1e6 / (height * width))
    size = (round(width * factor), round(height * factor))
    return encode_jpeg(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8))


def write_film(portrait: bytes, path: Path, seconds: int) -> None:
    """The portrait swinging in front of itself: H.264, 720p at 25 fps, whose end leads to its beginning without a cut.

    Raises:
        OSError: it cannot be written.
    """
    with av.open(str(path), "w") as film:
        # PyAV's types leave its packets open.
        target = cast(Any, film)
        stream = target.add_stream("libx264", rate=Fraction(FILM_FPS), options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = FILM_WIDTH, FILM_HEIGHT, "yuv420p"
        for pixels in _pictures(decode_image(portrait).pixels, seconds):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        target.mux(stream.encode(None))


def _pictures(portrait: Image, seconds: int) -> Iterator[NDArray[np.uint8]]:
    height, width = portrait.shape[:2]
    face_width = round(width * _FACE_FILM_PX / height)
    face = cv2.resize(portrait, (face_width, _FACE_FILM_PX), interpolation=cv2.INTER_AREA)
    scene = cv2.resize(portrait, (FILM_WIDTH, FILM_HEIGHT), interpolation=cv2.INTER_CUBIC)
    scene = cv2.GaussianBlur(scene, (0, 0), 12)
    top, middle = (FILM_HEIGHT - _FACE_FILM_PX) // 2, (FILM_WIDTH - face_width) // 2
    frames = seconds * FILM_FPS
    for number in range(frames):
        picture = np.asarray(scene, dtype=np.uint8).copy()
        left = middle + round(_SWING_PX_PER_S * seconds * math.sin(2 * math.pi * number / frames))
        picture[top : top + _FACE_FILM_PX, left : left + face_width] = face
        yield picture
