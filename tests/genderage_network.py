"""A stand-in with the contract of InsightFace's genderage.onnx: same input and output, random weights."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_genderage(path: Path, *, normalises_itself: bool = True, side_px: int = 96) -> Path:
    """[n, 3, 96, 96] RGB to [1, 3]: a convolution, pooling and a dense layer.

    Args:
        normalises_itself: begin with the node `bn_data`, as the real file does, which takes raw pixels.
    """
    random = np.random.default_rng(side_px)
    kernel = random.normal(scale=0.2, size=(8, 3, 5, 5)).astype(np.float32)
    dense = random.normal(scale=0.05, size=(8 * 16, 3)).astype(np.float32)
    # Ages like those of people: around 40 years.
    bias = np.array([0.1, -0.1, 0.4], np.float32)
    weights = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(dense, "dense"),
        numpy_helper.from_array(bias, "bias"),
        *(
            numpy_helper.from_array(np.full(3, value, np.float32), name)
            for name, value in (("gamma", 1 / 64), ("beta", -2.0), ("zero", 0.0), ("one", 1.0))
        ),
    ]
    begin = helper.make_node("BatchNormalization", ["data", "gamma", "beta", "zero", "one"], ["normal"], "bn_data")
    if not normalises_itself:
        begin = helper.make_node("Identity", ["data"], ["normal"], "start")
    graph = helper.make_graph(
        [
            begin,
            helper.make_node("Conv", ["normal", "kernel"], ["features"], "conv", strides=[2, 2]),
            helper.make_node("Relu", ["features"], ["active"], "relu"),
            helper.make_node("AveragePool", ["active"], ["pooled"], "pool", kernel_shape=[11, 11], strides=[11, 11]),
            helper.make_node("Flatten", ["pooled"], ["flat"], "flatten"),
            helper.make_node("Gemm", ["flat", "dense", "bias"], ["fc1"], "fc1_gemm"),
        ],
        "stand-in",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["None", 3, side_px, side_px])],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 3])],
        weights if normalises_itself else weights[:3],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path
