"""The tiled image pyramid MMOD scans: every level 5/6 of the one before, all packed into one canvas."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image

_SMALLEST_LEVEL_PX = 5
_GAP_PX = 10
_MARGIN_PX = 11
# The network's mean colour: what it takes for nothing at all.
_BACKGROUND_RGB = (122.782, 117.001, 104.298)
_RATIO = 6 / 5
# A point one level down lies at p * 6/5 + 0.3 one level up; the fixed point of that map is -1.5.
_FIXED_POINT = -1.5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Level:
    """Where one level lies on the canvas, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Pyramid:
    """The layout of an image's pyramid: `width` x `height` canvas pixels, `levels` from the largest."""

    width: int
    height: int
    levels: tuple[Level, ...]

    @cached_property
    def _corners(self) -> tuple[Floats, Floats]:
        first = np.array([(level.x, level.y) for level in self.levels], dtype=np.float64)
        last = np.array([(e.x + e.width - 1, e.y + e.height - 1) for e in self.levels], dtype=np.float64)
        return first, last

    def level_at(self, points: Floats) -> NDArray[np.intp]:
        """Index of the level nearest to each canvas point: [n, 2] (x, y) -> [n]."""
        first, last = self._corners
        point = points[:, None, :]
        outside = point - np.clip(point, first, last)
        return np.square(outside).sum(axis=2).argmin(axis=1)

    def to_image(self, points: Floats, levels: NDArray[np.intp]) -> Floats:
        """Canvas points [n, 2] of the given levels, as pixels of the image at the top of the pyramid."""
        first, _ = self._corners
        growth = (_RATIO**levels)[:, None]
        return (points - first[levels] - _FIXED_POINT) * growth + _FIXED_POINT


def lay_out(width: int, height: int) -> Pyramid:
    """Levels one below the other in a first column, then back up at the right edge in a second.

    The same places as dlib gives them: a level's surroundings are within the network's sight, so another layout
    would give other scores near its edges. Running the levels one by one saves a tenth of the time and loses that.
    """
    sizes = [(width, height)]
    while min(sizes[-1]) > 0:
        sizes.append((5 * sizes[-1][0] // 6, 5 * sizes[-1][1] // 6))
        if sizes[-1][0] == 0 or sizes[-1][1] < _SMALLEST_LEVEL_PX:
            sizes.pop()
            break
    stacked = sum(size[1] + _GAP_PX for size in sizes) - 2 * _GAP_PX
    levels: list[Level] = []
    y, previous_width = 0, 0
    for level_width, level_height in sizes:
        fits_beside = level_width <= width - previous_width - _GAP_PX
        if fits_beside and (y - height) * 2 >= stacked - height:
            break
        levels.append(Level(_MARGIN_PX, _MARGIN_PX + y, level_width, level_height))
        y += level_height + _GAP_PX
        previous_width = level_width
    bottom = _MARGIN_PX + y - _GAP_PX
    canvas_height = bottom + _MARGIN_PX
    for level_width, level_height in sizes[len(levels) :]:
        level = Level(_MARGIN_PX + width - level_width, bottom - level_height, level_width, level_height)
        if level.y < _MARGIN_PX + height:
            break
        levels.append(level)
        bottom = level.y - _GAP_PX
    return Pyramid(width + 2 * _MARGIN_PX, canvas_height, tuple(levels))


def paint(image: Image, pyramid: Pyramid) -> NDArray[np.float32]:
    """The canvas: [3, height, width] float32, RGB, 0…255, the network's mean colour between the levels."""
    canvas = np.empty((3, pyramid.height, pyramid.width), dtype=np.float32)
    canvas[:] = np.array(_BACKGROUND_RGB, dtype=np.float32)[:, None, None]
    level_image = image.astype(np.float32)
    for index, level in enumerate(pyramid.levels):
        if index:
            level_image = resize_by_corners(level_image, level.width, level.height)
        rows, columns = slice(level.y, level.y + level.height), slice(level.x, level.x + level.width)
        canvas[:, rows, columns] = level_image.transpose(2, 0, 1)
    return canvas


def resize_by_corners(image: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Bilinear, the centres of the corner pixels mapped onto each other: [H, W, 3] float32."""
    rows, columns = image.shape[:2]
    scale_x, scale_y = (columns - 1) / max(width - 1, 1), (rows - 1) / max(height - 1, 1)
    return cv2.warpAffine(  # pyright: ignore[reportReturnType]
        image,
        np.array([[scale_x, 0.0, 0.0], [0.0, scale_y, 0.0]]),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
