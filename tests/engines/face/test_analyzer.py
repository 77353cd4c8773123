"""Loading packs into analyzers, and what an analyzer finds on real photos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lianpu.engines.face.analyzer import AnalyzerOptions, FaceAnalyzer, load_analyzer
from lianpu.engines.face.face import Box, DetectedFace, Image, Landmarks, LandmarkScheme
from lianpu.errors import PackDamagedError, PackIncompleteError, PackInvalidError
from lianpu.packs.install import import_pack
from lianpu.packs.manifest import MANIFEST_FILE, Pack, PackManifest, parse_manifest
from lianpu.packs.metric import Metric
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory


@pytest.fixture(scope="module")
def sessions() -> OnnxSessionFactory:
    return OnnxSessionFactory("auto", threads=2)


@pytest.fixture(scope="module")
def dlib_pack(tmp_path_factory: pytest.TempPathFactory, sessions: OnnxSessionFactory) -> Pack:
    home = tmp_path_factory.mktemp("home")
    return PackRegistry(home / "packs", home / "cache", sessions).get("dlib")


@pytest.fixture(scope="module")
def kit_pack(testkit: Path, tmp_path_factory: pytest.TempPathFactory, sessions: OnnxSessionFactory) -> Pack:
    models = testkit / "models"
    return import_pack(
        None,
        tmp_path_factory.mktemp("packs"),
        sessions,
        name="kit",
        detector=str(models / "detection/scrfd_2.5g_bnkps.onnx"),
        embedder=str(models / "recognition/mobilefacenet_foamliu_arc.onnx"),
        accept_licence=True,
    )


@pytest.fixture(scope="module")
def group(t1_photo: bytes) -> Image:
    pixels = cv2.imdecode(np.frombuffer(t1_photo, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def changed(pack: Pack, **roles: Any) -> Pack:
    """The same files under another manifest; a role that is None is left out."""
    content = pack.manifest.model_dump(exclude_none=True)
    for role, changes in roles.items():
        if changes is None:
            content["roles"].pop(role)
        else:
            content["roles"].setdefault(role, {}).update(changes)
    return Pack(PackManifest.model_validate(content), pack.folder)


def test_R_INF_5_dlib_pack(dlib_pack: Pack, sessions: OnnxSessionFactory, group: Image) -> None:
    analyzer = load_analyzer(dlib_pack, sessions)
    assert (analyzer.pack_name, analyzer.pack_version, analyzer.dimension) == ("dlib", "1", 128)
    assert (analyzer.metric, analyzer.raw_threshold) == (Metric.EUCLIDEAN, 0.55)
    assert analyzer.providers == ("CPUExecutionProvider",)
    faces = analyzer.detect(group)
    assert len(faces) == 6
    assert {face.landmarks.scheme for face in faces if face.landmarks} == {LandmarkScheme.DLIB5}
    embeddings = analyzer.embed(group, faces)
    assert (embeddings.shape, embeddings.dtype) == ((6, 128), np.float32)
    distances = np.linalg.norm(embeddings[:, None] - embeddings[None], axis=2)
    assert distances[~np.eye(6, dtype=bool)].min() > analyzer.raw_threshold


def test_R_INF_5_insightface_family_pack(kit_pack: Pack, sessions: OnnxSessionFactory, group: Image) -> None:
    analyzer = load_analyzer(kit_pack, sessions)
    assert (analyzer.metric, analyzer.raw_threshold, analyzer.dimension) == (Metric.COSINE, 0.4, 128)
    faces = analyzer.detect(group)
    areas = [face.box.area for face in faces]
    assert len(faces) == 6
    assert areas == sorted(areas, reverse=True)
    assert [face.box for face in analyzer.detect(group, max_faces=2)] == [face.box for face in faces[:2]]
    embeddings = analyzer.embed(group, faces)
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert (units @ units.T)[~np.eye(6, dtype=bool)].max() < analyzer.raw_threshold
    # A face's embedding does not depend on which others are embedded with it.
    np.testing.assert_allclose(analyzer.embed(group, faces[3:4])[0], embeddings[3], rtol=1e-3, atol=1e-4)
    assert analyzer.embed(group, []).shape == (0, 128)


def test_R_INF_5_same_person_is_nearer_than_the_threshold(
    kit_pack: Pack, dlib_pack: Pack, sessions: OnnxSessionFactory, testkit: Path
) -> None:
    people = sorted(path for path in (testkit / "images/lfw_small").iterdir() if path.is_dir())[:8]
    for pack in (kit_pack, dlib_pack):
        analyzer = load_analyzer(pack, sessions)
        rows = [_first_face(analyzer, photo) for person in people for photo in sorted(person.iterdir())[:2]]
        probes, gallery = np.array(rows[::2]), np.array(rows[1::2])
        if analyzer.metric is Metric.COSINE:
            probes /= np.linalg.norm(probes, axis=1, keepdims=True)
            gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
        nearest = np.linalg.norm(probes[:, None] - gallery[None], axis=2).argmin(axis=1)
        assert (nearest == np.arange(len(people))).mean() >= 7 / 8


def _first_face(analyzer: FaceAnalyzer, photo: Path) -> np.ndarray:
    pixels = cv2.imread(str(photo), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None
    image = np.asarray(pixels, np.uint8)
    return analyzer.embed(image, analyzer.detect(image, max_faces=1))[0]


def test_R_INF_5_options_override_the_pack(kit_pack: Pack, sessions: OnnxSessionFactory, group: Image) -> None:
    small = load_analyzer(kit_pack, sessions, AnalyzerOptions(detector_input_size=320))
    assert len(small.detect(group)) == 6
    assert load_analyzer(kit_pack, sessions, AnalyzerOptions(detector_input_size=64)).detect(group) == []
    with pytest.raises(PackInvalidError, match="kit"):
        load_analyzer(kit_pack, sessions, AnalyzerOptions(detector_input_size=333))


def test_R_INF_5_hand_drawn_box_gets_landmarks_where_the_pack_can(
    dlib_pack: Pack, kit_pack: Pack, sessions: OnnxSessionFactory, group: Image
) -> None:
    analyzer = load_analyzer(dlib_pack, sessions)
    face = analyzer.detect(group, max_faces=1)[0]
    drawn = DetectedFace(face.box, 1.0)
    np.testing.assert_allclose(analyzer.embed(group, [drawn]), analyzer.embed(group, [face]), atol=1e-5)
    with pytest.raises(PackInvalidError, match="cannot find landmarks"):
        load_analyzer(kit_pack, sessions).embed(group, [drawn])


@pytest.mark.parametrize("role", ["detector", "embedder"])
def test_R_INF_5_both_roles_are_needed(kit_pack: Pack, sessions: OnnxSessionFactory, role: str) -> None:
    with pytest.raises(PackInvalidError, match=f"has no {role}"):
        load_analyzer(changed(kit_pack, **{role: None}), sessions)


def test_R_INF_5_landmarks_must_fit_the_embedder(dlib_pack: Pack, kit_pack: Pack, sessions: OnnxSessionFactory) -> None:
    with pytest.raises(PackInvalidError, match="aligns by dlib5 landmarks"):
        load_analyzer(changed(dlib_pack, landmarks=None), sessions)
    arcface = {"engine": "arcface", "metric": "cosine", "threshold": 0.4}
    with pytest.raises(PackInvalidError, match="aligns by arcface5 landmarks"):
        load_analyzer(changed(dlib_pack, embedder=arcface), sessions)


@pytest.mark.parametrize(
    ("roles", "error", "text"),
    [
        ({"detector": {"engine": "absent"}}, PackIncompleteError, "No engine 'absent' is installed"),
        ({"detector": {"engine": "arcface"}}, PackInvalidError, "is no detector"),
        ({"embedder": {"engine": "scrfd"}}, PackInvalidError, "is no embedder"),
        ({"detector": {"engine": "yunet"}}, PackInvalidError, "YuNet"),
        ({"detector": {"options": {"tiles": 2}}}, PackInvalidError, "option 'tiles' is unknown"),
        ({"detector": {"engine": "mmod", "options": {"max_pixels": "x"}}}, PackInvalidError, "must be of type int"),
    ],
)
def test_R_INF_5_engines_that_do_not_fit(
    kit_pack: Pack, sessions: OnnxSessionFactory, roles: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"Pack 'kit'.*{text}"):
        load_analyzer(changed(kit_pack, **roles), sessions)


def test_R_INF_5_corrupt_file_is_named_with_its_pack(
    kit_pack: Pack, sessions: OnnxSessionFactory, tmp_path: Path
) -> None:
    name = "scrfd_2.5g_bnkps.onnx"
    for file in kit_pack.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_bytes(bytes(1000))
    manifest = parse_manifest((tmp_path / MANIFEST_FILE).read_text(), "")
    with pytest.raises(PackDamagedError, match=f"Pack 'kit': {name} is damaged"):
        load_analyzer(Pack(manifest, tmp_path), sessions)
    (tmp_path / name).unlink()
    with pytest.raises(PackDamagedError, match=name):
        load_analyzer(Pack(manifest, tmp_path), sessions)


class _Boxes:
    """A detector that gives what it was made with."""

    def __init__(self, faces: Sequence[DetectedFace]) -> None:
        self._faces = faces

    def detect(self, image: Image) -> list[DetectedFace]:
        return list(self._faces)


def test_R_INF_5_largest_first_and_of_equal_ones_the_better(kit_pack: Pack, sessions: OnnxSessionFactory) -> None:
    points = Landmarks(LandmarkScheme.ARCFACE5, np.zeros((5, 2), np.float32))
    faces = [
        DetectedFace(Box(0, 0, side, side), score, points) for side, score in [(10, 0.9), (30, 0.5), (30, 0.8), (20, 1)]
    ]
    loaded = load_analyzer(kit_pack, sessions)
    analyzer = FaceAnalyzer(
        loaded.manifest,
        loaded.metric,
        loaded.raw_threshold,
        loaded.scheme,
        loaded.providers,
        _Boxes(faces),
        None,
        loaded.embedder,
    )
    image = np.zeros((40, 40, 3), np.uint8)
    assert [(face.box.x2, face.score) for face in analyzer.detect(image)] == [(30, 0.8), (30, 0.5), (20, 1), (10, 0.9)]
    assert analyzer.detect(image, max_faces=0) == []


def test_R_INF_4_an_installed_package_adds_an_engine(
    kit_pack: Pack, sessions: OnnxSessionFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blind_engine.py").write_text(
        "from lianpu.engines.face.engine import DetectorEngine, LoadedDetector\n"
        "from lianpu.engines.face.face import LandmarkScheme\n"
        "class Blind:\n"
        "    def detect(self, image):\n"
        "        return []\n"
        "BLIND = DetectorEngine(lambda role, pack, sessions: LoadedDetector(Blind(), LandmarkScheme.ARCFACE5))\n"
        "WRONG = 3\n"
    )
    metadata = tmp_path / "blind_engine-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: blind-engine\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[lianpu.engines]\nblind = blind_engine:BLIND\nwrong = blind_engine:WRONG\ngone = absent_module:X\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    analyzer = load_analyzer(changed(kit_pack, detector={"engine": "blind"}), sessions)
    assert analyzer.detect(np.zeros((10, 10, 3), np.uint8)) == []
    with pytest.raises(PackInvalidError, match="is no face engine"):
        load_analyzer(changed(kit_pack, detector={"engine": "wrong"}), sessions)
    with pytest.raises(PackIncompleteError, match="cannot be imported"):
        load_analyzer(changed(kit_pack, detector={"engine": "gone"}), sessions)
