"""Which faces of a picture are swapped, and where they are in the next picture of a video."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box, DetectedFace, Image, Landmarks
from lianpu.engines.swap.swapper import SwapFaces, SwapJob, SwapKind

_LEAST_OVERLAP = 0.1
# Detectors see faces from about 80 pixels on (MMOD): smaller pictures are looked at again at twice the size.
_SMALL_SIDE_PX = 1000
# A face is looked for around its last place, in a cut-out in which it has about so many pixels.
_AROUND = 0.9
_FACE_PX = 130
_WHOLE_FRAME_EVERY = 15
# In shares of the box: a face that moved less than the first is mostly noise, more than the second no noise at all.
_STILL, _MOVING = 0.005, 0.06
_STEADIEST = 0.35


def choose_faces(found: Sequence[DetectedFace], wanted: SwapFaces) -> list[DetectedFace]:
    """The faces that are to be swapped, the largest first; none: the wanted one is not among them."""
    faces = sorted(found, key=lambda face: -face.box.area)
    if wanted.all_faces:
        return faces
    if wanted.only is None:
        return faces[:1]
    box = wanted.only
    best = max(faces, key=lambda face: face.box.iou(box), default=None)
    return [] if best is None or best.box.iou(box) < _LEAST_OVERLAP else [best]


def find_faces(analyzer: FaceAnalyzer, picture: Image) -> list[DetectedFace]:
    """Faces with landmarks, largest first; where there is none in a small picture, also those too small to see."""
    faces = analyzer.detect(picture)
    if faces or max(picture.shape[:2]) > _SMALL_SIDE_PX:
        return faces
    doubled = cast(Image, cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    return [_mapped(face, 2.0, 0.0, 0.0) for face in analyzer.detect(doubled)]


class FaceFollower:
    """Finds the wanted faces in one frame after another of the same video, without looking at all of each frame.

    A face is looked for around its last place; the whole frame is looked at where it is not there, and, where all faces
    are wanted, now and then for new ones. Landmarks of a face that holds still are steadied. One thread at a time.
    """

    def __init__(self, analyzer: FaceAnalyzer, wanted: SwapFaces) -> None:
        self._analyzer = analyzer
        self._wanted = wanted
        self._last: list[DetectedFace] = []
        self._frames = 0

    def find(self, frame: Image) -> list[DetectedFace]:
        """
        Args:
            frame: [H, W, 3] uint8 RGB, upright.
        """
        looks_everywhere = self._wanted.all_faces and self._frames % _WHOLE_FRAME_EVERY == 0
        self._frames += 1
        found = [] if looks_everywhere or not self._last else self._around(frame)
        if not found:
            found = choose_faces(find_faces(self._analyzer, frame), self._wanted)
        if not found:
            return []
        self._last = [_steadied(face, self._last) for face in found]
        if self._wanted.only is not None:
            self._wanted = replace(self._wanted, only=self._last[0].box)
        return self._last

    def _around(self, frame: Image) -> list[DetectedFace]:
        """Every face of the last frame near its place there; nothing where one is missing."""
        found: list[DetectedFace] = []
        for last in self._last:
            near = self._near(frame, last.box)
            if near is None:
                return []
            found.append(near)
        return found

    def _near(self, frame: Image, box: Box) -> DetectedFace | None:
        height, width = frame.shape[:2]
        margin = _AROUND * max(box.width, box.height)
        left, top = max(0, int(box.x1 - margin)), max(0, int(box.y1 - margin))
        right, bottom = min(width, int(box.x2 + margin)), min(height, int(box.y2 + margin))
        if right - left < 8 or bottom - top < 8:
            return None
        region = frame[top:bottom, left:right]
        scale = _FACE_PX / max(box.width, box.height)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        size = (max(8, round(region.shape[1] * scale)), max(8, round(region.shape[0] * scale)))
        looked_at = cast(Image, cv2.resize(region, size, interpolation=method))
        faces = [_mapped(face, scale, left, top) for face in self._analyzer.detect(looked_at)]
        return next(iter(choose_faces(faces, SwapFaces(only=box))), None)


Find = Callable[[Image], list[DetectedFace]]
"""The wanted faces of a picture."""


def finder(analyzer: FaceAnalyzer, job: SwapJob) -> Find:
    """The faces that a job is about, in pictures of its target in their order."""
    if job.kind is SwapKind.VIDEO:
        return FaceFollower(analyzer, job.faces).find
    return lambda picture: choose_faces(find_faces(analyzer, picture), job.faces)


def _mapped(face: DetectedFace, scale: float, left: float, top: float) -> DetectedFace:
    """From a cut-out that begins at (left, top) and was enlarged `scale` times to the picture."""
    box = Box(
        face.box.x1 / scale + left, face.box.y1 / scale + top, face.box.x2 / scale + left, face.box.y2 / scale + top
    )
    landmarks = face.landmarks
    if landmarks is not None:
        points = landmarks.points / np.float32(scale) + np.array([left, top], np.float32)
        landmarks = Landmarks(landmarks.scheme, points)
    return replace(face, box=box, landmarks=landmarks)


def _steadied(face: DetectedFace, last: Sequence[DetectedFace]) -> DetectedFace:
    """Landmarks mixed with those of the last frame, the less the more they moved."""
    before = max(last, key=lambda other: other.box.iou(face.box), default=None)
    if before is None or before.landmarks is None or face.landmarks is None or before.box.iou(face.box) < 0.5:
        return face
    moved = float(np.abs(face.landmarks.points - before.landmarks.points).mean()) / max(face.box.width, 1.0)
    share = float(np.clip((moved - _STILL) / (_MOVING - _STILL), _STEADIEST, 1))
    points = before.landmarks.points + (face.landmarks.points - before.landmarks.points) * np.float32(share)
    return replace(face, landmarks=Landmarks(face.landmarks.scheme, points.astype(np.float32)))
