"""The generic classifier: SqueezeNet on real photos, golden values, and networks that are no classifiers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from lianpu.engines.classify.classifier import OnnxClassifier
from lianpu.engines.classify.preparation import Layout, Preparation
from lianpu.errors import InferenceFailedError, InferenceModelUnavailableError
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.small_classifiers import public_photo, write_classifier

# The kit's contract: BGR, 0…255, minus the mean of each channel.
SQUEEZENET = Preparation(227, 227, colour="bgr", mean=(104.0, 117.0, 123.0))
COLOURS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def sessions() -> OnnxSessionFactory:
    return OnnxSessionFactory(["cpu"])


@pytest.fixture(scope="module")
def squeezenet(testkit: Path, sessions: OnnxSessionFactory) -> OnnxClassifier:
    folder = testkit / "models" / "classification"
    labels = (folder / "synset_words.txt").read_text().splitlines()
    return OnnxClassifier(sessions.open(folder / "squeezenet_v1.1_227.onnx"), labels, SQUEEZENET, softmax=False)


def test_R_INF_4_squeezenet_knows_what_is_on_a_photo(squeezenet: OnnxClassifier) -> None:
    coffee = squeezenet.classify(public_photo("coffee.png"), 3)
    assert (coffee[0].label, coffee[0].index) == ("n07920052 espresso", 967)
    assert coffee[0].score > 0.8
    assert [one.score for one in coffee] == sorted((one.score for one in coffee), reverse=True)
    cat = squeezenet.classify(public_photo("chelsea.png"), 3)
    assert {one.label.split(maxsplit=1)[1] for one in cat} == {"Egyptian cat", "tabby, tabby cat", "tiger cat"}


@pytest.mark.parametrize("photo", ["coffee.png", "chelsea.png"])
def test_R_INF_4_golden_values_by_plain_onnxruntime_and_numpy(
    squeezenet: OnnxClassifier, testkit: Path, photo: str
) -> None:
    image = public_photo(photo)
    height, width = image.shape[:2]
    side, left = min(height, width), (width - height) // 2
    square = cv2.resize(image[:, left : left + side], (227, 227), interpolation=cv2.INTER_AREA)
    planes = (
        square[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) - np.array([104, 117, 123], np.float32)[:, None, None]
    )
    plain = onnxruntime.InferenceSession(
        testkit / "models/classification/squeezenet_v1.1_227.onnx", providers=["CPUExecutionProvider"]
    )
    expected = np.asarray(plain.run(None, {plain.get_inputs()[0].name: planes[None]})[0])[0]
    np.testing.assert_allclose(squeezenet.scores(squeezenet.prepare(image)), expected, rtol=1e-4, atol=1e-7)
    assert squeezenet.classify(image, 1)[0].index == int(expected.argmax())


def test_R_INF_4_one_classifier_answers_many_threads_alike(squeezenet: OnnxClassifier) -> None:
    photos = [public_photo("coffee.png"), public_photo("chelsea.png")]
    alone = [squeezenet.classify(photo) for photo in photos]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(squeezenet.classify, photos * 6))
    assert together == alone * 6


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((1, 3, 8, 8), Layout.NCHW),
        (("n", 3, 8, 8), Layout.NCHW),
        (("n", 3, "h", "w"), Layout.NCHW),
        ((1, 8, 8, 3), Layout.NHWC),
        (("n", "h", "w", 3), Layout.NHWC),
    ],
)
def test_R_INF_4_fixed_and_dynamic_inputs_of_both_layouts(
    tmp_path: Path, sessions: OnnxSessionFactory, shape: tuple[int | str, ...], layout: Layout
) -> None:
    session = sessions.open(write_classifier(tmp_path / "model.onnx", shape=shape))
    classifier = OnnxClassifier(session, COLOURS, Preparation(8, 8, layout=layout), softmax=False)
    green = np.zeros((30, 20, 3), np.uint8)
    green[:, :, 1] = 200
    best = classifier.classify(green)
    assert (best[0].label, best[0].index, best[0].score) == ("green", 1, 200.0)
    # Equal scores stay in the order of the labels.
    assert [one.label for one in best] == ["green", "red", "blue"]


def test_R_INF_4_networks_that_take_bytes_get_bytes(tmp_path: Path, sessions: OnnxSessionFactory) -> None:
    session = sessions.open(write_classifier(tmp_path / "model.onnx", dtype=TensorProto.UINT8))
    blue = np.full((8, 8, 3), (1, 2, 250), np.uint8)
    best = OnnxClassifier(session, COLOURS, Preparation(8, 8), softmax=False).classify(blue)
    assert [(one.label, one.score) for one in best] == [("blue", 250.0), ("green", 2.0), ("red", 1.0)]


def test_R_INF_4_softmax_makes_probabilities_of_any_logits(tmp_path: Path, sessions: OnnxSessionFactory) -> None:
    session = sessions.open(write_classifier(tmp_path / "model.onnx", gain=10.0))
    image = np.full((8, 8, 3), (100, 101, 90), np.uint8)
    scores = [one.score for one in OnnxClassifier(session, COLOURS, Preparation(8, 8), softmax=True).classify(image)]
    powers = np.exp(np.array([1010.0, 1000.0, 900.0]) - 1010.0)
    np.testing.assert_allclose(scores, powers / powers.sum(), rtol=1e-5, atol=1e-9)


def test_R_INF_4_scores_that_are_no_numbers_are_no_answer(tmp_path: Path, sessions: OnnxSessionFactory) -> None:
    session = sessions.open(write_classifier(tmp_path / "model.onnx", gain=float("inf")))
    with pytest.raises(InferenceFailedError, match="not finite"):
        OnnxClassifier(session, COLOURS, Preparation(8, 8), softmax=True).classify(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("network", "preparation", "labels", "told"),
    [
        ({"classes": 4}, Preparation(8, 8), 3, "gives 4 scores, and there are 3 labels"),
        ({"outputs": 2}, Preparation(8, 8), 3, r"has 2 outputs \(scores, scores1\), and a classifier has one"),
        ({"shape": (1, 3, 16, 16)}, Preparation(8, 8), 3, "takes 16 x 16 pixels .* and 8 x 8 are configured"),
        ({"shape": (4, 3, 8, 8)}, Preparation(8, 8), 3, r"is \[4, 3, 8, 8\], .* one image at a time"),
        ({"shape": (1, 8, 8, 3)}, Preparation(8, 8), 3, r"layout nchw takes \[n, 3, height, width\]"),
        (
            {"shape": (1, 3, 8, 8)},
            Preparation(8, 8, layout=Layout.NHWC),
            3,
            r"layout nhwc takes \[n, height, width, 3\]",
        ),
    ],
)
def test_R_INF_4_what_does_not_fit_is_told(
    tmp_path: Path,
    sessions: OnnxSessionFactory,
    network: dict[str, object],
    preparation: Preparation,
    labels: int,
    told: str,
) -> None:
    session = sessions.open(write_classifier(tmp_path / "model.onnx", **network))  # type: ignore[arg-type]
    with pytest.raises(InferenceModelUnavailableError, match=told):
        OnnxClassifier(session, ["x"] * labels, preparation, softmax=False)


def test_R_INF_4_detectors_and_embedders_are_no_classifiers_of_a_thousand(
    testkit: Path, sessions: OnnxSessionFactory
) -> None:
    for path in sorted((testkit / "models").glob("*/*.onnx")):
        if path.parent.name != "classification":
            with pytest.raises(InferenceModelUnavailableError):
                OnnxClassifier(sessions.open(path), ["x"] * 1000, Preparation(640, 640), softmax=False)
