"""SCRFD's variants that no photo reaches: without points, five levels, one anchor, outputs in any order, wrong ones."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from lianpu.engines.face.scrfd import ScrfdDetector
from lianpu.errors import PackInvalidError
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.session import TensorSpec

Outputs = list[NDArray[np.float32]]


class FixedSession:
    """A session that answers with given outputs."""

    provider = "none"

    def __init__(self, outputs: Outputs, shape: tuple[int | None, ...] = (1, 3, None, None)) -> None:
        self._outputs = outputs
        self.inputs = (TensorSpec("data", "float32", shape),)
        self.outputs = tuple(
            TensorSpec(str(index), "float32", (None, *output.shape[1:])) for index, output in enumerate(outputs)
        )

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Outputs:
        assert set(feeds) == {"data"}
        return self._outputs


def one_face(levels: int, anchors: int, points: bool, batched: bool, size: int = 640) -> Outputs:
    """Outputs with one face: on the level of stride 32, second-last cell of the third row, last anchor of it."""
    outputs: list[Outputs] = [[], [], []]
    for stride in (8, 16, 32, 64, 128)[:levels]:
        columns = size // stride
        kinds = [np.zeros((columns * columns * anchors, width), np.float32) for width in (1, 4, 10)]
        if stride == 32:
            row = (2 * columns + columns - 2) * anchors + anchors - 1
            kinds[0][row] = 0.9
            kinds[1][row] = (1, 2, 3, 4)
            kinds[2][row] = np.arange(10) / 10
        for kind, output in zip(outputs, kinds, strict=True):
            kind.append(output[None] if batched else output)
    return [*outputs[0], *outputs[1], *(outputs[2] if points else [])]


def detector(outputs: Outputs, shape: tuple[int | None, ...] = (1, 3, None, None), size: int = 640) -> ScrfdDetector:
    return ScrfdDetector(FixedSession(outputs, shape), input_size=size, score_threshold=0.5, iou_threshold=0.4)


@pytest.mark.parametrize("levels", [3, 5])
@pytest.mark.parametrize("anchors", [1, 2])
@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
def test_R_INF_5_every_variant_decodes(levels: int, anchors: int, points: bool, batched: bool, shuffled: bool) -> None:
    outputs = one_face(levels, anchors, points, batched)
    if shuffled:
        outputs = [outputs[index] for index in np.random.default_rng(levels).permutation(len(outputs))]
    scrfd = detector(outputs)
    assert scrfd.has_landmarks is points
    (face,) = scrfd.detect(np.zeros((1280, 1280, 3), np.uint8))  # scaled by one half
    centre_x, centre_y = 18 * 32, 2 * 32
    box = face.box
    assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(
        (2 * (centre_x - 32), 2 * (centre_y - 64), 2 * (centre_x + 96), 2 * (centre_y + 128))
    )
    assert face.score == pytest.approx(0.9)
    if not points:
        assert face.landmarks is None
        return
    assert face.landmarks is not None
    expected = 2 * (np.array([centre_x, centre_y]) + np.arange(10).reshape(5, 2) / 10 * 32)
    assert face.landmarks.points == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("file", ["scrfd_2.5g_bnkps.onnx", "scrfd_500m_kps_640.onnx"])
def test_R_INF_5_a_network_without_points_gives_the_same_boxes(
    testkit: Path, tmp_path: Path, photos: dict[str, np.ndarray], onnx_factory: OnnxSessionFactory, file: str
) -> None:
    whole_path = testkit / "models/detection" / file
    model = onnx.load(str(whole_path))
    for output in list(model.graph.output)[6:]:
        model.graph.output.remove(output)
    cut_path = tmp_path / "without_points.onnx"
    onnx.save(model, str(cut_path))
    whole, cut = (
        ScrfdDetector(onnx_factory.open(path), input_size=640, score_threshold=0.5, iou_threshold=0.4)
        for path in (whole_path, cut_path)
    )
    assert whole.has_landmarks
    assert not cut.has_landmarks
    expected, found = whole.detect(photos["t1.jpg"]), cut.detect(photos["t1.jpg"])
    assert len(found) == len(expected) == 6
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.landmarks is None
        assert ours.box.iou(theirs.box) > 0.999
        assert ours.score == pytest.approx(theirs.score, abs=1e-5)


def test_R_INF_5_a_fixed_network_overrides_the_input_size() -> None:
    outputs = one_face(3, 2, True, True)
    assert detector(outputs, (1, 3, 640, 640), size=320).input_size == (640, 640)
    assert detector(outputs, (1, 3, 480, 640)).input_size == (640, 480)


@pytest.mark.parametrize("size", [0, 16, 100, 330])
def test_R_INF_5_an_input_size_that_does_not_fit_is_refused(size: int) -> None:
    with pytest.raises(PackInvalidError, match="multiple of 32"):
        detector(one_face(3, 2, True, True), size=size)


def test_R_INF_5_networks_that_are_no_scrfd_are_refused(testkit: Path, onnx_factory: OnnxSessionFactory) -> None:
    for file in ("detection/aizoo_facemask_360.onnx", "detection/face_detection_yunet_2023mar.onnx"):
        with pytest.raises(PackInvalidError, match="SCRFD"):
            ScrfdDetector(
                onnx_factory.open(testkit / "models" / file), input_size=640, score_threshold=0.5, iou_threshold=0.4
            )
    with pytest.raises(PackInvalidError, match="height, width"):
        detector(one_face(3, 2, True, True), (1, 640, 640, 3))


@pytest.mark.parametrize(
    "outputs",
    [
        one_face(3, 2, True, True, size=320),
        [output[:, :-1] for output in one_face(3, 2, True, True)],
        [np.zeros((1, 100, 7), np.float32)] * 9,
    ],
)
def test_R_INF_5_outputs_of_unexpected_shape_are_refused(outputs: Outputs) -> None:
    with pytest.raises(PackInvalidError, match="SCRFD"):
        detector(outputs).detect(np.zeros((64, 64, 3), np.uint8))
