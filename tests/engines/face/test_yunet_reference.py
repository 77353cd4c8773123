"""YuNet against OpenCV's FaceDetectorYN, on the same networks and the same letterboxed photos."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lianpu.engines.face.face import LandmarkScheme
from lianpu.engines.face.letterbox import letterbox
from lianpu.engines.face.yunet import YunetDetector
from lianpu.errors import PackInvalidError
from lianpu.runtime.onnx import OnnxSessionFactory


@pytest.mark.parametrize("file", ["face_detection_yunet_2023mar.onnx", "yunet_n_dynamic.onnx"])
def test_R_LIB_11_boxes_and_points_equal_opencv(
    testkit: Path, photos: dict[str, np.ndarray], onnx_factory: OnnxSessionFactory, file: str
) -> None:
    path = testkit / "models/detection" / file
    ours = YunetDetector(onnx_factory.open(path), input_size=640, score_threshold=0.6, iou_threshold=0.3)
    theirs = cv2.FaceDetectorYN.create(str(path), "", (640, 640), 0.6, 0.3, 5000)
    compared = 0
    for name, image in photos.items():
        canvas, scale = letterbox(image, 640, 640)
        _, rows = theirs.detect(canvas[:, :, ::-1].copy())
        rows = np.empty((0, 15), np.float32) if rows is None else rows
        faces = ours.detect(image)
        assert len(faces) == len(rows), name
        for face, row in zip(faces, rows, strict=True):
            box = np.array([face.box.x1, face.box.y1, face.box.width, face.box.height]) * scale
            assert np.abs(box - row[:4]).max() < 0.01, name
            assert face.landmarks is not None
            assert face.landmarks.scheme is LandmarkScheme.ARCFACE5
            assert np.abs(face.landmarks.points.ravel() * scale - row[4:14]).max() < 0.01, name
            assert face.score == pytest.approx(float(row[14]), abs=1e-4)
        compared += len(faces)
    assert compared > 100


def test_R_LIB_11_points_are_named_by_the_images_side(
    testkit: Path, photos: dict[str, np.ndarray], onnx_factory: OnnxSessionFactory
) -> None:
    session = onnx_factory.open(testkit / "models/detection/face_detection_yunet_2023mar.onnx")
    for face in YunetDetector(session, input_size=640, score_threshold=0.8, iou_threshold=0.3).detect(photos["t1.jpg"]):
        assert face.landmarks is not None
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks.points
        assert left_eye[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert left_eye[1] < nose[1] < left_mouth[1]


def test_R_INF_5_a_dynamic_network_takes_other_sizes(
    testkit: Path, photos: dict[str, np.ndarray], onnx_factory: OnnxSessionFactory
) -> None:
    session = onnx_factory.open(testkit / "models/detection/yunet_n_dynamic.onnx")
    detector = YunetDetector(session, input_size=320, score_threshold=0.6, iou_threshold=0.3)
    assert detector.input_size == (320, 320)
    assert len(detector.detect(photos["t1.jpg"])) == 6
    with pytest.raises(PackInvalidError, match="multiple of 32"):
        YunetDetector(session, input_size=300, score_threshold=0.6, iou_threshold=0.3)


def test_R_INF_5_networks_that_are_no_yunet_are_refused(testkit: Path, onnx_factory: OnnxSessionFactory) -> None:
    session = onnx_factory.open(testkit / "models/detection/scrfd_500m_kps_640.onnx")
    with pytest.raises(PackInvalidError, match="YuNet"):
        YunetDetector(session, input_size=640, score_threshold=0.6, iou_threshold=0.3)
