"""Preprocessing against OpenCV's own."""

import cv2
import numpy as np
import pytest

from lianpu.engines.face.letterbox import Colour, letterbox, to_planes


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize(("mean", "std"), [(127.5, 128.0), (127.5, 127.5), (0.0, 1.0)])
def test_R_LIB_11_planes_equal_blob_from_images(colour: Colour, mean: float, std: float) -> None:
    images = list(np.random.default_rng(0).integers(0, 256, (3, 40, 56, 3), np.uint8))
    expected = cv2.dnn.blobFromImages(images, 1 / std, (56, 40), (mean,) * 3, swapRB=colour == "bgr")
    planes = to_planes(images, mean, std, colour)
    assert planes.dtype == np.float32
    assert planes.flags.c_contiguous
    assert np.array_equal(planes, expected)


@pytest.mark.parametrize(("width", "height"), [(1280, 886), (300, 700), (640, 640), (50, 20), (4000, 1), (1, 4000)])
def test_R_LIB_11_letterbox_keeps_the_image_whole_in_the_corner(width: int, height: int) -> None:
    canvas, scale = letterbox(np.full((height, width, 3), 200, np.uint8), 640, 640)
    assert canvas.shape == (640, 640, 3)
    filled = np.argwhere(canvas[:, :, 0] == 200)
    assert filled.min(axis=0).tolist() == [0, 0]
    rows, columns = filled.max(axis=0) + 1
    assert max(rows, columns) == 640
    assert rows == pytest.approx(scale * height, abs=1)
    assert len(filled) == rows * columns
