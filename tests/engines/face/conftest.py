"""Fixtures of the face engines' tests: sessions, and a mixed bag of real photos."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.engines.image import decode_image
from lianpu.runtime.onnx import OnnxSessionFactory

Photos = dict[str, NDArray[np.uint8]]


@pytest.fixture(scope="session")
def onnx_factory() -> OnnxSessionFactory:
    return OnnxSessionFactory(["cpu"])


@pytest.fixture(scope="session")
def photos(testkit: Path, t1_photo: bytes) -> Photos:
    """25 photos as RGB: t1.jpg, groups, portraits, crowds in the wild, turned heads, strips and no face at all."""
    images = testkit / "images"
    files = [
        *sorted((images / "groups").glob("*.jpg"))[:4],
        *sorted((images / "deepface").glob("*.jpg"))[:6],
        *sorted((images / "wider_val").rglob("*.jpg"))[:40:8],
        *sorted((images / "pose_rotate" / "pose").iterdir()),
        *(images / "edge" / name for name in ("tiny_face_24px.jpg", "extreme_aspect.jpg", "uniform_grey_noface.jpg")),
    ]
    photos = {"t1.jpg": decode_image(t1_photo).pixels}
    photos |= {f"{file.parent.name}/{file.name}": decode_image(file.read_bytes()).pixels for file in files}
    assert len(photos) >= 25
    return photos
