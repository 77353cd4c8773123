"""How sharp a photo is as a whole, and whether a face has all the detail its size can show."""

from typing import cast

import cv2
import numpy as np

from lianpu.engines.face.face import Image
from lianpu.engines.restore.blending import render
from lianpu.engines.restore.faces import FFHQ_PX, FacePlace, crop_matrix

# The same unit and half-way point as the sharpness of a face (`lianpu.engines.face.quality`).
_HALF_SHARP = 40.0
_MOST_PIXELS = 4_000_000
# Fifteen sharp portraits have 28 to 520 on the 512 crop and 250 to 1,850 on one of 256; slightly blurred (sigma an
# eye distance / 40) 3 to 5 and 11 to 32. The spread's square is 8 to 69 % of the variance of clean ones, and 82 to
# 100 % with a noise of sigma 10.
_SHARP_AT_512 = 60.0
_MOST_NOISE_SHARE = 0.75
_MAD_TO_SIGMA = 1.4826
_LEAST_SIDE_PX = 64


def photo_sharpness(image: Image, width: int, height: int) -> float:
    """0…1: variance of the Laplacian of the luma v as v / (v + 40), at a size of width x height pixels.

    Photos above 4 megapixels are measured at 4.

    Args:
        image: [H, W, 3] uint8 RGB; brought to that size first, so that an enlarged photo compares with its original.
    """
    share = min(1.0, (_MOST_PIXELS / (width * height)) ** 0.5)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    if image.shape[1::-1] != size:
        method = cv2.INTER_AREA if image.shape[1] > size[0] else cv2.INTER_CUBIC
        image = cast(Image, cv2.resize(image, size, interpolation=method))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    variance = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    return variance / (variance + _HALF_SHARP)


def is_sharp(image: Image, place: FacePlace, scale: int) -> bool:
    """Whether a face, enlarged so many times by interpolation alone, has the detail that its size can show.

    Judged on its FFHQ crop at the size it will have, at most 512: the variance of the Laplacian has to reach what sharp
    portraits have there, and must not be noise. Noise is told by its spread: it is everywhere, detail is at edges.
    """
    side = round(min(FFHQ_PX, FFHQ_PX / max(_scale_of(place), 1e-3) * scale))
    if side < _LEAST_SIDE_PX:
        return False
    matrix = crop_matrix(place, side, "ffhq")
    crop = render(image, matrix, (side, side)).astype(np.uint8)
    margin = side // 4
    laplacian = cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[margin:-margin, margin:-margin]
    variance = float(np.var(laplacian))
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(laplacian - np.median(laplacian))))
    wanted = _SHARP_AT_512 * (FFHQ_PX / side) ** 1.5
    return variance >= wanted and spread**2 <= _MOST_NOISE_SHARE * variance


def _scale_of(place: FacePlace) -> float:
    """Pixels of the FFHQ crop for one of the photo."""
    return float(np.sqrt(abs(np.linalg.det(place.to_ffhq[:, :2]))))
