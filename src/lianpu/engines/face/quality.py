"""How good a detected face is for recognition: sharpness, size, pose and exposure, and what falls short of limits."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import DetectedFace, Image, Landmarks, LandmarkScheme, Points
from lianpu.engines.image import thumbnail

_CROP_PX = 112
# Raw sharpness that counts as one half. On LFW the median photo has 150 and reads 0.8; blurred by a sigma of 1, 2 and
# 4 px it reads 0.6, 0.3 and 0.1.
_HALF_SHARP = 40.0
_SMALLEST_USEFUL_EYES_PX, _AMPLE_EYES_PX = 10.0, 40.0
# Alignment undoes roll, so it costs least.
_POSE_LIMITS_DEGREES = (70.0, 60.0, 180.0)
_DARK_LUMA, _BRIGHT_LUMA = 5, 250
_LUMA_BOUNDS = (0.0, 60.0, 200.0, 255.0)
# The five ArcFace points of a mean face in 3-D, in eye distances, origin between the eyes: x right, y down, z towards
# the camera. Fitted on 396 photos so that poses agree with FSA-Net's (median difference: yaw 2, pitch 5, roll 2).
_MEAN_FACE = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.53, 0.55], [-0.43, 1.03, 0], [0.43, 1.03, 0]])
# How far the nose base stands before the eyes, in eye distances; fitted on 291 photos (median yaw difference 3).
_NOSE_BASE_DEPTH = 0.36


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees; None where the landmarks cannot tell."""

    yaw: float
    """Positive: the face looks to the image's right."""
    pitch: float | None
    """Positive: the face looks up."""
    roll: float
    """Positive: the head leans clockwise in the image. -180…180."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """Measures of one face; the `…_score` ones are 0 (useless) … 1 (ideal)."""

    sharpness: float
    """Variance of the Laplacian of the luma of the face, cropped square by its box and scaled to 112x112 px."""
    sharpness_score: float
    """sharpness / (sharpness + 40)."""
    eye_distance_px: float | None
    """Between the eye centres, in image pixels; None without landmarks."""
    box_side_px: float
    """Shorter side of the box, in image pixels."""
    size_score: float
    """0 at an eye distance of 10 px, 1 from 40 px; without landmarks the box's shorter side x 0.42 stands for it."""
    pose: Pose | None
    """None without landmarks."""
    pose_score: float
    """Product over the known angles of the cosine that falls to 0 at yaw 70, pitch 60, roll 180; 1 without pose."""
    luma: float
    """Mean brightness of the face, 0…255."""
    dark_share: float
    """Share of pixels with a luma of 5 or less, 0…1."""
    bright_share: float
    """Share of pixels with a luma of 250 or more, 0…1."""
    exposure_score: float
    """1 for a mean luma of 60…200, falling straight to 0 at 0 and 255; times the share of pixels not clipped."""
    detection_score: float
    """The detector's own score; not part of `overall`, because detectors count differently."""
    overall: float
    """Least of the sharpness, size, pose and exposure scores: a face is as good as what is worst about it."""


