"""A stand-in for `inswapper_128.onnx`, which nobody may pass on: its contract, and three numbers of the identity."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_inswapper(path: Path, *, emap_last: bool = True) -> np.ndarray:
    """Target [1, 3, 128, 128] and source [1, 512] in, [1, 3, 128, 128] out, the matrix `emap` as the last initializer.

    Half of the target's picture, and a tint that the identity gives.

    Returns:
        emap, [512, 512] float32.
    """
    random = np.random.default_rng(5)
    emap = random.normal(size=(512, 512)).astype(np.float32) / 20
    tint = random.normal(size=(512, 3)).astype(np.float32)
    initializers = [
        numpy_helper.from_array(tint, "tint"),
        numpy_helper.from_array(np.array([1, 3, 1, 1], np.int64), "shape"),
        numpy_helper.from_array(np.array([0.5], np.float32), "half"),
        numpy_helper.from_array(np.array([0], np.int64), "start"),
    ]
    matrix = numpy_helper.from_array(emap, "emap")
    initializers = [*initializers, matrix] if emap_last else [matrix, *initializers]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["source", "tint"], ["raw"]),
            helper.make_node("Sigmoid", ["raw"], ["bright"]),
            helper.make_node("Reshape", ["bright", "shape"], ["colour"]),
            helper.make_node("Mul", ["colour", "half"], ["half_colour"]),
            helper.make_node("Mul", ["target", "half"], ["half_target"]),
            helper.make_node("Add", ["half_target", "half_colour"], ["mixed"]),
            helper.make_node("Identity", ["mixed"], ["output"]),
        ],
        "stand-in",
        [
            helper.make_tensor_value_info("target", TensorProto.FLOAT, [1, 3, 128, 128]),
            helper.make_tensor_value_info("source", TensorProto.FLOAT, [1, 512]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3, 128, 128])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return emap
