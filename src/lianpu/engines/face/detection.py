"""What SCRFD and YuNet share: the network's input size, and raw candidates to faces."""

import math

import numpy as np

from lianpu.engines.face.face import Box, DetectedFace, Image, Landmarks, LandmarkScheme
from lianpu.engines.face.nms import Floats
from lianpu.errors import PackInvalidError
from lianpu.runtime.session import TensorSpec


def network_input_size(spec: TensorSpec, wanted_px: int, multiple_px: int, detector: str) -> tuple[int, int]:
    """(width, height) to letterbox into: the graph's where it is fixed, else a square of the wanted side.

    Raises:
        PackInvalidError: the input is not [n, 3, height, width], or a side is no multiple of the largest stride.
    """
    if len(spec.shape) != 4 or spec.shape[1] not in {3, None}:
        raise PackInvalidError(f"{detector}: the network's input {spec.name} {spec.shape} is not [n, 3, height, width]")
    height, width = spec.shape[2] or wanted_px, spec.shape[3] or wanted_px
    if min(width, height) < multiple_px or width % multiple_px or height % multiple_px:
        raise PackInvalidError(
            f"{detector}: the input size {width}x{height} is no multiple of {multiple_px}, the network's largest stride"
        )
    return width, height


def snug_size(image: Image, width: int, height: int, multiple_px: int) -> tuple[int, int]:
    """(width, height) of a small input that holds the image as `letterbox` scales it into [height, width].

    With a whole stride to spare: without, faces at the image's edge score a little lower than on the full canvas.
    """
    ratio = image.shape[0] / image.shape[1]
    if ratio > height / width:
        return min(width, (math.ceil(height / ratio / multiple_px) + 1) * multiple_px), height
    return width, min(height, (math.ceil(width * ratio / multiple_px) + 1) * multiple_px)


def to_faces(boxes: Floats, scores: Floats, points: Floats | None) -> list[DetectedFace]:
    """DetectedFaces of [n, 4] corner boxes, [n] scores and, where there are any, [n, 5, 2] points."""
    return [
        DetectedFace(
            Box(*(float(corner) for corner in box)),
            float(score),
            None if points is None else Landmarks(LandmarkScheme.ARCFACE5, points[index].astype(np.float32)),
        )
        for index, (box, score) in enumerate(zip(boxes, scores, strict=True))
    ]
