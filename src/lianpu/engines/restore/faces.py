"""Where a face lies: its points on the FFHQ crop that restorers were trained with, its oval, its surroundings."""

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.alignment import arcface_template, estimate_similarity
from lianpu.engines.face.face import Box, DetectedFace, Landmarks, LandmarkScheme, Points
from lianpu.engines.restore.engine import Template

FFHQ_PX = 512
FFHQ_TEMPLATE: Points = np.array(
    [
        (192.98138, 239.94708),
        (318.90277, 240.1936),
        (256.63416, 314.01935),
        (201.26117, 371.41043),
        (313.08905, 371.15118),
    ],
    np.float32,
)
"""The five ArcFace points of a frontal face in a 512x512 crop, as facexlib and all FFHQ-trained restorers have them."""

# dlib's five points know no mouth and no tip of the nose. Where their eye centres and nose base lie on the same crop:
# the median over 197 LFW photos that were aligned by the five ArcFace points of SCRFD.
_FFHQ_DLIB = np.array([(194.5, 244.6), (316.5, 244.6), (256.3, 335.3)], np.float32)

# On the 512 crop: from brows and temples to just below the chin; hair and ears stay the photo's own.
_OVAL_CENTRE, _OVAL_RADII = (256, 292), (152, 190)
_OVAL_FEATHER_PX = 18.0
_SQUARE_MARGIN_PX, _SQUARE_FEATHER_PX = 48, 16.0

Matrix = NDArray[np.float64]
"""[2, 3]: from one picture's pixels to another's, as cv2.warpAffine takes it."""


@dataclass(frozen=True, slots=True)
class FacePlace:
    """A face of a photo and the square around it."""

    face: DetectedFace
    to_ffhq: Matrix
    """From the photo to the 512x512 crop."""
    roi: tuple[int, int, int, int]
    """First and last (exclusive) column and row of that crop in the photo: x1, y1, x2, y2; inside the photo."""
    eye_distance_px: float


def place_face(face: DetectedFace, width: int, height: int) -> FacePlace | None:
    """None: its landmarks lie on one point, or outside the photo.

    Args:
        face: with landmarks.
        width, height: of the photo, in pixels.
    """
    if face.landmarks is None:
        return None
    points, template = comparable_points(face.landmarks)
    distance = float(np.linalg.norm(points[1] - points[0]))
    if not distance > 1:
        return None
    to_ffhq = estimate_similarity(points, template)
    corners = np.array([(0, 0), (FFHQ_PX, 0), (FFHQ_PX, FFHQ_PX), (0, FFHQ_PX)], np.float64)
    back = inverted(to_ffhq)
    corners = corners @ back[:, :2].T + back[:, 2]
    x1, y1 = np.floor(corners.min(axis=0)).astype(int)
    x2, y2 = np.ceil(corners.max(axis=0)).astype(int)
    roi = (max(0, int(x1)), max(0, int(y1)), min(width, int(x2)), min(height, int(y2)))
    if roi[2] - roi[0] < 2 or roi[3] - roi[1] < 2:
        return None
    return FacePlace(face, to_ffhq, roi, distance)


def comparable_points(landmarks: Landmarks) -> tuple[Points, Points]:
    """The points of a face that the FFHQ crop is aligned by, and where they lie on it: both [n, 2]."""
    points = landmarks.points
    if landmarks.scheme is LandmarkScheme.DLIB5:
        eyes_and_nose = [(points[2] + points[3]) / 2, (points[0] + points[1]) / 2, points[4]]
        return np.array(eyes_and_nose, np.float32), _FFHQ_DLIB
    return points, FFHQ_TEMPLATE


def crop_matrix(place: FacePlace, side_px: int, template: Template) -> Matrix:
    """From the photo to the square crop that a restorer wants."""
    if template == "ffhq":
        return scaling(side_px / FFHQ_PX) @ _square(place.to_ffhq)
    # Through the FFHQ crop, so that it works for any landmarks.
    between = estimate_similarity(FFHQ_TEMPLATE, arcface_template(side_px))
    return between @ _square(place.to_ffhq)


def scaling(factor: float, x: float = 0, y: float = 0) -> Matrix:
    """From a picture to itself scaled, whose pixel (x, y) becomes the first; centres of pixels are whole numbers."""
    shift = (factor - 1) / 2
    return np.array([[factor, 0, shift - factor * x], [0, factor, shift - factor * y]], np.float64)


def chained(first: Matrix, second: Matrix) -> Matrix:
    """`first`, then `second`."""
    return second @ _square(first)


def inverted(matrix: Matrix) -> Matrix:
    return cast(Matrix, cv2.invertAffineTransform(matrix)).astype(np.float64)


def moved(face: DetectedFace, matrix: Matrix) -> DetectedFace:
    """The face where a matrix without rotation brings it."""
    corners = np.array([(face.box.x1, face.box.y1), (face.box.x2, face.box.y2)]) @ matrix[:, :2].T + matrix[:, 2]
    (x1, y1), (x2, y2) = corners.tolist()
    landmarks = face.landmarks
    if landmarks is not None:
        points = (landmarks.points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        landmarks = Landmarks(landmarks.scheme, points)
    return DetectedFace(Box(x1, y1, x2, y2), face.score, landmarks)


@lru_cache(maxsize=1)
def oval_mask() -> NDArray[np.float32]:
    """[512, 512] float32: 1 inside the face's oval on the FFHQ crop, fading to 0 outside."""
    mask = np.zeros((FFHQ_PX, FFHQ_PX), np.float32)
    cv2.ellipse(mask, _OVAL_CENTRE, _OVAL_RADII, 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    return _softened(mask, _OVAL_FEATHER_PX)


@lru_cache(maxsize=1)
def square_mask() -> NDArray[np.float32]:
    """[512, 512] float32: 1 on nearly all of the FFHQ crop, and so on all that a recogniser looks at."""
    mask = np.zeros((FFHQ_PX, FFHQ_PX), np.float32)
    mask[_SQUARE_MARGIN_PX:-_SQUARE_MARGIN_PX, _SQUARE_MARGIN_PX:-_SQUARE_MARGIN_PX] = 1
    return _softened(mask, _SQUARE_FEATHER_PX)


def _softened(mask: NDArray[np.float32], feather_px: float) -> NDArray[np.float32]:
    mask = cast(NDArray[np.float32], cv2.GaussianBlur(mask, (0, 0), feather_px))
    # Exactly nothing at the border: what is warped from it must leave no line.
    mask[mask < 1e-3] = 0
    mask.setflags(write=False)
    return mask


def _square(matrix: Matrix) -> Matrix:
    return np.vstack([matrix, (0, 0, 1)])
