"""MMOD face detector: an 80x80 window scored over an image pyramid, then non-maximum suppression."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Box, DetectedFace, Image
from lianpu.engines.face.mmod_pyramid import Floats, lay_out, paint, resize_by_corners
from lianpu.runtime.session import Session

WINDOW_PX = 80
"""Side of the window the network scores: the smallest face of an image that is not enlarged."""

_CELL_PX = 8
_FIRST_CELL_PX = 14
# The strided layers need this much to give one cell.
_SMALLEST_CANVAS_PX = 29
# How far a score reads beyond its own cell, in cells: the unstrided layers' 2 + 2 + 2 + 4.
_HALO_CELLS = 10

Rectangles = NDArray[np.int64]
"""[n, 4] left, top, right, bottom; right and bottom are the last pixels inside."""


class MmodDetector:
    """The `mmod` engine (dlib's human face detector, King 2015, https://arxiv.org/abs/1502.00046).

    `detect` chooses the enlargement itself: twice where the enlarged image stays within `max_pixels`, else none,
    and an image above `max_pixels` is shrunk to it. So a larger budget finds smaller faces and takes longer.
    """

    def __init__(
        self,
        session: Session,
        *,
        score_threshold: float = 0.0,
        iou_threshold: float = 0.338,
        smallest_face_px: int = 40,
        max_pixels: int = 1_600_000,
        max_canvas_pixels: int = 8_000_000,
    ) -> None:
        """Wrap a loaded network.

        Args:
            session: input float32 [N, 3, H, W], RGB 0…255; output [N, 1, h, w], a score for each 8x8 pixels.
            score_threshold: least margin of a face.
            iou_threshold: two boxes that share more than this part of the rectangle around both are one face.
            smallest_face_px: side of the smallest face that matters; below 80 allows enlarging, above 80 shrinks.
            max_pixels: budget of `detect`, in pixels after enlarging.
            max_canvas_pixels: above this the pyramid is run in strips, which bounds the memory of one run.
        """
        self._session = session
        self._input = session.inputs[0].name
        self._score_threshold = score_threshold
        self._iou_threshold = iou_threshold
        self._most_upsample = WINDOW_PX / smallest_face_px
        self._max_pixels = max_pixels
        self._max_canvas_pixels = max_canvas_pixels

    def detect(self, image: Image) -> list[DetectedFace]:
        """All faces, best score first; boxes are whole pixels of `image`, scores dlib's raw margins (0…about 1.5)."""
        return self.detect_at(image, self.upsample_for(image))

    def upsample_for(self, image: Image) -> float:
        """The enlargement `detect` chooses for this image."""
        pixels = image.shape[0] * image.shape[1]
        if 4 * pixels <= self._max_pixels:
            within_budget = 2.0
        elif pixels <= self._max_pixels:
            within_budget = 1.0
        else:
            within_budget = math.sqrt(self._max_pixels / pixels)
        return min(within_budget, self._most_upsample)

    def detect_at(self, image: Image, upsample: float) -> list[DetectedFace]:
        """All faces at a given enlargement; 1, 2 and 4 match dlib's `upsample_num_times` 0, 1 and 2."""
        height, width = image.shape[:2]
        if not height or not width:
            return []
        scaled, doublings = _rescale(image, upsample)
        rectangles, scores = self._scan(scaled)
        corners = rectangles.astype(np.float64)
        if doublings:
            for _ in range(doublings):
                # dlib's own map; it lies up to 1.25 pixels left of where the enlarged pixels came from.
                corners = corners / 2 - np.array([1.25, 0.75, 1.25, 0.75])
        else:
            ratio = np.array([width / scaled.shape[1], height / scaled.shape[0]] * 2)
            corners = (corners + 0.5) * ratio - 0.5
        boxes = _round(corners)
        return [
            DetectedFace(Box(float(left), float(top), float(right + 1), float(bottom + 1)), float(score))
            for (left, top, right, bottom), score in zip(boxes.tolist(), scores, strict=True)
        ]

    def _scan(self, image: Image) -> tuple[Rectangles, NDArray[np.float32]]:
        """Rectangles and scores of all faces of an image, best first."""
        pyramid = lay_out(image.shape[1], image.shape[0])
        scores = self._score_map(paint(image, pyramid))
        rows, columns = np.nonzero(scores > self._score_threshold)
        found = scores[rows, columns]
        centres = np.stack([columns, rows], axis=1).astype(np.float64) * _CELL_PX + _FIRST_CELL_PX
        levels = pyramid.level_at(centres)
        half = (WINDOW_PX - 1) / 2
        first, last = (pyramid.to_image(centres + offset, levels) for offset in (-half, half))
        order = np.argsort(-found, kind="stable")
        rectangles = _round(np.concatenate([first, last], axis=1))[order]
        kept = _suppress(rectangles, self._iou_threshold)
        return rectangles[kept], found[order][kept]

    def _score_map(self, canvas: NDArray[np.float32]) -> NDArray[np.float32]:
        """[h, w] scores of a [3, H, W] canvas."""
        _, height, width = canvas.shape
        missing = [max(0, _SMALLEST_CANVAS_PX - side) for side in (height, width)]
        if any(missing):
            canvas = np.pad(canvas, ((0, 0), (0, missing[0]), (0, missing[1])), mode="edge")
        if height * width <= self._max_canvas_pixels:
            return self._run(canvas)
        return self._score_strips(canvas)

    def _score_strips(self, canvas: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same scores, computed a strip of rows at a time."""
        _, height, width = canvas.shape
        cells = (height - _SMALLEST_CANVAS_PX) // _CELL_PX + 1
        cells_within = (self._max_canvas_pixels // width - _SMALLEST_CANVAS_PX) // _CELL_PX + 1
        step = max(_HALO_CELLS, cells_within - 2 * _HALO_CELLS)
        strips: list[NDArray[np.float32]] = []
        for start in range(0, cells, step):
            above = min(start, _HALO_CELLS)
            end = min(start + step + _HALO_CELLS, cells)
            rows = slice((start - above) * _CELL_PX, (end - 1) * _CELL_PX + _SMALLEST_CANVAS_PX)
            strip = self._run(np.ascontiguousarray(canvas[:, rows]))
            strips.append(strip[above : above + min(step, cells - start)])
        return np.concatenate(strips)

    def _run(self, canvas: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._session.run({self._input: canvas[None]})[0][0, 0]


def _rescale(image: Image, upsample: float) -> tuple[Image, int]:
    """The image at another size, and how many of dlib's doublings made it (0: scaled about pixel edges)."""
    height, width = image.shape[:2]
    doublings = round(math.log2(upsample)) if upsample > 1 else 0
    if doublings and 2**doublings == upsample:
        enlarged = image.astype(np.float32)
        for _ in range(doublings):
            rows, columns = enlarged.shape[:2]
            # Rounded down as dlib's bytes are: rounding would brighten the image by half a step.
            enlarged = np.floor(resize_by_corners(enlarged, 2 * columns + 2, 2 * rows + 1))
        return enlarged.astype(np.uint8), doublings
    if upsample == 1:
        return image, 0
    size = max(1, round(width * upsample)), max(1, round(height * upsample))
    # Averaging: bilinear samples of a photo shrunk to a third or less would alias.
    interpolation = cv2.INTER_AREA if upsample < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8), 0


def _round(values: Floats) -> Rectangles:
    """To the nearest whole number, halves away from zero."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values).astype(np.int64)


def _suppress(rectangles: Rectangles, iou_threshold: float) -> Sequence[int]:
    """Indices of the rectangles that no better one (an earlier row) covers."""
    kept: list[int] = []
    left, top, right, bottom = rectangles.T
    for index in range(len(rectangles)):
        inner_width = np.minimum(right[kept], right[index]) - np.maximum(left[kept], left[index]) + 1
        inner_height = np.minimum(bottom[kept], bottom[index]) - np.maximum(top[kept], top[index]) + 1
        # dlib divides by the rectangle around both, not by their union.
        outer_width = np.maximum(right[kept], right[index]) - np.minimum(left[kept], left[index]) + 1
        outer_height = np.maximum(bottom[kept], bottom[index]) - np.minimum(top[kept], top[index]) + 1
        inner = np.maximum(inner_width, 0) * np.maximum(inner_height, 0)
        if not (inner > iou_threshold * outer_width * outer_height).any():
            kept.append(index)
    return kept
