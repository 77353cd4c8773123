"""The label that people see: drawn into a corner, and found again."""

from functools import lru_cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image
from lianpu.engines.lettering import Lettering, Mask
from lianpu.engines.provenance.origin import LABEL_TEXT

LEAST_SHARE = 0.05
"""Height of a capital letter as a share of the picture's shorter side (GB 45438-2025, 4.2)."""
_MARGIN = 0.02
_PLATE_STRENGTH = 0.62
_SEARCH_SIDE_PX = 400
_SIZES = (1.0, 0.95, 1.05, 0.9, 1.11, 0.84, 1.18)
"""A crop makes the label larger against the picture than it was, a border smaller."""
FOUND_LEAST = 0.6
"""Correlation with the label's shape; measured in docs/provenance.md."""


class VisibleLabel:
    """For any number of threads."""

    def __init__(self, lettering: Lettering | None = None) -> None:
        self._lettering = lettering or Lettering(fonts=())
        self._text = lru_cache(16)(self._drawn_text)

    def draw(self, picture: Image) -> Image:
        """A copy of [H, W, 3] uint8 RGB with the label at its lower right."""
        canvas = picture.copy()
        height, width = canvas.shape[:2]
        text = self._text(min(height, width))
        pad = max(2, text.shape[0] // 4)
        plate_height, plate_width = min(height, text.shape[0] + 2 * pad), min(width, text.shape[1] + 2 * pad)
        margin = round(_MARGIN * min(height, width))
        bottom, right = max(plate_height, height - margin), max(plate_width, width - margin)
        plate = canvas[bottom - plate_height : bottom, right - plate_width : right]
        shaded = plate.astype(np.float32) * (1 - _PLATE_STRENGTH)
        ink = np.zeros(plate.shape[:2], np.float32)
        rows, columns = min(text.shape[0], plate_height - pad), min(text.shape[1], plate_width - pad)
        ink[pad : pad + rows, pad : pad + columns] = text[:rows, :columns] / 255
        plate[:] = np.rint(shaded + (255 - shaded) * ink[..., None]).astype(np.uint8)
        return canvas

    def find(self, picture: Image) -> float:
        """How well the label's shape is met anywhere, 0…1; from `FOUND_LEAST` on it is there."""
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        height, width = grey.shape
        scale = _SEARCH_SIDE_PX / min(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        searched = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        best = 0.0
        for factor in _SIZES:
            text = self._text(round(_SEARCH_SIDE_PX * factor))
            pad = max(2, text.shape[0] // 4)
            shape = cv2.copyMakeBorder(np.array(text), pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
            if shape.shape[0] > searched.shape[0] or shape.shape[1] > searched.shape[1]:
                continue
            met = cast(NDArray[np.float32], cv2.matchTemplate(searched, shape, cv2.TM_CCOEFF_NORMED))
            best = max(best, float(np.nan_to_num(met, posinf=0.0, neginf=0.0).max()))
            if best > 0.9:
                break
        return best

    def _drawn_text(self, shorter_side_px: int) -> Mask:
        least = max(1, np.ceil(LEAST_SHARE * shorter_side_px))
        for height_px in range(max(8, int(least)), 4 * int(least) + 16):
            capital = self._lettering.mask("A", height_px)
            if capital is not None and capital.shape[0] >= least:
                text = self._lettering.mask(LABEL_TEXT, height_px)
                assert text is not None
                return text
        raise AssertionError("a font that grows reaches any height")
