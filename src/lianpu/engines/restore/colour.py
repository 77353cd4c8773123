"""Colours of a restored face brought back to those of the photo, so that it does not look pasted in."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image

# A restorer may sharpen contrasts, which widens them; more than this is a change of light.
_LEAST_SPREAD, _MOST_SPREAD = 0.8, 1.25
_LEAST_DEVIATION = 0.5


def match_colours(restored: Image, original: Image, mask: NDArray[np.float32]) -> Image:
    """The restored face with the original's mean lightness and its mean and spread of colours, in CIE Lab.

    The spread of lightness stays: that is what restoring changes.

    Args:
        restored: [H, W, 3] uint8 RGB.
        original: the same place of the photo, of the same size.
        mask: [H, W] float32, 0…1: which pixels are the face.
    """
    weights = mask.astype(np.float64)
    total = float(weights.sum())
    if total < 1:
        return restored
    source, target = _lab(restored), _lab(original)
    source_mean, source_spread = _moments(source, weights, total)
    target_mean, target_spread = _moments(target, weights, total)
    ratio = np.clip(target_spread / np.maximum(source_spread, _LEAST_DEVIATION), _LEAST_SPREAD, _MOST_SPREAD)
    ratio[0] = 1
    matched = (source - source_mean) * ratio.astype(np.float32) + target_mean
    pixels = cast(NDArray[np.float32], cv2.cvtColor(matched.astype(np.float32), cv2.COLOR_LAB2RGB))
    return np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)


def is_grey(image: Image) -> bool:
    """Whether red, green and blue are the same everywhere, give or take what JPEG does to them."""
    step = max(1, int((image.shape[0] * image.shape[1] / 250_000) ** 0.5))
    sample = image[::step, ::step].astype(np.int16)
    return int(np.ptp(sample, axis=2).max(initial=0)) <= 4


def make_grey(image: Image) -> None:
    """Each pixel becomes its luma, in place, stripe by stripe."""
    for start in range(0, image.shape[0], 512):
        rows = image[start : start + 512]
        rows[:] = cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY)[..., None]


def _lab(image: Image) -> NDArray[np.float32]:
    return cast(NDArray[np.float32], cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB))


def _moments(
    lab: NDArray[np.float32], weights: NDArray[np.float64], total: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mean = (lab * weights[..., None]).sum(axis=(0, 1)) / total
    variance = (np.square(lab - mean) * weights[..., None]).sum(axis=(0, 1)) / total
    return mean.astype(np.float32), np.sqrt(variance).astype(np.float32)
