"""Detection without the blackness beside an image: the same faces for less."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.engines.face.detection import snug_size
from lianpu.engines.face.face import DetectedFace, Image, SnugDetector
from lianpu.engines.face.letterbox import letterbox
from lianpu.engines.face.scrfd import ScrfdDetector
from lianpu.engines.face.yunet import YunetDetector
from lianpu.engines.image import decode_image
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.streams.tracker import overlap

OPTIONS = {"input_size": 640, "score_threshold": 0.5, "iou_threshold": 0.4}


@pytest.mark.parametrize(
    ("shape", "size"),
    [((720, 1280), (640, 416)), ((1280, 720), (416, 640)), ((640, 640), (640, 640)), ((480, 640), (640, 512))],
)
def test_R_STR_5_a_frame_is_held_by_less_than_a_square(shape: tuple[int, int], size: tuple[int, int]) -> None:
    assert snug_size(np.zeros((*shape, 3), np.uint8), 640, 640, 32) == size


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([320, 640, 1280]))
def test_R_STR_5_a_snug_canvas_scales_as_the_square_one_does(height: int, width: int, side: int) -> None:
    # The pixels are never touched: a broadcast stands in for a large image.
    image = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    columns, rows = snug_size(image, side, side, 32)
    assert (columns % 32, rows % 32) == (0, 0)
    assert max(columns, rows) == side
    ratio = height / width
    wanted = (side, max(1, int(side / ratio))) if ratio > 1 else (max(1, int(side * ratio)), side)
    held = (rows, max(1, int(rows / ratio))) if ratio > rows / columns else (max(1, int(columns * ratio)), columns)
    assert max(abs(wanted[0] - held[0]), abs(wanted[1] - held[1])) <= 1


def test_R_STR_5_a_snug_canvas_holds_the_same_pixels() -> None:
    image = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    square, scale = letterbox(image, 640, 640)
    snug, snug_scale = letterbox(image, *snug_size(image, 640, 640, 32))
    assert scale == snug_scale
    assert np.array_equal(square[:416], snug)
    assert not square[416:].any()


def boxes(faces: list[DetectedFace]) -> np.ndarray:
    corners = [[face.box.x1, face.box.y1, face.box.x2, face.box.y2] for face in faces]
    return np.array(corners, np.float32).reshape(-1, 4)


@pytest.fixture(scope="module")
def photos(testkit: Path) -> list[Image]:
    """Wide ones."""
    files = sorted((testkit / "images/wider_val").rglob("*.jpg"))[::8]
    found = [decode_image(file.read_bytes()).pixels for file in files]
    return [photo for photo in found if photo.shape[1] > 1.3 * photo.shape[0]]


@pytest.mark.parametrize(
    ("engine", "file"), [(ScrfdDetector, "scrfd_2.5g_bnkps.onnx"), (YunetDetector, "yunet_n_dynamic.onnx")]
)
def test_R_STR_5_the_same_faces_are_found(testkit: Path, photos: list[Image], engine: type, file: str) -> None:
    path = next((testkit / "models/detection").glob(file), None)
    if path is None:
        pytest.skip(f"the test kit has no {file}")
    detector = engine(OnnxSessionFactory().open(path), **OPTIONS)
    assert isinstance(detector, SnugDetector)
    pairs = [(detector.detect(photo), detector.detect_snug(photo)) for photo in photos]
    assert sum(len(square) for square, _ in pairs) > 30
    for square, snug in pairs:
        overlaps = overlap(boxes(square), boxes(snug)) if square and snug else np.zeros((len(square), len(snug)))
        for place, face in enumerate(square):
            # Only a face that is barely one may be none on the other canvas.
            assert face.score < 0.55 or overlaps[place].max(initial=0) > 0.8


def test_R_STR_5_a_network_of_one_size_looks_at_its_square(testkit: Path, photos: list[Image]) -> None:
    session = OnnxSessionFactory().open(testkit / "models/detection/scrfd_500m_kps_640.onnx")
    detector = ScrfdDetector(session, **OPTIONS)
    for photo in photos[:3]:
        assert boxes(detector.detect_snug(photo)).tolist() == boxes(detector.detect(photo)).tolist()
