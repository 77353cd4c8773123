"""Age and gender: the numbers of InsightFace's own class on the same network, and its place in a pack."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.face.attributes import GenderAge
from lianpu.engines.face.face import Box, DetectedFace, Gender
from lianpu.engines.image import decode_image
from lianpu.errors import PackInvalidError
from lianpu.packs.install import import_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.conftest import FACES
from tests.genderage_network import write_genderage

# Whole faces, one at the edge, one outside, a sliver, and boxes between the pixels.
BOXES = (
    *(Box(left, top, left + side, top + side) for left, top, side in FACES),
    Box(436.25, 275.5, 560.75, 430.125),
    Box(-40, -30, 90, 120),
    Box(1200, 800, 1400, 1000),
    Box(300, 200, 300.5, 420),
)


@pytest.mark.parametrize("normalises_itself", [True, False])
def test_R_INF_4_attributes_are_those_of_insightface(
    tmp_path: Path, onnx_factory: OnnxSessionFactory, t1_photo: bytes, normalises_itself: bool
) -> None:
    attribute: Any = pytest.importorskip("insightface.model_zoo.attribute")
    common: Any = pytest.importorskip("insightface.app.common")
    path = write_genderage(tmp_path / "genderage.onnx", normalises_itself=normalises_itself)
    reference = attribute.Attribute(str(path))
    reference.prepare(-1)
    photo = decode_image(t1_photo).pixels
    found = GenderAge(onnx_factory.open(path), model_path=path).predict(photo, BOXES)
    ages: set[int] = set()
    for box, ours in zip(BOXES, found, strict=True):
        face = common.Face(bbox=np.array([box.x1, box.y1, box.x2, box.y2]))
        gender, age = reference.get(np.ascontiguousarray(photo[:, :, ::-1]), face)
        assert (ours.gender is Gender.MALE, ours.age) == (bool(gender), max(0, age)), box
        ages.add(ours.age)
    # The stand-in does look at the pixels.
    assert len(ages) > 3
    assert {ours.gender for ours in found} == set(Gender)


def test_R_INF_4_scores_are_the_networks_own(tmp_path: Path, onnx_factory: OnnxSessionFactory, t1_photo: bytes) -> None:
    """Whole and fractional boxes: the raw outputs, not only what they are rounded to."""
    insightface: Any = pytest.importorskip("insightface.utils.face_align")
    path = write_genderage(tmp_path / "genderage.onnx")
    photo = decode_image(t1_photo).pixels
    session = onnx_factory.open(path)
    for box in BOXES[:9]:
        scale = 96 / (max(box.width, box.height) * 1.5)
        crop, _ = insightface.transform(photo, ((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2), 96, scale, 0)
        expected = session.run({"data": crop.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
        ours = GenderAge(session, model_path=path).predict(photo, [box])[0]
        np.testing.assert_allclose(ours.gender_scores, expected[:2], rtol=0, atol=1e-6)


def test_R_INF_4_no_face_no_answer(tmp_path: Path, onnx_factory: OnnxSessionFactory) -> None:
    path = write_genderage(tmp_path / "genderage.onnx")
    assert GenderAge(onnx_factory.open(path), model_path=path).predict(np.zeros((9, 9, 3), np.uint8), []) == []


def test_R_INF_4_other_networks_are_refused(testkit: Path, onnx_factory: OnnxSessionFactory) -> None:
    for name in ("attributes/faceapi_agegender_112.onnx", "recognition/mobilefacenet_foamliu_arc.onnx"):
        path = testkit / "models" / name
        with pytest.raises(PackInvalidError, match="gender and age gives"):
            GenderAge(onnx_factory.open(path), model_path=path)
    path = testkit / "models/detection/scrfd_2.5g_bnkps.onnx"
    with pytest.raises(PackInvalidError, match="takes \\[n, 3, s, s\\]"):
        GenderAge(onnx_factory.open(path), model_path=path)


@pytest.fixture(scope="module")
def insightface_folder(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Laid out as InsightFace's pack folders are; the network for gender and age is a stand-in."""
    folder = tmp_path_factory.mktemp("insightface") / "buffalo_x"
    folder.mkdir()
    models = testkit / "models"
    (folder / "det_2.5g.onnx").write_bytes((models / "detection/scrfd_2.5g_bnkps.onnx").read_bytes())
    (folder / "w600k_mbf.onnx").write_bytes((models / "recognition/mobilefacenet_foamliu_arc.onnx").read_bytes())
    write_genderage(folder / "genderage.onnx")
    return folder


@pytest.fixture(scope="module")
def analyzer(
    insightface_folder: Path, tmp_path_factory: pytest.TempPathFactory, onnx_factory: OnnxSessionFactory
) -> FaceAnalyzer:
    pack = import_pack(insightface_folder, tmp_path_factory.mktemp("packs"), onnx_factory, accept_licence=True)
    assert pack.manifest.roles.attributes is not None
    return load_analyzer(pack, onnx_factory)


def test_R_INF_4_the_analyzer_of_a_pack_tells_attributes_of_its_faces(
    analyzer: FaceAnalyzer, t1_photo: bytes, insightface_folder: Path, onnx_factory: OnnxSessionFactory
) -> None:
    photo = decode_image(t1_photo).pixels
    faces = analyzer.detect(photo)
    assert len(faces) == 6
    path = insightface_folder / "genderage.onnx"
    alone = GenderAge(onnx_factory.open(path), model_path=path).predict(photo, [face.box for face in faces])
    assert analyzer.attributes(photo, faces) == alone


def test_R_INF_4_a_pack_without_the_role_says_so(
    testkit: Path, tmp_path: Path, onnx_factory: OnnxSessionFactory, insightface_folder: Path
) -> None:
    pack = import_pack(
        None,
        tmp_path,
        onnx_factory,
        name="plain",
        detector=str(insightface_folder / "det_2.5g.onnx"),
        embedder=str(insightface_folder / "w600k_mbf.onnx"),
        accept_licence=True,
    )
    plain = load_analyzer(pack, onnx_factory)
    assert plain.attribute_predictor is None
    with pytest.raises(PackInvalidError, match="'plain' has no role 'attributes'"):
        plain.attributes(np.zeros((9, 9, 3), np.uint8), [DetectedFace(Box(0, 0, 9, 9), 1.0)])
