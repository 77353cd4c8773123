"""SCRFD against InsightFace's own, on the same networks and photos."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.engines.face.face import LandmarkScheme
from lianpu.engines.face.scrfd import ScrfdDetector
from lianpu.runtime.onnx import OnnxSessionFactory

scrfd = pytest.importorskip("insightface.model_zoo.scrfd")


@pytest.mark.parametrize(
    ("file", "size"),
    [
        pytest.param("scrfd_2.5g_bnkps.onnx", 640, marks=pytest.mark.slow),
        ("scrfd_2.5g_bnkps.onnx", 320),
        ("scrfd_500m_kps_640.onnx", 640),
    ],
)
def test_R_LIB_11_boxes_and_points_equal_insightface(
    testkit: Path, photos: dict[str, np.ndarray], onnx_factory: OnnxSessionFactory, file: str, size: int
) -> None:
    path = testkit / "models/detection" / file
    ours = ScrfdDetector(onnx_factory.open(path), input_size=size, score_threshold=0.5, iou_threshold=0.4)
    theirs = scrfd.SCRFD(str(path))
    theirs.prepare(-1, nms_thresh=0.4, det_thresh=0.5, input_size=(size, size))
    compared = 0
    for name, image in photos.items():
        if name == "edge/extreme_aspect.jpg":  # InsightFace fails on it where it shrinks to less than one row
            assert ours.detect(image) == []
            continue
        boxes, points = theirs.detect(image[:, :, ::-1].copy(), input_size=(size, size))
        faces = ours.detect(image)
        assert len(faces) == len(boxes), name
        for face, box, five in zip(faces, boxes, points, strict=True):
            ours_box = [face.box.x1, face.box.y1, face.box.x2, face.box.y2]
            # Within 1 px is promised; a hundredth is what this holds by.
            assert np.abs(np.array(ours_box) - box[:4]).max() < 0.01, name
            assert face.score == pytest.approx(float(box[4]), abs=1e-5)
            assert face.landmarks is not None
            assert face.landmarks.scheme is LandmarkScheme.ARCFACE5
            assert face.landmarks.points.dtype == np.float32
            assert np.abs(face.landmarks.points - five).max() < 0.01, name
        compared += len(faces)
    assert compared > 70


def test_R_LIB_11_t1_has_six_faces_and_a_blank_has_none(
    testkit: Path, photos: dict[str, np.ndarray], onnx_factory: OnnxSessionFactory
) -> None:
    session = onnx_factory.open(testkit / "models/detection/scrfd_2.5g_bnkps.onnx")
    detector = ScrfdDetector(session, input_size=640, score_threshold=0.5, iou_threshold=0.4)
    faces = detector.detect(photos["t1.jpg"])
    assert len(faces) == 6
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    assert detector.detect(photos["edge/uniform_grey_noface.jpg"]) == []
    assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == []
    assert detector.detect(np.zeros((5000, 2, 3), np.uint8)) == []
