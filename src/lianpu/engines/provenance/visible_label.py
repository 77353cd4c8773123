"""The label that people see: drawn into a corner, and found again."""

from functools import lru_cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image
from lianpu.engines.lettering import Lettering, Mask
from lianpu.engines.provenance.origin import LABEL_TEXT
from lianpu.errors import LabellingError

LEAST_SHARE = 0.05
"""Height of a capital letter as a share of the picture's shorter side (GB 45438-2025, 4.2)."""
_MARGIN = 0.02
_PLATE_STRENGTH = 0.62
_SEARCH_SIDE_PX = 320
_STROKES_PX = 3.2
_MASTER_PX = 400
_SIZES = (1.0, *(1 + sign * step * 0.016 for step in range(1, 14) for sign in (1, -1)))
"""A crop makes the label larger against the picture than it was, a border smaller."""
FOUND_LEAST = 0.4
_SURE = 0.7
"""Correlation with the label's shape; measured in docs/provenance.md."""


class VisibleLabel:
    """For any number of threads."""

    def __init__(self, lettering: Lettering | None = None) -> None:
        self._lettering = lettering or Lettering(fonts=())
        self._text = lru_cache(16)(self._scaled)

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
        searched = _evened(cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))
        best = 0.0
        for factor in _SIZES:
            text = self._scaled(_SEARCH_SIDE_PX * factor)
            pad = max(2, text.shape[0] // 4)
            shape = _evened(cv2.copyMakeBorder(np.array(text), pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0))
            if shape.shape[0] > searched.shape[0] or shape.shape[1] > searched.shape[1]:
                continue
            met = cast(NDArray[np.float32], cv2.matchTemplate(searched, shape, cv2.TM_CCOEFF_NORMED))
            best = max(best, float(np.nan_to_num(met, posinf=0.0, neginf=0.0).max()))
            if best > _SURE:
                break
        return best

    def _scaled(self, shorter_side_px: float) -> Mask:
        """Exactly as large as the share asks for: by its size it is found again."""
        master, capital_px = self._master()
        scale = LEAST_SHARE * shorter_side_px / (capital_px - 2)
        size = (max(1, round(master.shape[1] * scale)), max(1, round(master.shape[0] * scale)))
        return np.asarray(cv2.resize(master, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _master(self) -> tuple[Mask, int]:
        """The text in the size it is scaled down from, and how high its capitals are in that."""
        text, capital = self._lettering.mask(LABEL_TEXT, _MASTER_PX), self._lettering.mask("A", _MASTER_PX)
        if text is None or capital is None:
            raise LabellingError("No font has the letters of the label.")
        return text, capital.shape[0]


def _evened(grey: NDArray[Any]) -> NDArray[np.float32]:
    """Letters alone: what lies under the plate is wider than their strokes, and of all strengths."""
    values = np.asarray(grey, np.float32)
    fine = values - np.asarray(cv2.GaussianBlur(values, (0, 0), _STROKES_PX), np.float32)
    power = np.asarray(cv2.GaussianBlur(fine * fine, (0, 0), 2 * _STROKES_PX), np.float32)
    return np.asarray(fine / (np.sqrt(power) + 8.0), np.float32)
