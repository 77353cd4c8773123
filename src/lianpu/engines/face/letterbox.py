"""Images to the float planes that networks take."""

from collections.abc import Sequence
from typing import Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image

Colour = Literal["rgb", "bgr"]


def letterbox(image: Image, width: int, height: int) -> tuple[Image, float]:
    """Scale an image into the top-left corner of a black [height, width, 3] canvas, keeping its proportions.

    Computed as InsightFace's SCRFD does, rounding included, so that detections are equal.

    Returns:
        The canvas, and the factor from image pixels to canvas pixels.
    """
    image_height, image_width = image.shape[:2]
    ratio = image_height / image_width
    if ratio > height / width:
        new_height, new_width = height, max(1, int(height / ratio))
    else:
        new_height, new_width = max(1, int(width * ratio)), width
    canvas = np.zeros((height, width, 3), np.uint8)
    # Into the canvas itself: one copy less.
    cv2.resize(image, (new_width, new_height), dst=canvas[:new_height, :new_width])
    return canvas, new_height / image_height


def to_planes(images: Sequence[Image], mean: float, std: float, colour: Colour) -> NDArray[np.float32]:
    """[n, 3, height, width] float32 of n RGB images of one size: (x - mean) / std, in the given channel order.

    The same bits as cv2.dnn.blobFromImage, without its copies.
    """
    height, width = images[0].shape[:2]
    planes = np.empty((len(images), 3, height, width), np.float32)
    for image, target in zip(images, planes, strict=True):
        channels = cast(Sequence[Image], cv2.split(image))
        for channel, plane in zip(channels if colour == "rgb" else channels[::-1], target, strict=True):
            np.subtract(channel, np.float32(mean), out=plane)
    if std != 1:
        planes *= np.float32(1 / std)
    return planes
