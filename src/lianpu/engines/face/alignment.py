"""ArcFace alignment: five points to the upright square crop that recognisers were trained on."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image, Landmarks, LandmarkScheme, Points
from lianpu.errors import FaceNotFoundError, PackInvalidError

ARCFACE_TEMPLATE: Points = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""Where the five points of a frontal face lie in a 112x112 crop (Deng et al. 2018, https://arxiv.org/abs/1801.07698)."""


def arcface_template(size_px: int) -> Points:
    """The template for a square crop of another size, [5, 2] in its pixels.

    Sizes that are multiples of 128 and not of 112 follow InsightFace: the face keeps its share of 112/128 and is
    centred, with a border of 8/128 left and right. All others are scaled.
    """
    if size_px % 128 == 0 and size_px % 112 != 0:
        return ARCFACE_TEMPLATE * np.float32(size_px / 128) + np.array([size_px / 16, 0], np.float32)
    return ARCFACE_TEMPLATE * np.float32(size_px / 112)


def estimate_similarity(source: Points, target: Points) -> NDArray[np.float64]:
    """The rotation, scale and shift that bring source points nearest to target points (least squares).

    Umeyama's solution (1991, https://doi.org/10.1109/34.88573) without reflection. In the plane it is one complex
    division: with points as centred complex numbers z and w, the factor is sum(conj(z) w) / sum(|z|^2).

    Args:
        source: [n, 2].
        target: [n, 2].

    Returns:
        [2, 3] matrix as cv2.warpAffine takes it.

    Raises:
        FaceNotFoundError: all source points coincide.
    """
    start, end = source.astype(np.float64), target.astype(np.float64)
    start_mean, end_mean = start.mean(axis=0), end.mean(axis=0)
    start, end = start - start_mean, end - end_mean
    spread = float((start * start).sum())
    if not spread > 0 or not np.isfinite(spread):
        raise FaceNotFoundError("The face's landmarks lie on one point.")
    cosine = float((start * end).sum()) / spread
    sine = float((start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]).sum()) / spread
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([matrix, end_mean - matrix @ start_mean])


def align(image: Image, landmarks: Landmarks, size_px: int = 112) -> Image:
    """The aligned face, [size_px, size_px, 3] uint8 RGB; black where it reaches outside the image.

    Raises:
        PackInvalidError: the landmarks are of another scheme than ArcFace's five points.
        FaceNotFoundError: the points coincide.
    """
    if landmarks.scheme is not LandmarkScheme.ARCFACE5:
        raise PackInvalidError(
            f"ArcFace alignment needs landmarks of scheme '{LandmarkScheme.ARCFACE5}'; this pack's landmarks are "
            f"'{landmarks.scheme}'. Pair the embedder with a detector that gives the five ArcFace points."
        )
    matrix = estimate_similarity(landmarks.points, arcface_template(size_px))
    return cast(Image, cv2.warpAffine(image, matrix, (size_px, size_px)))
