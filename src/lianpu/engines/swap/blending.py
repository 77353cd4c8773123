"""Colour, masks and seams: what every built-in engine does to fit a made face into the picture."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image

Mask = NDArray[np.float32]
"""[H, W] float32, 0 (the picture as it was) … 1 (the made face)."""

_LEAST_SPREAD = 4.0
_SPREAD_LIMITS = (0.6, 1.6)
# Below, half a pixel of the crop is as good as nothing.
_LEAST_WEIGHT = 1e-3


def ellipse(
    side_px: int, centre: tuple[float, float], radii: tuple[float, float], *, feather_px: float, power: float = 2.0
) -> Mask:
    """A soft (super)ellipse in a square crop: 1 inside, falling to 0 at its rim over `feather_px` pixels.

    Args:
        centre, radii: pixels of the crop (x, y).
        power: 2 is an ellipse; greater ones fill the corners more.
    """
    axis = np.arange(side_px, dtype=np.float32)
    across = np.abs((axis[None, :] - centre[0]) / radii[0]) ** power
    down = np.abs((axis[:, None] - centre[1]) / radii[1]) ** power
    # Roughly the distance to the rim in pixels, along the ray from the centre.
    inside = (1 - (across + down) ** (1 / power)) * min(radii)
    share = np.clip(inside / max(feather_px, 1e-6), 0, 1).astype(np.float32)
    return cast(Mask, share * share * (3 - 2 * share))


def box_mask(side_px: int, blur_share: float = 0.3) -> Mask:
    """The square of a crop with a soft border, as for networks that draw the whole crop.

    Args:
        blur_share: how much of half the side the border may take.
    """
    border = max(1, round(side_px * 0.5 * blur_share))
    mask = np.zeros((side_px, side_px), np.float32)
    mask[border:-border, border:-border] = 1
    return cast(Mask, cv2.GaussianBlur(mask, (0, 0), border * 0.5))


def match_colour(made: Image, target: Image, weight: Mask) -> Image:
    """The made face with the target's mean and spread in each channel of CIE Lab, both measured under `weight`.

    Reinhard et al. 2001 (https://doi.org/10.1109/38.946629); the spread of a channel changes by 0.6…1.6 at most, so
    that a flat target does not wash the face out and a noisy one does not burn it.

    Args:
        made, target: [S, S, 3] uint8 RGB of the same place.
    """
    source = cv2.cvtColor(made.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    wanted = cv2.cvtColor(target.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    total = float(weight.sum())
    if total < 1:
        return made
    share = (weight / total)[..., None]
    mean, wanted_mean = (source * share).sum((0, 1)), (wanted * share).sum((0, 1))
    spread: NDArray[np.float64] = np.sqrt((((source - mean) ** 2) * share).sum((0, 1)))
    wanted_spread = np.sqrt((((wanted - wanted_mean) ** 2) * share).sum((0, 1)))
    gain = np.clip(wanted_spread / np.maximum(spread, _LEAST_SPREAD / 10), *_SPREAD_LIMITS)
    moved = cast(NDArray[np.float32], ((source - mean) * gain + wanted_mean).astype(np.float32))
    return _bytes_of(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB) * 255)


def match_light(made: Image, target: Image, weight: Mask, reach_px: float) -> Image:
    """The made face under the target's light: brightness averaged over `reach_px` is brought towards the target's.

    Args:
        made, target: [S, S, 3] uint8 RGB of the same place.
    """
    source = cv2.cvtColor(made.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    wanted = cv2.cvtColor(target.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    norm = cv2.GaussianBlur(weight, (0, 0), reach_px) + 1e-3
    low = cv2.GaussianBlur(source[..., 0] * weight, (0, 0), reach_px) / norm
    wanted_low = cv2.GaussianBlur(wanted[..., 0] * weight, (0, 0), reach_px) / norm
    source[..., 0] = np.clip(source[..., 0] + np.clip(wanted_low - low, -25, 25) * np.minimum(1, norm * 2), 0, 100)
    return _bytes_of(cv2.cvtColor(source, cv2.COLOR_LAB2RGB) * 255)


def clone(made: Image, target: Image, mask: Mask) -> Image:
    """Poisson blending (Pérez et al. 2003): the made face's detail on the target's colours at the seam.

    Args:
        made, target: [S, S, 3] uint8 RGB of the same place.
        mask: where; it must leave a border of the crop free.
    """
    hard = np.where(mask > 0.5, 255, 0).astype(np.uint8)
    hard[:2], hard[-2:], hard[:, :2], hard[:, -2:] = 0, 0, 0, 0
    x, y, width, height = cv2.boundingRect(hard)
    if width < 3 or height < 3:
        return target
    # OpenCV puts the mask's bounding box around this point: so nothing moves.
    centre = (x + width // 2, y + height // 2)
    return cast(Image, cv2.seamlessClone(made, target, hard, centre, cv2.NORMAL_CLONE))


def mix(made: Image, target: Image, mask: Mask) -> Image:
    """`mask` of the made face and the rest of the target, rounded: [S, S, 3] uint8 RGB."""
    share = mask[..., None]
    return _bytes_of(target + (made.astype(np.float32) - target) * share)


def paste(frame: Image, made: Image, mask: Mask, to_crop: NDArray[np.float64]) -> Image:
    """A copy of the frame with a crop laid back where it was cut from; only the pixels it reaches are touched.

    Args:
        frame: [H, W, 3] uint8 RGB.
        made: [S, S, 3] uint8 RGB.
        mask: [S, S]; 0 at the crop's rim.
        to_crop: [2, 3] from the frame's pixels to the crop's.
    """
    side = made.shape[0]
    back = cv2.invertAffineTransform(to_crop)
    corners = np.array([[0, 0, 1], [side, 0, 1], [side, side, 1], [0, side, 1]], np.float64) @ back.T
    left, top = np.floor(corners.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    left, top = max(0, int(left)), max(0, int(top))
    right, bottom = min(frame.shape[1], int(right)), min(frame.shape[0], int(bottom))
    result = frame.copy()
    if right <= left or bottom <= top:
        return result
    shifted = back.copy()
    shifted[:, 2] -= (left, top)
    size = (right - left, bottom - top)
    shrinks = abs(np.linalg.det(back[:, :2])) < 0.5
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    laid = cv2.warpAffine(made, shifted, size, flags=method, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(mask, shifted, size, flags=cv2.INTER_LINEAR)
    share[share < _LEAST_WEIGHT] = 0
    region = result[top:bottom, left:right]
    result[top:bottom, left:right] = mix(cast(Image, laid), region, cast(Mask, share))
    return result


def _bytes_of(values: NDArray[np.floating]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
