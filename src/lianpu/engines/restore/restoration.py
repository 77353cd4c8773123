"""One face made better: by a restorer on its aligned crop, or by an upscaler on the crop as it lies in the photo."""

from typing import cast

import cv2
import numpy as np

from lianpu.engines.face.face import Image
from lianpu.engines.restore.blending import RestoredFace, render, render_mask
from lianpu.engines.restore.colour import make_grey, match_colours
from lianpu.engines.restore.engine import FaceRestorer, Upscaler
from lianpu.engines.restore.faces import FacePlace, Matrix, chained, crop_matrix, inverted, oval_mask
from lianpu.engines.restore.tiling import OnShare, enlarge

_LEAST_CROP_PX = 32


def restore_aligned(
    photo: Image, place: FacePlace, restorer: FaceRestorer, *, fidelity: float, is_grey: bool
) -> RestoredFace:
    """
    Args:
        photo: [H, W, 3] uint8 RGB.
        is_grey: the photo is; networks tend to colour it.

    Raises:
        PackError, InferenceFailedError: the network does not run.
    """
    side = restorer.side_px
    matrix = crop_matrix(place, side, restorer.template)
    crop = np.clip(np.rint(render(photo, matrix, (side, side))), 0, 255).astype(np.uint8)
    return _finished(restorer.restore(crop, fidelity), crop, inverted(matrix), place, is_grey=is_grey)


def restore_enlarged(
    photo: Image, place: FacePlace, upscaler: Upscaler, *, most_pixels: int, is_grey: bool, on_share: OnShare
) -> RestoredFace:
    """The surroundings of the face through an upscaler, at their own size or, where that is more, at `most_pixels`.

    Raises:
        PackError, InferenceFailedError: the network does not run; or what `on_share` raises.
    """
    x1, y1, x2, y2 = place.roi
    cut = np.ascontiguousarray(photo[y1:y2, x1:x2])
    height, width = cut.shape[:2]
    share = min(1.0, (most_pixels / (width * height)) ** 0.5)
    size = (max(_LEAST_CROP_PX, round(width * share)), max(_LEAST_CROP_PX, round(height * share)))
    if share < 1:
        cut = cast(Image, cv2.resize(cut, size, interpolation=cv2.INTER_AREA))
    scale = max(upscaler.scales)
    enlarged = enlarge(cut, scale, upscaler, on_share)
    original = cast(Image, cv2.resize(cut, enlarged.shape[1::-1], interpolation=cv2.INTER_CUBIC))
    across, down = width / enlarged.shape[1], height / enlarged.shape[0]
    back = np.array([[across, 0, (across - 1) / 2 + x1], [0, down, (down - 1) / 2 + y1]], np.float64)
    return _finished(enlarged, original, back, place, is_grey=is_grey)


def _finished(restored: Image, original: Image, to_photo: Matrix, place: FacePlace, *, is_grey: bool) -> RestoredFace:
    size = (restored.shape[1], restored.shape[0])
    to_crop = chained(inverted(place.to_ffhq), inverted(to_photo))
    mask = render_mask(oval_mask(), to_crop, size)[..., 0]
    pixels = match_colours(restored, original, mask)
    if is_grey:
        make_grey(pixels)
    return RestoredFace(pixels, to_photo)
