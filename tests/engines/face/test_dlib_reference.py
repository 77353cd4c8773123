"""The pack `dlib` against dlib itself, same photos and weights: boxes, five points, embeddings."""

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Photo

from lianpu.engines.face.dlib_embedder import DlibEmbedder, extract_chip
from lianpu.engines.face.face import Box, Image, Landmarks, LandmarkScheme
from lianpu.engines.face.landmarks import Dlib5Landmarks
from lianpu.engines.face.mmod import MmodDetector
from lianpu.packs.embedded.dlib_pack import ensure_dlib_pack
from lianpu.packs.manifest import Pack
from lianpu.runtime.onnx import OnnxSessionFactory

pytestmark = pytest.mark.slow

# dlib is compiled code without types.
dlib: Any = pytest.importorskip("dlib")

MODELS = Path(str(distribution("face_recognition_models").locate_file("face_recognition_models/models")))
SESSIONS = OnnxSessionFactory(["cpu"], threads=2)

LEAST_IOU = 0.95
FARTHEST_POINT_PX = 1.0
GREATEST_EMBEDDING_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Case:
    """A photo, shrunk so that dlib takes a second or two: `upsamplings` times doubled before detection."""

    photo: str
    longest_px: int
    upsamplings: int = 0

    def __str__(self) -> str:
        return f"{Path(self.photo).stem}-{self.longest_px}px-x{2**self.upsamplings}"


PACKAGED = [
    Case("skimage/data/astronaut.png", 512),
    Case("insightface/data/images/Tom_Hanks_54745.png", 112, 1),
    Case("insightface/data/images/t1.jpg", 820),
]
KIT = [
    *(
        Case(f"lfw_small/{person}/{person}_0001.jpg", 250)
        for person in (
            "Abdoulaye_Wade",
            "Amelia_Vega",
            "Angelina_Jolie",
            "Bertie_Ahern",
            "Cameron_Diaz",
            "Condoleezza_Rice",
            "Erika_Harold",
            "Heath_Ledger",
            "Jelena_Dokic",
            "Laura_Bush",
            "Paula_Radcliffe",
            "Serena_Williams",
            "Sophia_Loren",
            "Valentino_Rossi",
        )
    ),
    *(Case(f"deepface/{name}.jpg", 400) for name in ("couple", "img1", "img43")),
    Case("deepface/selfie-many-people.jpg", 500),
]
LONG = [
    Case("groups/obama_biden_two_people.jpg", 640),
    Case("insightface/data/images/t1.jpg", 1280),
    Case("groups/selfie_crowd.jpg", 1600),
    Case("groups/bbt1.jpg", 1366),
    Case("wider_val/20--Family_Group/20_Family_Group_Family_Group_20_1003.jpg", 1024, 1),
    Case("deepface/img33.jpg", 1280),
    Case("deepface/img57.jpg", 1400),
    Case("lfw_small/Tiger_Woods/Tiger_Woods_0002.jpg", 250, 1),
]
CASES = [
    pytest.param(case, id=str(case), marks=[pytest.mark.slow] if case in LONG else []) for case in PACKAGED + KIT + LONG
]


@dataclass(frozen=True)
class Reference:
    """What dlib says about one photo."""

    image: Image
    boxes: list[Box]
    scores: list[float]
    points: list[NDArray[np.float32]]
    chips: list[Image]
    embeddings: NDArray[np.float64]


@cache
def dlib_models() -> tuple[Any, Any, Any]:
    return (
        dlib.cnn_face_detection_model_v1(str(MODELS / "mmod_human_face_detector.dat")),
        dlib.shape_predictor(str(MODELS / "shape_predictor_5_face_landmarks.dat")),
        dlib.face_recognition_model_v1(str(MODELS / "dlib_face_recognition_resnet_model_v1.dat")),
    )


