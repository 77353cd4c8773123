"""From an image to the tensor that a classifier takes: fitted to its size, normalised, in its channel order."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image

Triple = tuple[float, float, float]


class Resize(StrEnum):
    """How an image of other proportions is fitted to the input."""

    CROP = "crop"
    """The largest centred region of the input's proportions (times `crop_ratio`), scaled; the rim is not seen."""
    STRETCH = "stretch"
    """All of it; proportions are lost."""
    LETTERBOX = "letterbox"
    """All of it, proportions kept, centred, the rest black."""


class Layout(StrEnum):
    NCHW = "nchw"
    NHWC = "nhwc"


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a network was trained with. A value becomes (value * scale - mean) / std, channel by channel."""

    height: int
    width: int
    """Input size in pixels."""
    resize: Resize = Resize.CROP
    crop_ratio: float = 1.0
    """With `crop`: which share of the largest region is taken, 0…1; 0.875 is a resize to 256 and a crop to 224."""
    colour: Literal["rgb", "bgr"] = "rgb"
    layout: Layout = Layout.NCHW
    scale: float = 1.0
    mean: Triple = (0.0, 0.0, 0.0)
    """In the order of `colour`, like `std`."""
    std: Triple = (1.0, 1.0, 1.0)


def prepare(image: Image, preparation: Preparation) -> NDArray[np.float32]:
    """The tensor of one image.

    Scaled by pixel area where the image gets smaller (OpenCV's INTER_AREA), bilinearly where it gets larger.

    Args:
        image: [H, W, 3] uint8 RGB.

    Returns:
        [1, 3, height, width] or [1, height, width, 3] float32, contiguous.
    """
    fitted = fit(image, preparation)
    channels = fitted if preparation.colour == "rgb" else fitted[:, :, ::-1]
    values = channels.astype(np.float32) * np.float32(preparation.scale)
    values -= np.asarray(preparation.mean, np.float32)
    values /= np.asarray(preparation.std, np.float32)
    if preparation.layout is Layout.NCHW:
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values[None])


def fit(image: Image, preparation: Preparation) -> Image:
    """The image at the input's size: [height, width, 3] uint8 RGB. Never larger on the way than image or input."""
    height, width = preparation.height, preparation.width
    if preparation.resize is Resize.STRETCH:
        return _scaled(image, height, width)
    if preparation.resize is Resize.LETTERBOX:
        factor = min(height / image.shape[0], width / image.shape[1])
        inner_height = min(height, max(1, round(image.shape[0] * factor)))
        inner_width = min(width, max(1, round(image.shape[1] * factor)))
        canvas = np.zeros((height, width, 3), np.uint8)
        top, left = (height - inner_height) // 2, (width - inner_width) // 2
        canvas[top : top + inner_height, left : left + inner_width] = _scaled(image, inner_height, inner_width)
        return canvas
    factor = min(image.shape[0] / height, image.shape[1] / width) * preparation.crop_ratio
    crop_height = min(image.shape[0], max(1, round(height * factor)))
    crop_width = min(image.shape[1], max(1, round(width * factor)))
    top, left = (image.shape[0] - crop_height) // 2, (image.shape[1] - crop_width) // 2
    return _scaled(image[top : top + crop_height, left : left + crop_width], height, width)


def _scaled(image: Image, height: int, width: int) -> Image:
    if image.shape[:2] == (height, width):
        return image
    shrinks = image.shape[0] > height or image.shape[1] > width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(Image, cv2.resize(image, (width, height), interpolation=method))
