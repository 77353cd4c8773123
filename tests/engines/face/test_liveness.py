"""Liveness: the networks see what they were trained on, and tell the project's own samples apart."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lianpu.engines.face.face import Box
from lianpu.engines.face.liveness import crop_bounds, load_liveness
from lianpu.engines.image import decode_image
from lianpu.errors import PackInvalidError
from lianpu.packs.install import import_pack
from lianpu.packs.manifest import Pack
from lianpu.runtime.onnx import OnnxSessionFactory

Photo = NDArray[np.uint8]
SCALES = {"minifasnet_v2_2.7_80x80.onnx": 2.7, "minifasnet_v1se_4.0_80x80.onnx": 4.0}
# The faces as SCRFD 2.5G and as dlib box them: x, y, width, height.
SAMPLES = {
    "T1": ((119, 108, 177, 245), (118, 136, 171, 171)),
    "F1": ((194, 104, 189, 253), (150, 140, 205, 205)),
    "F2": ((143, 202, 215, 312), (109, 237, 246, 245)),
}


@pytest.fixture(scope="module")
def pack(testkit: Path, tmp_path_factory: pytest.TempPathFactory, onnx_factory: OnnxSessionFactory) -> Pack:
    return import_pack(testkit / "models" / "antispoof", tmp_path_factory.mktemp("packs"), onnx_factory)


def sample(testkit: Path, name: str) -> Photo:
    return decode_image((testkit / "images" / "antispoof" / f"image_{name}.jpg").read_bytes()).pixels


def box_of(x: float, y: float, width: float, height: float) -> Box:
    return Box(x, y, x + width, y + height)


def expected_score(testkit: Path, image: Photo, box: Box) -> float:
    """By the contract in words: enlarge, shrink to fit, shift inside, 80x80 BGR as it is, mean softmax of class 1."""
    height, width = image.shape[:2]
    votes: list[float] = []
    for file, wanted in SCALES.items():
        side = min(wanted, (width - 1) / box.width, (height - 1) / box.height)
        spans: list[tuple[int, int]] = []
        for start, length, last in ((box.x1, box.width, width - 1), (box.y1, box.height, height - 1)):
            low = start + length / 2 - length * side / 2
            low = min(max(low, 0.0), last - length * side)
            spans.append((int(max(low, 0.0)), int(low + length * side)))
        (x1, x2), (y1, y2) = spans
        crop = cv2.resize(image[y1 : y2 + 1, x1 : x2 + 1, ::-1].copy(), (80, 80)).astype(np.float32)
        session = onnxruntime.InferenceSession(testkit / "models/antispoof" / file, providers=["CPUExecutionProvider"])
        logits = np.asarray(session.run(None, {"input": crop.transpose(2, 0, 1)[None]})[0])[0].astype(np.float64)
        votes.append(float(np.exp(logits[1]) / np.exp(logits).sum()))
    return sum(votes) / len(votes)


@pytest.mark.parametrize(("detector", "place"), [("scrfd", 0), ("dlib", 1)])
def test_R_LIB_10_official_samples_are_told_apart(
    testkit: Path, pack: Pack, onnx_factory: OnnxSessionFactory, detector: str, place: int
) -> None:
    loaded = load_liveness(pack, onnx_factory)
    scores = {
        name: float(loaded.network.scores(sample(testkit, name), [box_of(*boxes[place])])[0])
        for name, boxes in SAMPLES.items()
    }
    assert scores["T1"] > 0.99
    assert scores["F1"] < 0.3
    assert scores["F2"] < 0.01
    assert scores["F1"] < loaded.threshold < scores["T1"]


def test_R_LIB_10_preprocessing_follows_the_contract(
    testkit: Path, pack: Pack, onnx_factory: OnnxSessionFactory
) -> None:
    """Boxes in the middle, at every edge, reaching outside, as large as the image, and a strip of an image."""
    image = sample(testkit, "T1")
    strip = np.ascontiguousarray(image[100:190])
    cases = [
        (image, [(119, 108, 177, 245), (0, 0, 60, 80), (400, 560, 79, 79), (-20, 300, 90, 90), (430, -15, 70, 100)]),
        (image, [(0, 0, 480, 640), (5.5, 7.25, 300.75, 410.5)]),
        (strip, [(119, 2, 60, 80), (300, 30, 33, 44)]),
    ]
    network = load_liveness(pack, onnx_factory).network
    for photo, places in cases:
        boxes = [box_of(*place) for place in places]
        found = network.scores(photo, boxes)
        expected = [expected_score(testkit, photo, box) for box in boxes]
        np.testing.assert_allclose(found, expected, atol=2e-5)
    assert network.scores(image, []).shape == (0,)


@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    x=st.floats(-300, 600),
    y=st.floats(-300, 600),
    side=st.floats(1, 500),
    ratio=st.floats(0.3, 3),
    scale=st.sampled_from([2.7, 4.0]),
)
def test_R_LIB_10_a_crop_is_never_empty_and_never_outside(
    width: int, height: int, x: float, y: float, side: float, ratio: float, scale: float
) -> None:
    x1, y1, x2, y2 = crop_bounds(width, height, box_of(x, y, side, side * ratio), scale)
    assert 0 <= x1 <= x2 <= width - 1
    assert 0 <= y1 <= y2 <= height - 1


def test_R_LIB_10_a_folder_of_the_two_networks_is_a_pack(pack: Pack) -> None:
    role = pack.manifest.roles.liveness
    assert role is not None
    assert (pack.name, pack.version, role.engine, role.threshold) == ("minifasnet", "1", "minifasnet", 0.5)
    assert {network.file: network.scale for network in role.networks} == SCALES
    assert (pack.manifest.licence.id, pack.manifest.licence.commercial) == ("Apache-2.0", True)
    assert pack.manifest.roles.embedder is None


def test_R_LIB_10_networks_may_be_named_one_by_one_and_scales_are_read_from_names(
    testkit: Path, tmp_path: Path, onnx_factory: OnnxSessionFactory
) -> None:
    """Bytes appended make digests unknown, as those of somebody's own export are; ONNX readers pass over them."""
    named: list[str] = []
    for file, name in zip(SCALES, ("2.7_80x80_MiniFASNetV2.onnx", "4_0_0_80x80_MiniFASNetV1SE.onnx"), strict=True):
        # Field 2 (producer_name) of the model message, given again: the last one counts.
        content = (testkit / "models/antispoof" / file).read_bytes() + b"\x12\x04mine"
        (tmp_path / name).write_bytes(content)
        named.append(str(tmp_path / name))
    installed = import_pack(None, tmp_path / "packs", onnx_factory, name="mine", liveness=named, licence="MIT")
    role = installed.manifest.roles.liveness
    assert role is not None
    assert [network.scale for network in role.networks] == [2.7, 4.0]

    (tmp_path / "spoof.onnx").write_bytes((tmp_path / "2.7_80x80_MiniFASNetV2.onnx").read_bytes())
    with pytest.raises(PackInvalidError, match="at which scale"):
        import_pack(tmp_path / "spoof.onnx", tmp_path / "packs", onnx_factory, accept_licence=True)


