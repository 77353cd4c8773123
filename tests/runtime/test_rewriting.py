"""Networks rewritten for OpenVINO: the same answers, and only where something is gained."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
from onnx import TensorProto, helper, numpy_helper

from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.openvino import OpenVinoSessionFactory
from lianpu.runtime.rewriting import computes_the_same, widen_groups


def convolution(path: Path, *, groups: int, inputs: int, outputs: int, **attributes: Any) -> Path:
    """One convolution of so many groups, with so many channels in and out of each."""
    weights = np.random.default_rng(1).normal(size=(groups * outputs, inputs, 3, 3)).astype(np.float32)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], group=groups, **attributes)],
        "convolution",
        [value("x", TensorProto.FLOAT, ["n", groups * inputs, 20, 20])],
        [value("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def widths(model: Any) -> list[int]:
    """Groups of each convolution."""
    return [int(node.get_input_shape(1)[0]) for node in model.get_ops() if node.get_type_name() == "GroupConvolution"]


@pytest.mark.parametrize(
    ("groups", "inputs", "outputs", "joined"),
    [(64, 2, 2, 8), (6, 2, 4, 2), (12, 4, 3, 3), (8, 8, 8, 4)],
)
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"pads": [1, 1, 1, 1]},
        {"strides": [2, 2], "pads": [0, 1, 2, 1]},
        {"dilations": [2, 2]},
        {"auto_pad": "SAME_UPPER"},
    ],
    ids=["plain", "padded", "strided", "dilated", "same"],
)
def test_R_SWP_6_joined_groups_give_the_same_numbers(
    tmp_path: Path, groups: int, inputs: int, outputs: int, joined: int, attributes: dict[str, Any]
) -> None:
    path = convolution(tmp_path / "network.onnx", groups=groups, inputs=inputs, outputs=outputs, **attributes)
    core = openvino.Core()
    model = core.read_model(path)
    assert widen_groups(model) == 1
    assert widths(model) == [joined]
    probe = np.random.default_rng(2).normal(size=(3, groups * inputs, 20, 20)).astype(np.float32)
    expected = OnnxSessionFactory(["cpu"]).open(path).run({"x": probe})[0]
    found = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([probe])[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert computes_the_same(core, core.read_model(path), model)


@pytest.mark.parametrize(("groups", "channels"), [(32, 1), (4, 16), (2, 32)], ids=["depthwise", "wide", "wider"])
def test_R_SWP_6_convolutions_that_gain_nothing_stay(tmp_path: Path, groups: int, channels: int) -> None:
    path = convolution(tmp_path / "network.onnx", groups=groups, inputs=channels, outputs=channels)
    model = openvino.Core().read_model(path)
    assert widen_groups(model) == 0
    assert widths(model) == [groups]


def test_R_SWP_6_a_network_that_answers_differently_is_seen(tmp_path: Path) -> None:
    core = openvino.Core()
    first, second = (
        core.read_model(convolution(tmp_path / f"{pads}.onnx", groups=8, inputs=2, outputs=2, pads=[pads] * 4))
        for pads in (0, 1)
    )
    assert not computes_the_same(core, first, second)
    path = convolution(tmp_path / "scaled.onnx", groups=8, inputs=2, outputs=2)
    scaled = onnx.load(str(path))
    weights = numpy_helper.to_array(scaled.graph.initializer[0])
    scaled.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights * np.float32(1.01), "w"))
    assert not computes_the_same(core, core.read_model(path), core.read_model(scaled.SerializeToString()))


def test_R_SWP_6_rounded_network_of_joined_groups_answers_as_ever(tmp_path: Path) -> None:
    path = convolution(tmp_path / "network.onnx", groups=64, inputs=2, outputs=2)
    probe = np.random.default_rng(2).normal(size=(2, 128, 20, 20)).astype(np.float32)
    expected = OnnxSessionFactory(["cpu"]).open(path).run({"x": probe})[0]
    found = OpenVinoSessionFactory(2).open(path, may_round=True).run({"x": probe})[0]
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()
