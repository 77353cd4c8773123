"""Face detector SCRFD: boxes and, where the network gives them, five points."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from lianpu.engines.face.detection import network_input_size, snug_size, to_faces
from lianpu.engines.face.face import DetectedFace, Image
from lianpu.engines.face.letterbox import letterbox, to_planes
from lianpu.engines.face.nms import Floats, non_maximum_suppression
from lianpu.errors import PackInvalidError
from lianpu.runtime.session import Session

# Levels of the feature pyramid -> stride of each in pixels, by the number of levels.
_STRIDES = {3: (8, 16, 32), 5: (8, 16, 32, 64, 128)}
_SCORE, _BOX, _POINTS = 1, 4, 10
_LEVELS_BY_OUTPUTS = {6: 3, 9: 3, 10: 5, 15: 5}


class ScrfdDetector:
    """SCRFD (Guo et al. 2021, https://arxiv.org/abs/2105.04714) as InsightFace exports it; implements `FaceDetector`.

    Takes networks with and without points, of 3 or 5 levels, of any number of anchors a cell, of fixed or dynamic
    size, with outputs [1, n, k] or [n, k]. Gives the numbers of InsightFace's own SCRFD.detect.
    """

    def __init__(self, session: Session, *, input_size: int, score_threshold: float, iou_threshold: float) -> None:
        """Wrap a loaded network.

        Args:
            input_size: side in pixels of the square the image is fitted into; a fixed network's own size overrides it.
            score_threshold: least score of a face, 0…1.
            iou_threshold: greatest overlap of two faces, 0…1.

        Raises:
            PackInvalidError: the network's inputs or outputs are not SCRFD's, or the input size does not fit it.
        """
        outputs = len(session.outputs)
        if outputs not in _LEVELS_BY_OUTPUTS or len(session.inputs) != 1:
            raise PackInvalidError(
                f"SCRFD has 1 input and 6, 9, 10 or 15 outputs; this network has {len(session.inputs)} and {outputs}"
            )
        self._session = session
        self._strides = _STRIDES[_LEVELS_BY_OUTPUTS[outputs]]
        self._has_points = outputs // len(self._strides) == 3
        self._input_name = session.inputs[0].name
        self._width, self._height = network_input_size(session.inputs[0], input_size, self._strides[-1], "SCRFD")
        self._is_fixed = None not in session.inputs[0].shape[2:]
        self._score_threshold = score_threshold
        self._iou_threshold = iou_threshold

    @property
    def has_landmarks(self) -> bool:
        return self._has_points

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the network's input in pixels."""
        return self._width, self._height

    def detect(self, image: Image) -> list[DetectedFace]:
        """All faces of an image, best score first, in its pixels.

        Raises:
            PackInvalidError: the outputs' shapes are not SCRFD's.
        """
        return self._detect(image, self._width, self._height)

    def detect_snug(self, image: Image) -> list[DetectedFace]:
        """As `detect`, on no more blackness beside the image than the network's strides need; see `SnugDetector`."""
        if self._is_fixed:
            return self.detect(image)
        return self._detect(image, *snug_size(image, self._width, self._height, self._strides[-1]))

    def _detect(self, image: Image, width: int, height: int) -> list[DetectedFace]:
        canvas, scale = letterbox(image, width, height)
        feeds = {self._input_name: to_planes([canvas], 127.5, 128.0, "rgb")}
        levels = self._levels(self._session.run(feeds), width, height)
        decoded = [self._decode(*level, width, height) for level in levels]
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*decoded, strict=True))
        best_first = np.argsort(-scores, kind="stable")
        boxes = boxes[best_first] / scale
        # In the image's pixels and with whole-pixel extents, as InsightFace does: borderline pairs go the same way.
        kept = non_maximum_suppression(boxes, self._iou_threshold, pixel_extent=1.0)
        chosen = best_first[kept]
        kept_points = (points[chosen] / scale).reshape(-1, 5, 2) if self._has_points else None
        return to_faces(boxes[kept], scores[chosen], kept_points)

    def _levels(self, outputs: Sequence[Floats], width: int, height: int) -> list[tuple[int, Floats, Floats, Floats]]:
        """(stride, scores [n, 1], distances [n, 4], points [n, 10 or 0]) of each level, finest first.

        Outputs are told apart by their last axis and their length, so that their order does not matter.
        """
        by_kind: defaultdict[int, list[Floats]] = defaultdict(list)
        for output in outputs:
            flat = output.reshape(-1, output.shape[-1])
            by_kind[flat.shape[1]].append(flat)
        kinds = (_SCORE, _BOX, _POINTS) if self._has_points else (_SCORE, _BOX)
        if set(by_kind) != set(kinds) or {len(found) for found in by_kind.values()} != {len(self._strides)}:
            raise PackInvalidError(f"SCRFD: unexpected output shapes {[output.shape for output in outputs]}")
        for found in by_kind.values():
            found.sort(key=len, reverse=True)
        levels: list[tuple[int, Floats, Floats, Floats]] = []
        for index, stride in enumerate(self._strides):
            scores, distances = by_kind[_SCORE][index], by_kind[_BOX][index]
            points = by_kind[_POINTS][index] if self._has_points else np.empty((len(scores), 0), np.float32)
            cells = (width // stride) * (height // stride)
            if len(scores) % cells or not len(scores) == len(distances) == len(points):
                raise PackInvalidError(f"SCRFD: {len(scores)} anchors do not fit {cells} cells of stride {stride}")
            levels.append((stride, scores, distances, points))
        return levels

    def _decode(
        self, stride: int, scores: Floats, distances: Floats, points: Floats, width: int, height: int
    ) -> tuple[Floats, Floats, Floats]:
        """Boxes [m, 4], scores [m] and points [m, 10 or 0] in canvas pixels of the anchors that pass the threshold.

        A cell's centre is its corner times the stride; boxes are distances from it to the four sides, points are
        offsets from it, both in strides.
        """
        columns = width // stride
        anchors = len(scores) // (columns * (height // stride))
        passing = np.flatnonzero(scores[:, 0] >= self._score_threshold)
        cells = passing // anchors
        centres = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32) * stride
        reach = distances[passing] * stride
        boxes = np.concatenate([centres - reach[:, :2], centres + reach[:, 2:]], axis=1)
        offsets = points[passing] * stride
        return boxes, scores[passing, 0], offsets + np.tile(centres, points.shape[1] // 2)
