"""Face quality: each measure moves with what it measures."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lianpu.engines.face.alignment import ARCFACE_TEMPLATE
from lianpu.engines.face.face import Box, DetectedFace, Landmarks, LandmarkScheme
from lianpu.engines.face.quality import _MEAN_FACE, estimate_pose, measure_quality
from lianpu.engines.face.scrfd import ScrfdDetector
from lianpu.engines.image import decode_image
from lianpu.runtime.onnx import OnnxSessionFactory


@pytest.fixture(scope="module")
def detector(testkit: Path, onnx_factory: OnnxSessionFactory) -> ScrfdDetector:
    session = onnx_factory.open(testkit / "models/detection/scrfd_500m_kps_640.onnx")
    return ScrfdDetector(session, input_size=640, score_threshold=0.5, iou_threshold=0.4)


@pytest.fixture(scope="module")
def portrait(testkit: Path, detector: ScrfdDetector) -> tuple[np.ndarray, DetectedFace]:
    image = decode_image((testkit / "images/edge/base.jpg").read_bytes()).pixels
    return image, detector.detect(image)[0]


def projected(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The mean face turned, seen from the front, 50 px between the eyes."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return ((_MEAN_FACE @ (about_z @ about_y @ about_x).T)[:, :2] * 50 + 200).astype(np.float32)


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (-50, 10, 0), (0, -25, 0), (5, 20, 40), (-20, -10, -170)])
def test_R_LIB_9_pose_recovers_known_angles(angles: tuple[float, float, float]) -> None:
    pose = estimate_pose(Landmarks(LandmarkScheme.ARCFACE5, projected(*angles)))
    assert pose is not None
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx(angles, abs=0.1)


def test_R_LIB_9_pose_signs_hold_on_real_photos(testkit: Path, detector: ScrfdDetector) -> None:
    def pose_of(name: str) -> tuple[float, float, float]:
        image = decode_image((testkit / "images/pose_rotate/pose" / name).read_bytes()).pixels
        landmarks = detector.detect(image)[0].landmarks
        assert landmarks is not None
        pose = estimate_pose(landmarks)
        assert pose is not None
        assert pose.pitch is not None
        return pose.yaw, pose.pitch, pose.roll

    assert pose_of("left_face.jpeg")[0] < -35, "looks to the image's left"
    assert pose_of("right_face.png")[0] > 35
    assert pose_of("rise_face.jpeg")[1] > 10
    assert pose_of("lower_face.jpeg")[1] < -15
    assert pose_of("right_wryneck.png")[2] > 25, "leans clockwise"
    assert pose_of("left_wryneck.png")[2] < -25


def test_R_LIB_9_dlib_points_tell_yaw_and_roll_but_not_pitch() -> None:
    frontal = np.array([[140, 100], [115, 100], [60, 100], [85, 100], [100, 138]], np.float32)
    pose = estimate_pose(Landmarks(LandmarkScheme.DLIB5, frontal))
    assert pose is not None
    assert (pose.yaw, pose.roll) == pytest.approx((0, 0), abs=3)
    assert pose.pitch is None
    turned = frontal.copy()
    turned[4, 0] += 15
    yawed = estimate_pose(Landmarks(LandmarkScheme.DLIB5, turned))
    assert yawed is not None
    assert 20 < yawed.yaw < 60
    angle = np.radians(30)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rolled = estimate_pose(Landmarks(LandmarkScheme.DLIB5, (frontal @ rotation.T).astype(np.float32)))
    assert rolled is not None
    assert rolled.roll == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("scheme", list(LandmarkScheme))
def test_R_LIB_9_points_on_one_spot_have_no_pose(scheme: LandmarkScheme) -> None:
    assert estimate_pose(Landmarks(scheme, np.full((5, 2), 7, np.float32))) is None


def test_R_LIB_9_a_good_portrait_scores_high(portrait: tuple[np.ndarray, DetectedFace]) -> None:
    quality = measure_quality(*portrait)
    assert quality.overall > 0.6
    assert quality.size_score == 1
    assert quality.exposure_score > 0.8
    assert quality.detection_score == portrait[1].score
    assert quality.box_side_px == min(portrait[1].box.width, portrait[1].box.height)


def test_R_LIB_9_blur_lowers_sharpness_step_by_step(portrait: tuple[np.ndarray, DetectedFace]) -> None:
    image, face = portrait
    blurred = [np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) for sigma in (1, 2, 4, 8)]
    sharpness = [measure_quality(step, face).sharpness for step in (image, *blurred)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert measure_quality(blurred[-1], face).sharpness_score < 0.3
    assert measure_quality(blurred[-1], face).overall < 0.3


def test_R_LIB_9_dark_and_bright_lower_exposure(portrait: tuple[np.ndarray, DetectedFace]) -> None:
    image, face = portrait
    dark = measure_quality((image * 0.05).astype(np.uint8), face)
    bright = measure_quality(np.clip(image.astype(int) + 170, 0, 255).astype(np.uint8), face)
    assert dark.luma < 15
    assert dark.dark_share > 0.1
    assert dark.exposure_score < 0.3
    assert bright.bright_share > 0.4
    assert bright.exposure_score < 0.5


def test_R_LIB_9_size_follows_the_eyes_and_falls_back_to_the_box() -> None:
    image = np.full((200, 200, 3), 128, np.uint8)
    box = Box(50, 50, 100, 110)
    small = measure_quality(image, DetectedFace(box, 0.9, Landmarks(LandmarkScheme.ARCFACE5, ARCFACE_TEMPLATE / 2)))
    assert small.eye_distance_px == pytest.approx(17.6, abs=0.1)
    assert 0.2 < small.size_score < 0.3
    bare = measure_quality(image, DetectedFace(box, 0.9))
    assert bare.eye_distance_px is None
    assert bare.pose is None
    assert bare.box_side_px == 50
    assert 0 < bare.size_score < 1


@pytest.mark.parametrize("box", [Box(-50, -50, -10, -10), Box(500, 500, 600, 600), Box(10, 10, 10, 10)])
def test_R_LIB_9_boxes_outside_the_image_are_measured_without_error(box: Box) -> None:
    quality = measure_quality(np.full((100, 100, 3), 90, np.uint8), DetectedFace(box, 1.0))
    assert np.isfinite(quality.overall)
    assert replace(quality, overall=0.0).overall == 0.0