def test_R_LIB_10_recognition_and_liveness_fit_into_one_pack(
    testkit: Path, tmp_path: Path, onnx_factory: OnnxSessionFactory
) -> None:
    models = testkit / "models"
    installed = import_pack(
        None,
        tmp_path / "packs",
        onnx_factory,
        name="all",
        detector=str(models / "detection/scrfd_2.5g_bnkps.onnx"),
        embedder=str(models / "recognition/mobilefacenet_foamliu_arc.onnx"),
        liveness=[str(models / "antispoof" / file) for file in SCALES],
        accept_licence=True,
    )
    assert set(installed.manifest.roles.filled()) == {"detector", "embedder", "liveness"}
    assert load_liveness(installed, onnx_factory).pack_name == "all"


def test_R_LIB_10_other_networks_are_refused(
    testkit: Path, tmp_path: Path, pack: Pack, onnx_factory: OnnxSessionFactory
) -> None:
    embedder = testkit / "models/recognition/mobilefacenet_foamliu_arc.onnx"
    with pytest.raises(PackInvalidError, match="cannot be the liveness"):
        import_pack(None, tmp_path / "packs", onnx_factory, liveness=[str(embedder)], accept_licence=True)
    roles = pack.manifest.roles.model_copy(update={"liveness": None})
    without = Pack(pack.manifest.model_copy(update={"roles": roles}), pack.folder)
    with pytest.raises(PackInvalidError, match="no liveness role"):
        load_liveness(without, onnx_factory)