@cache
def reference(case: Case) -> Reference:
    """dlib's answers; computed once, as its detector takes a second or more a photo."""
    image = open_photo(case)
    detector, predictor, embedder = dlib_models()
    found = sorted(detector(image, case.upsamplings), key=lambda each: -each.confidence)
    shapes = [predictor(image, each.rect) for each in found]
    return Reference(
        image,
        [box_of(each.rect) for each in found],
        [float(each.confidence) for each in found],
        [np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32) for shape in shapes],
        [np.asarray(dlib.get_face_chip(image, shape, 150, 0.25)) for shape in shapes],
        np.array([embedder.compute_face_descriptor(image, shape, 0, 0.25) for shape in shapes]).reshape(-1, 128),
    )


def open_photo(case: Case) -> Image:
    package, _, rest = case.photo.partition("/")
    if package in {"skimage", "insightface"}:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            pytest.skip(f"the development package {package} is not installed")
        path = Path(spec.origin).parent / rest
    else:
        named = os.environ.get("LIANPU_TESTKIT")
        kit = Path(named) if named else Path(__file__).parents[4] / "shared" / "testkit"
        path = kit / "images" / case.photo
        if not path.is_file():
            pytest.skip(f"no test kit at {kit}; set LIANPU_TESTKIT")
    with Photo.open(path) as photo:
        rgb = photo.convert("RGB")
        rgb.thumbnail((case.longest_px, case.longest_px))
        return np.array(rgb)