def measure_quality(image: Image, face: DetectedFace) -> FaceQuality:
    """Measure one face of an image."""
    grey = cv2.cvtColor(thumbnail(image, face.box, _CROP_PX, margin=0), cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    luma = float(grey.mean())
    dark, bright = float((grey <= _DARK_LUMA).mean()), float((grey >= _BRIGHT_LUMA).mean())
    box_side_px = min(face.box.width, face.box.height)
    eyes = None if face.landmarks is None else _eye_centres(face.landmarks)
    eye_distance_px = None if eyes is None else float(np.linalg.norm(eyes[1] - eyes[0]))
    pose = None if face.landmarks is None else estimate_pose(face.landmarks)

    sharpness_score = sharpness / (sharpness + _HALF_SHARP)
    size_score = _size_score(box_side_px * 0.42 if eye_distance_px is None else eye_distance_px)
    pose_score = 1.0 if pose is None else _pose_score(pose)
    exposure_score = float(np.interp(luma, _LUMA_BOUNDS, (0.0, 1.0, 1.0, 0.0))) * (1 - dark - bright)
    return FaceQuality(
        sharpness=sharpness,
        sharpness_score=sharpness_score,
        eye_distance_px=eye_distance_px,
        box_side_px=box_side_px,
        size_score=size_score,
        pose=pose,
        pose_score=pose_score,
        luma=luma,
        dark_share=dark,
        bright_share=bright,
        exposure_score=exposure_score,
        detection_score=face.score,
        overall=min(sharpness_score, size_score, pose_score, exposure_score),
    )


class QualityIssue(StrEnum):
    """What may be wrong with a face."""

    TOO_BLURRED = "quality_too_blurred"
    TOO_SMALL = "quality_too_small"
    TURNED_AWAY = "quality_turned_away"
    """Yaw or pitch."""
    TILTED = "quality_tilted"
    """Roll."""
    BADLY_EXPOSED = "quality_badly_exposed"
    LOW_DETECTION_SCORE = "quality_low_detection_score"
    LOW_OVERALL = "quality_low_overall"


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """The worst that passes."""

    min_sharpness: float
    """Of `sharpness_score`."""
    min_size_px: float
    """Of `box_side_px`."""
    max_yaw_degrees: float
    max_pitch_degrees: float
    max_roll_degrees: float
    min_exposure: float
    """Of `exposure_score`."""
    min_detection_score: float
    min_overall: float


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A measure beyond its limit; both in the measure's own unit, angles without sign."""

    issue: QualityIssue
    measure: str
    """For people, e.g. `yaw`."""
    value: float
    limit: float


def shortfalls(quality: FaceQuality, limits: QualityLimits) -> list[Shortfall]:
    """Everything about a face that falls short; what cannot be measured passes."""
    least = (
        (QualityIssue.TOO_BLURRED, "sharpness", quality.sharpness_score, limits.min_sharpness),
        (QualityIssue.TOO_SMALL, "size in pixels", quality.box_side_px, limits.min_size_px),
        (QualityIssue.BADLY_EXPOSED, "exposure", quality.exposure_score, limits.min_exposure),
        (
            QualityIssue.LOW_DETECTION_SCORE,
            "detection score",
            quality.detection_score,
            limits.min_detection_score,
        ),
        (QualityIssue.LOW_OVERALL, "overall quality", quality.overall, limits.min_overall),
    )
    pose = quality.pose
    greatest = (
        (QualityIssue.TURNED_AWAY, "yaw in degrees", None if pose is None else pose.yaw, limits.max_yaw_degrees),
        (QualityIssue.TURNED_AWAY, "pitch in degrees", None if pose is None else pose.pitch, limits.max_pitch_degrees),
        (QualityIssue.TILTED, "roll in degrees", None if pose is None else pose.roll, limits.max_roll_degrees),
    )
    return [Shortfall(issue, name, value, limit) for issue, name, value, limit in least if value < limit] + [
        Shortfall(issue, name, abs(value), limit)
        for issue, name, value, limit in greatest
        if value is not None and abs(value) > limit
    ]


def estimate_pose(landmarks: Landmarks) -> Pose | None:
    """Head pose from landmarks; None where they lie on one point.

    ArcFace points: a mean face is fitted by scaled orthographic projection (DeMenthon and Davis 1995, without the
    iterations, https://doi.org/10.1007/BF01450852). dlib's five: roll by the eyes, yaw by the nose base beside their
    middle; eyes and nose base cannot tell pitch.
    """
    if landmarks.scheme is LandmarkScheme.ARCFACE5:
        return _fitted_pose(landmarks.points)
    left, right = _eye_centres(landmarks)
    along = right - left
    distance = float(np.linalg.norm(along))
    if not distance > 0:
        return None
    beside = float((landmarks.points[4] - (left + right) / 2) @ along) / distance**2
    roll = math.degrees(math.atan2(float(along[1]), float(along[0])))
    return Pose(math.degrees(math.atan2(beside, _NOSE_BASE_DEPTH)), None, roll)


def _fitted_pose(points: Points) -> Pose | None:
    model = _MEAN_FACE - _MEAN_FACE.mean(axis=0)
    inverse = cast(NDArray[np.float64], np.linalg.pinv(model))
    projection = (inverse @ (points.astype(np.float64) - points.mean(axis=0))).T
    left, sizes, right = np.linalg.svd(projection, full_matrices=False)
    if not sizes[1] > 1e-6 * max(float(sizes[0]), 1e-6):
        return None
    first, second = left @ right  # the nearest two rows of a rotation
    third = np.cross(first, second)
    return Pose(
        yaw=math.degrees(math.asin(min(1.0, max(-1.0, -float(third[0]))))),
        pitch=math.degrees(math.atan2(float(third[1]), float(third[2]))),
        roll=math.degrees(math.atan2(float(second[0]), float(first[0]))),
    )


def _eye_centres(landmarks: Landmarks) -> tuple[Points, Points]:
    """Centres of the image's left and right eye."""
    points = landmarks.points
    if landmarks.scheme is LandmarkScheme.DLIB5:
        return (points[2] + points[3]) / 2, (points[0] + points[1]) / 2
    return points[0], points[1]


def _size_score(eye_distance_px: float) -> float:
    return float(np.interp(eye_distance_px, (_SMALLEST_USEFUL_EYES_PX, _AMPLE_EYES_PX), (0.0, 1.0)))


def _pose_score(pose: Pose) -> float:
    score = 1.0
    for angle, limit in zip((pose.yaw, pose.pitch, pose.roll), _POSE_LIMITS_DEGREES, strict=True):
        if angle is not None:
            score *= max(0.0, math.cos(math.radians(min(abs(angle) / limit, 1.0) * 90)))
    return score
