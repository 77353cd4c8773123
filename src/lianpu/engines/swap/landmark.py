"""The face swap that needs no weights: the source face is warped by its landmarks, recoloured and blended in."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.alignment import ARCFACE_TEMPLATE, estimate_similarity
from lianpu.engines.face.face import DetectedFace, Image, Landmarks, LandmarkScheme, Points
from lianpu.engines.swap.blending import Mask, clone, ellipse, match_colour, match_light, mix, paste
from lianpu.errors import FaceNotFoundError

# The crop in which both faces are laid over each other, in units of the distance between the eyes' centres.
_CROP_SIDE = 4.0
_EYES_FROM_TOP = 1.65
_EYE_WIDTH = 0.41
# Of the nose's base below the eyes: of dlib's mean face (shape_predictor_5_face_landmarks).
_NOSE_BASE = 0.77
# The face from the brows to above the chin; the chin and the outline stay the target's.
_OVAL_CENTRE_BELOW_EYES = 0.50
_OVAL_RADII = (0.93, 1.24)
_OVAL_POWER = 2.3
_FEATHER = 0.28
_LIGHT_REACH = 0.55
_LEAST_SIDE_PX, _MOST_SIDE_PX = 192, 448
# How strongly the affine correction holds on to "no correction", in squared units of the eyes' distance.
_STIFFNESS = 0.12


@dataclass(frozen=True, slots=True)
class LandmarkSource:
    """A source face, ready to be laid over others."""

    picture: Image
    landmarks: Landmarks


class LandmarkPainter:
    """The landmark engine as a `FacePainter`."""

    @property
    def provider(self) -> str | None:
        return None

    @property
    def max_yaw_degrees(self) -> float:
        return 20.0

    def prepare(self, picture: Image, face: DetectedFace) -> object:
        return prepare(picture, face)

    def paint(self, source: object, frame: Image, face: DetectedFace) -> Image:
        if not isinstance(source, LandmarkSource):
            raise TypeError("the source was prepared by another engine")
        return swap_face(source, frame, face)


def prepare(picture: Image, face: DetectedFace) -> LandmarkSource:
    """
    Raises:
        FaceNotFoundError: the face has no landmarks, or they coincide.
    """
    if face.landmarks is None:
        raise FaceNotFoundError("The face of the source has no landmarks.")
    _to_crop(face.landmarks, _LEAST_SIDE_PX)
    return LandmarkSource(picture, face.landmarks)


def swap_face(source: LandmarkSource, frame: Image, face: DetectedFace) -> Image:
    """The frame with one face replaced.

    Both faces are turned upright into one crop (similarity by the landmarks), the source's landmarks are brought onto
    the target's by a stiff affine correction, its colours and light are made the target's, and an oval from the brows
    to above the chin is blended in by Poisson's equation with a soft rim.

    What five landmarks cannot give: the target's expression, a mouth that moves, a head turned otherwise than the
    source's by more than some twenty degrees, or an identity that a recogniser is sure to confirm.

    Args:
        frame: [H, W, 3] uint8 RGB.
        face: of the frame, with landmarks of the source's scheme.

    Raises:
        FaceNotFoundError: the face has no landmarks, or they coincide.
    """
    if face.landmarks is None:
        raise FaceNotFoundError("The face of the target has no landmarks.")
    eyes_px = _eye_distance(face.landmarks)
    side = int(np.clip(round(_CROP_SIDE * eyes_px), _LEAST_SIDE_PX, _MOST_SIDE_PX))
    unit = side / _CROP_SIDE
    to_crop = _to_crop(face.landmarks, side)
    target = cast(Image, cv2.warpAffine(frame, to_crop, (side, side), flags=_method(to_crop), borderMode=_BORDER))
    made = _laid_over(source, face.landmarks, to_crop, side)
    mask = _oval(side, unit)
    made = match_colour(made, target, mask)
    made = match_light(made, target, mask, _LIGHT_REACH * unit)
    cloned = clone(made, target, mask)
    # Poisson's equation alone lets the target's rim bleed far into the face where hair or a beard crosses it.
    made = mix(cloned, made, np.full_like(mask, 0.7))
    return paste(frame, made, mask, to_crop)


_BORDER = cv2.BORDER_REPLICATE


def _laid_over(source: LandmarkSource, target: Landmarks, to_crop: NDArray[np.float64], side: int) -> Image:
    unit = side / _CROP_SIDE
    upright = _to_crop(source.landmarks, side)
    if source.landmarks.scheme is not target.scheme:
        # Points that do not stand for the same places correct nothing.
        target = Landmarks(source.landmarks.scheme, _moved_back(source.landmarks, upright, to_crop))
    there = _moved(target.points, to_crop)
    here = _moved(source.landmarks.points, upright)
    centre = np.array([side / 2, _EYES_FROM_TOP * unit])
    correction = _stiff_affine((here - centre) / unit, (there - centre) / unit)
    full = np.eye(3)
    full[:2, :2] = correction[:, :2]
    full[:2, 2] = correction[:, 2] * unit + centre - correction[:, :2] @ centre
    matrix = (full @ np.vstack([upright, [0, 0, 1]]))[:2]
    return cast(Image, cv2.warpAffine(source.picture, matrix, (side, side), flags=_method(matrix), borderMode=_BORDER))


def _method(matrix: NDArray[np.float64]) -> int:
    return cv2.INTER_AREA if abs(np.linalg.det(matrix[:, :2])) < 0.5 else cv2.INTER_CUBIC


def _stiff_affine(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """[2, 3]: least squares from `here` to `there`, with the linear part held near the identity."""
    ones = np.column_stack([here, np.ones(len(here))])
    hold = np.diag([_STIFFNESS, _STIFFNESS, 1e-9])
    change = np.linalg.solve(ones.T @ ones + hold, ones.T @ (there - here))
    return cast(NDArray[np.float64], change.T + np.array([[1.0, 0, 0], [0, 1.0, 0]]))


def _oval(side: int, unit: float) -> Mask:
    centre = (side / 2, (_EYES_FROM_TOP + _OVAL_CENTRE_BELOW_EYES) * unit)
    radii = (_OVAL_RADII[0] * unit, _OVAL_RADII[1] * unit)
    return ellipse(side, centre, radii, feather_px=_FEATHER * unit, power=_OVAL_POWER)


def _to_crop(landmarks: Landmarks, side: int) -> NDArray[np.float64]:
    """[2, 3] from the picture's pixels to an upright crop of the face."""
    unit = side / _CROP_SIDE
    return estimate_similarity(landmarks.points, _template(landmarks.scheme) * np.float32(unit))


