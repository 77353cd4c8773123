"""ArcFace embedders against InsightFace's ArcFaceONNX, on the same networks and photos; and their variants."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from lianpu.engines.face.alignment import ARCFACE_TEMPLATE
from lianpu.engines.face.embedder import ArcFaceEmbedder, read_normalisation
from lianpu.engines.face.face import Landmarks, LandmarkScheme
from lianpu.engines.face.scrfd import ScrfdDetector
from lianpu.errors import PackDamagedError, PackInvalidError
from lianpu.runtime.onnx import OnnxSessionFactory

pytestmark = pytest.mark.slow

RECOGNISERS = {
    "mobilefacenet_foamliu_arc.onnx": (127.5, 127.5),
    "mobilefacenet_insightface_y1.onnx": (0.0, 1.0),
}
FIVE = Landmarks(LandmarkScheme.ARCFACE5, ARCFACE_TEMPLATE)


@pytest.fixture(scope="module")
def detector(testkit: Path, onnx_factory: OnnxSessionFactory) -> ScrfdDetector:
    session = onnx_factory.open(testkit / "models/detection/scrfd_2.5g_bnkps.onnx")
    return ScrfdDetector(session, input_size=640, score_threshold=0.5, iou_threshold=0.4)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("file", RECOGNISERS)
def test_R_LIB_11_embeddings_equal_insightface(
    testkit: Path,
    photos: dict[str, np.ndarray],
    onnx_factory: OnnxSessionFactory,
    detector: ScrfdDetector,
    file: str,
) -> None:
    arcface = pytest.importorskip("insightface.model_zoo.arcface_onnx")
    face_class = pytest.importorskip("insightface.app.common").Face
    path = testkit / "models/recognition" / file
    ours, theirs = ArcFaceEmbedder(onnx_factory.open(path), model_path=path), arcface.ArcFaceONNX(str(path))
    assert ours.normalisation == RECOGNISERS[file] == (theirs.input_mean, theirs.input_std)
    assert (ours.dimension, ours.input_size) == (128, 112)
    compared = 0
    for name, image in photos.items():
        faces = [face.landmarks for face in detector.detect(image)[:6] if face.landmarks is not None]
        found = ours.embed(image, faces)
        assert found.shape == (len(faces), 128)
        assert found.dtype == np.float32
        bgr = image[:, :, ::-1].copy()
        for embedding, face in zip(found, faces, strict=True):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # InsightFace calls what scikit-image deprecates
                expected = theirs.get(bgr, face_class(kps=face.points))
            assert cosines(embedding[None], expected[None])[0] >= 0.9999, name
        compared += len(faces)
    assert compared > 60


def test_R_LIB_11_two_photos_of_one_person_are_alike_and_two_persons_are_not(
    testkit: Path, onnx_factory: OnnxSessionFactory, detector: ScrfdDetector
) -> None:
    from lianpu.engines.image import decode_image

    path = testkit / "models/recognition/mobilefacenet_foamliu_arc.onnx"
    embedder = ArcFaceEmbedder(onnx_factory.open(path), model_path=path)
    people = sorted((testkit / "images/lfw_small").iterdir())[:8]
    rows: list[np.ndarray] = []
    for person in people:
        for file in sorted(person.glob("*.jpg"))[:2]:
            image = decode_image(file.read_bytes()).pixels
            landmarks = detector.detect(image)[0].landmarks
            assert landmarks is not None
            rows.append(embedder.embed(image, [landmarks])[0])
    unit = np.stack([row / np.linalg.norm(row) for row in rows])
    similar = unit @ unit.T
    same = np.array([similar[2 * index, 2 * index + 1] for index in range(len(people))])
    others = similar[np.triu_indices(len(rows), 1)]
    others = np.setdiff1d(others, same)
    assert np.median(same) > 0.5
    assert np.percentile(others, 95) < 0.3


def summing_network(
    path: Path, *, batch: int | str, size: int = 8, dimension: int | str = 3, names: tuple[str, ...] = ("first",)
) -> Path:
    """A stand-in embedder: the mean of each channel, [n, 3]; so its numbers show what it was fed."""
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("Identity", ["x"], ["h0"], name=names[0])]
    nodes += [helper.make_node("Identity", [f"h{i - 1}"], [f"h{i}"], name=name) for i, name in enumerate(names) if i]
    nodes.append(helper.make_node("GlobalAveragePool", [f"h{len(names) - 1}"], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "mean",
        [value("x", TensorProto.FLOAT, [batch, 3, size, size])],
        [value("y", TensorProto.FLOAT, [batch, dimension])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.mark.parametrize("batch", [1, 2, "n"])
@pytest.mark.parametrize("faces", [0, 1, 3, 40])
def test_R_INF_5_fixed_and_dynamic_batches_give_the_same(
    tmp_path: Path, onnx_factory: OnnxSessionFactory, batch: int | str, faces: int
) -> None:
    session = onnx_factory.open(summing_network(tmp_path / "mean.onnx", batch=batch))
    embedder = ArcFaceEmbedder(session, mean=0.0, std=1.0)
    crops = [np.full((8, 8, 3), (number, 2 * number, 3 * number), np.uint8) for number in range(faces)]
    assert embedder.embed_aligned(crops).tolist() == [[n, 2 * n, 3 * n] for n in range(faces)]


def test_R_INF_5_colour_order_and_normalisation_follow_the_manifest(
    tmp_path: Path, onnx_factory: OnnxSessionFactory
) -> None:
    session = onnx_factory.open(summing_network(tmp_path / "mean.onnx", batch="n"))
    crop = np.full((8, 8, 3), (10, 20, 30), np.uint8)
    rgb = ArcFaceEmbedder(session, mean=20.0, std=5.0).embed_aligned([crop])
    bgr = ArcFaceEmbedder(session, mean=20.0, std=5.0, colour="bgr").embed_aligned([crop])
    assert rgb[0] == pytest.approx([-2, 0, 2])
    assert bgr[0] == pytest.approx([2, 0, -2])


def test_R_INF_5_size_and_dimension_are_read_from_the_graph(tmp_path: Path, onnx_factory: OnnxSessionFactory) -> None:
    path = summing_network(tmp_path / "mean.onnx", batch="n", size=160, dimension="d")
    embedder = ArcFaceEmbedder(onnx_factory.open(path), model_path=path)
    assert (embedder.input_size, embedder.dimension) == (160, 3)
    assert embedder.embed(np.zeros((200, 200, 3), np.uint8), [FIVE, FIVE]).shape == (2, 3)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Sub_0", "Mul_1"), (0.0, 1.0)),
        (("_minusscalar0", "_mulscalar0"), (0.0, 1.0)),
        (("Conv_0", "Mul_1"), (127.5, 127.5)),
        (("/Sub", "/Mul"), (127.5, 127.5)),
        ((*"abcdefgh", "Sub_8", "Mul_9"), (127.5, 127.5)),
    ],
)
def test_R_INF_5_normalisation_is_read_as_insightface_does(
    tmp_path: Path, names: tuple[str, ...], expected: tuple[float, float]
) -> None:
    arcface = pytest.importorskip("insightface.model_zoo.arcface_onnx")
    path = summing_network(tmp_path / "mean.onnx", batch="n", names=names)
    reference = arcface.ArcFaceONNX(str(path))
    assert read_normalisation(path) == expected == (reference.input_mean, reference.input_std)


def test_R_INF_5_networks_that_are_no_embedder_are_refused(
    tmp_path: Path, testkit: Path, onnx_factory: OnnxSessionFactory
) -> None:
    session = onnx_factory.open(summing_network(tmp_path / "mean.onnx", batch="n"))
    with pytest.raises(ValueError, match="mean and std"):
        ArcFaceEmbedder(session)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no graph")
    with pytest.raises(PackDamagedError, match=r"broken\.onnx"):
        read_normalisation(broken)
    wrong = onnx_factory.open(summing_network(tmp_path / "wrong.onnx", batch="n"))
    wrong._inputs = (wrong.inputs[0].__class__("x", "float32", (None, 112, 112, 3)),)
    with pytest.raises(PackInvalidError):
        ArcFaceEmbedder(wrong, mean=0.0, std=1.0)


def test_R_LIB_6_dlib_landmarks_do_not_fit(tmp_path: Path, onnx_factory: OnnxSessionFactory) -> None:
    session = onnx_factory.open(summing_network(tmp_path / "mean.onnx", batch="n"))
    with pytest.raises(PackInvalidError, match="dlib5"):
        ArcFaceEmbedder(session, mean=0.0, std=1.0).embed(
            np.zeros((50, 50, 3), np.uint8), [Landmarks(LandmarkScheme.DLIB5, ARCFACE_TEMPLATE)]
        )
