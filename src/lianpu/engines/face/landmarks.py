"""Landmark predictor `dlib5`: five points by a cascade of regression trees, evaluated for all faces at once."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Box, Image, Landmarks, LandmarkScheme
from lianpu.errors import PackDamagedError

_FIELDS = ("initial", "anchors", "deltas", "first", "second", "thresholds", "leaves")

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


class Dlib5Landmarks:
    """Ensemble of regression trees (Kazemi and Sullivan 2014, https://doi.org/10.1109/CVPR.2014.241).

    Trained on the rectangles of dlib's detectors: give it the boxes of `MmodDetector`.
    """

    def __init__(self, model: Path) -> None:
        """Load the arrays of an embedded pack (`.npz`; the pack's translator says which).

        Raises:
            PackDamagedError: the file is missing or not that archive.
        """
        try:
            # Opened here: numpy forgets to close what turns out to be no archive.
            with model.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                arrays: list[NDArray[np.generic]] = [archive[name] for name in _FIELDS]
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise PackDamagedError(f"{model.name} is damaged: {error}", context={"path": str(model)}) from error
        initial, anchors, deltas, first, second, thresholds, leaves = arrays
        shape = tuple(thresholds.shape)
        if len(shape) != 3 or leaves.shape != (*shape[:2], shape[2] + 1, *initial.shape) or anchors.ndim != 2:
            raise PackDamagedError(f"{model.name} is damaged: its arrays do not fit each other")
        self._levels, self._trees, self._splits = (int(size) for size in shape)
        self._initial: Floats = initial.astype(np.float32)
        self._anchors: Indices = anchors.astype(np.intp)
        self._deltas: Floats = deltas.astype(np.float32)
        self._thresholds: Floats = thresholds.astype(np.float32)
        self._leaves: Floats = leaves.astype(np.float32)
        self._first: Indices = first.astype(np.intp)
        self._second: Indices = second.astype(np.intp)

    @property
    def scheme(self) -> LandmarkScheme:
        return LandmarkScheme.DLIB5

    def predict(self, image: Image, boxes: Sequence[Box]) -> list[Landmarks]:
        """Five points of each box, in its order; fractions of a pixel, where dlib rounds to whole ones.

        Args:
            image: [H, W, 3] uint8 RGB.
            boxes: faces in pixels, x2 and y2 exclusive; rounded to whole pixels, as the trees were trained.
        """
        if not boxes:
            return []
        # Pixels are read by flat index, level after level: a view would be copied each time.
        image = np.ascontiguousarray(image)
        first_pixels, spans = _rectangles(boxes)
        shapes = np.repeat(self._initial[None], len(boxes), axis=0)
        for level in range(self._levels):
            places = _turned(self._deltas[level], self._initial, shapes) + shapes[:, self._anchors[level]]
            pixels = np.floor(first_pixels + places.astype(np.float64) * spans + 0.5).astype(np.intp)
            shapes = self._step(level, shapes, _intensities(image, pixels))
        points = first_pixels + shapes.astype(np.float64) * spans
        return [Landmarks(LandmarkScheme.DLIB5, found) for found in points.astype(np.float32)]

    def _step(self, level: int, shapes: Floats, features: Floats) -> Floats:
        """The shapes [N, P, 2] moved by one level's trees, which see [N, F] intensities."""
        first: Indices = self._first[level].ravel()
        second: Indices = self._second[level].ravel()
        thresholds: Floats = self._thresholds[level].ravel()
        rows = np.arange(len(features))[:, None] * features.shape[1]
        features = features.ravel()
        # Tables are flat: a tree's node is its own number plus where the tree begins.
        roots: Indices = np.arange(self._trees) * self._splits
        nodes = np.zeros((len(shapes), self._trees), dtype=np.intp)
        for _ in range(self._splits.bit_length()):
            place = roots + nodes
            goes_left = features[rows + first[place]] - features[rows + second[place]] > thresholds[place]
            nodes = 2 * nodes + np.where(goes_left, 1, 2)
        steps = self._leaves[level, np.arange(self._trees), nodes - self._splits]
        # Tree after tree in float32, from the shape on: another order rounds a pixel's place otherwise now and then.
        return np.concatenate([shapes[:, None], steps], axis=1).sum(axis=1)


def _rectangles(boxes: Sequence[Box]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First pixel and distance to the last one: two [N, 1, 2]."""
    corners = np.array([(box.x1, box.y1, box.x2 - 1, box.y2 - 1) for box in boxes], dtype=np.float64)
    corners = np.floor(corners + 0.5)
    return corners[:, None, :2], (corners[:, 2:] - corners[:, :2])[:, None]


def _turned(offsets: Floats, source: Floats, targets: Floats) -> Floats:
    """Offsets [F, 2] turned and scaled as one shape [P, 2] is to fit each of [N, P, 2] best: [N, F, 2]."""
    centred = (source - source.mean(axis=0)).astype(np.float64)
    moved = (targets - targets.mean(axis=1, keepdims=True)).astype(np.float64)
    (x, y), norm = centred.T, np.square(centred).sum()
    # Least squares, as one complex number a face: [N, 1] each.
    cosine = (moved[..., 0] * x + moved[..., 1] * y).sum(axis=1, keepdims=True) / norm
    sine = (moved[..., 1] * x - moved[..., 0] * y).sum(axis=1, keepdims=True) / norm
    cosine, sine = cosine.astype(np.float32), sine.astype(np.float32)
    across, down = offsets.T
    return np.stack([cosine * across - sine * down, sine * across + cosine * down], axis=2)


def _intensities(image: Image, pixels: Indices) -> Floats:
    """Mean of R, G and B rounded down at [N, F, 2] pixels (x, y); 0 outside the image: [N, F]."""
    height, width = image.shape[:2]
    x, y = pixels[..., 0], pixels[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    places = np.where(inside, y * width + x, 0)
    red, green, blue = image.reshape(-1, 3).take(places, axis=0).transpose(2, 0, 1).astype(np.int32)
    return np.where(inside, (red + green + blue) // 3, 0).astype(np.float32)