def _template(scheme: LandmarkScheme) -> Points:
    """Where the points lie in the crop, in distances between the eyes."""
    middle = _CROP_SIDE / 2
    if scheme is LandmarkScheme.DLIB5:
        half, eye = 0.5, _EYE_WIDTH / 2
        across = np.array([half + eye, half - eye, -half - eye, -half + eye, 0])
        down = np.array([0, 0, 0, 0, _NOSE_BASE])
    else:
        points = ARCFACE_TEMPLATE.astype(np.float64)
        distance = float(np.linalg.norm(points[1] - points[0]))
        across, down = ((points - points[:2].mean(axis=0)) / distance).T
    return np.column_stack([across + middle, down + _EYES_FROM_TOP]).astype(np.float32)


def _eye_distance(landmarks: Landmarks) -> float:
    points = landmarks.points.astype(np.float64)
    if landmarks.scheme is LandmarkScheme.DLIB5:
        return float(np.linalg.norm(points[0:2].mean(axis=0) - points[2:4].mean(axis=0)))
    return float(np.linalg.norm(points[1] - points[0]))


def _moved_back(landmarks: Landmarks, upright: NDArray[np.float64], to_crop: NDArray[np.float64]) -> Points:
    back = cast(NDArray[np.float64], cv2.invertAffineTransform(to_crop))
    return _moved(_moved(landmarks.points, upright).astype(np.float32), back).astype(np.float32)


def _moved(points: Points, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