def box_of(rectangle: Any) -> Box:
    """dlib's rectangles name their last pixel; a Box ends after it."""
    return Box(rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return ensure_dlib_pack(tmp_path_factory.mktemp("cache"), SESSIONS)


@pytest.fixture(scope="module")
def detector(pack: Pack) -> MmodDetector:
    role = pack.manifest.roles.detector
    assert role is not None
    return MmodDetector(
        SESSIONS.open(pack.path_of(role.file)),
        score_threshold=role.score_threshold,
        iou_threshold=role.iou_threshold,
    )


@pytest.fixture(scope="module")
def predictor(pack: Pack) -> Dlib5Landmarks:
    return Dlib5Landmarks(pack.path_of("landmarks.npz"))


@pytest.fixture(scope="module")
def embedder(pack: Pack) -> DlibEmbedder:
    return DlibEmbedder(SESSIONS.open(pack.path_of("embedder.onnx")))


@pytest.fixture(scope="module", autouse=True)
def forget_references() -> Iterator[None]:
    yield
    reference.cache_clear()
    dlib_models.cache_clear()


def landmarks_of(expected: Reference) -> list[Landmarks]:
    return [Landmarks(LandmarkScheme.DLIB5, points) for points in expected.points]


@pytest.mark.parametrize("case", CASES)
def test_R_LIB_11_the_same_faces_are_found(case: Case, detector: MmodDetector) -> None:
    expected = reference(case)
    found = detector.detect_at(expected.image, 2.0**case.upsamplings)
    assert len(found) == len(expected.boxes)
    for box, score in zip(expected.boxes, expected.scores, strict=True):
        nearest = max(found, key=lambda face: box.iou(face.box))
        assert box.iou(nearest.box) >= LEAST_IOU
        assert nearest.score == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize("case", CASES)
def test_R_LIB_11_five_points_lie_where_dlib_puts_them(case: Case, predictor: Dlib5Landmarks) -> None:
    expected = reference(case)
    found = predictor.predict(expected.image, expected.boxes)
    assert len(found) == len(expected.points)
    for landmarks, points in zip(found, expected.points, strict=True):
        assert landmarks.scheme is LandmarkScheme.DLIB5
        assert np.linalg.norm(landmarks.points - points, axis=1).max() <= FARTHEST_POINT_PX


@pytest.mark.parametrize("case", CASES)
def test_R_LIB_11_embeddings_are_dlib_s(case: Case, embedder: DlibEmbedder) -> None:
    expected = reference(case)
    found = embedder.embed(expected.image, landmarks_of(expected))
    assert found.shape == expected.embeddings.shape
    if len(found):
        assert np.abs(found - expected.embeddings).max() <= GREATEST_EMBEDDING_DIFFERENCE


@pytest.mark.parametrize("case", CASES)
def test_R_LIB_11_chips_are_cut_as_dlib_cuts_them(case: Case) -> None:
    expected = reference(case)
    for landmarks, chip in zip(landmarks_of(expected), expected.chips, strict=True):
        difference = np.abs(extract_chip(expected.image, landmarks).astype(int) - chip)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.01


def test_R_LIB_11_the_photos_hold_faces_enough_to_compare() -> None:
    photos = [case for case in PACKAGED + KIT if reference(case).boxes]
    assert len(photos) >= 20
    assert sum(len(reference(case).boxes) for case in photos) >= 30


def test_R_LIB_11_strips_give_the_scores_of_one_run(pack: Pack, detector: MmodDetector) -> None:
    image = open_photo(PACKAGED[0])
    strips = MmodDetector(SESSIONS.open(pack.path_of("detector.onnx")), iou_threshold=0.338, max_canvas_pixels=200_000)
    whole = detector.detect_at(image, 1)
    assert whole
    for expected, found in zip(whole, strips.detect_at(image, 1), strict=True):
        assert found.box == expected.box
        assert found.score == pytest.approx(expected.score, abs=1e-5)


def test_R_LIB_11_a_photo_above_the_budget_is_shrunk_and_its_boxes_are_not(pack: Pack) -> None:
    image = open_photo(PACKAGED[0])
    session = SESSIONS.open(pack.path_of("detector.onnx"))
    (expected,) = MmodDetector(session, smallest_face_px=80).detect(image)
    (found,) = MmodDetector(session, max_pixels=image.shape[0] * image.shape[1] * 4 // 5).detect(image)
    assert found.box.iou(expected.box) > 0.7


def test_R_LIB_11_an_enlarged_photo_shows_smaller_faces(pack: Pack) -> None:
    small = np.array(Photo.fromarray(open_photo(PACKAGED[0])).resize((256, 256), Photo.Resampling.LANCZOS))
    session = SESSIONS.open(pack.path_of("detector.onnx"))
    assert MmodDetector(session, smallest_face_px=80).detect(small) == []
    (found,) = MmodDetector(session).detect(small)
    assert 35 < found.box.width < 80


def test_R_LIB_11_several_faces_are_embedded_as_each_alone(embedder: DlibEmbedder) -> None:
    expected = reference(PACKAGED[2])
    faces = landmarks_of(expected)
    assert len(faces) > 1
    alone = np.concatenate([embedder.embed(expected.image, [face]) for face in faces])
    np.testing.assert_allclose(embedder.embed(expected.image, faces), alone, atol=1e-5)


@pytest.mark.parametrize("scale", [0.4, 1.7, 3.0, 5.5])
@pytest.mark.parametrize("angle", [0.0, 0.6, -2.5])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (-180.0, 60.0)])
def test_R_LIB_11_chips_of_any_size_turn_and_place_are_cut_as_dlib_cuts_them(
    scale: float, angle: float, shift: tuple[float, float]
) -> None:
    image = open_photo(PACKAGED[0])
    # dlib's points are whole pixels; made up here to cover halved, turned and overhanging chips.
    upright = np.array([(40, -20), (18, -18), (-40, -20), (-18, -18), (0, 25)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.round(upright @ turn.T * scale + (256, 256) + np.array(shift)).astype(int)
    parts = dlib.points([dlib.point(int(x), int(y)) for x, y in points])
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 10, 10), parts)
    expected = np.asarray(dlib.get_face_chip(image, shape, 150, 0.25)).astype(int)
    found = extract_chip(image, Landmarks(LandmarkScheme.DLIB5, points.astype(np.float32)))
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.01
