"""A small builder of ONNX graphs: layers appended one after the other, weights as initialisers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import PackDamagedError
from lianpu.packs.embedded.dlib_layers import Convolution, Pool

_OPSET = 17
_IR_VERSION = 8

Dimensions = Sequence[int | str]
"""Sizes of a tensor's axes; a name marks a dynamic one."""


class OnnxGraph:
    """`last` is the name of the tensor the next layer takes."""

    def __init__(self, input_name: str, shape: Dimensions) -> None:
        # Half a second to import, and only a translation needs it.
        import onnx

        self._onnx: Any = onnx
        self._input = (input_name, tuple(shape))
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self.last = input_name

    def convolution(self, layer: Convolution) -> None:
        weights, bias = self.constant(layer.weights), self.constant(layer.bias)
        rows, columns = layer.padding
        self._append(
            "Conv",
            [self.last, weights, bias],
            kernel_shape=layer.weights.shape[2:],
            strides=layer.stride,
            pads=(rows, columns, rows, columns),
        )

    def relu(self) -> None:
        self._append("Relu", [self.last])

    def global_average(self) -> None:
        self._append("GlobalAveragePool", [self.last])

    def add(self, first: str, second: str) -> None:
        self._append("Add", [first, second])

    def dense(self, weights: NDArray[np.float64]) -> None:
        self._append("Flatten", [self.last])
        self._append("MatMul", [self.last, self.constant(weights)])

    def pool(self, layer: Pool, source: str) -> str:
        """Pool `source`, leaving `last` alone."""
        operator = "MaxPool" if layer.kind == "max" else "AveragePool"
        return self.node(operator, [source], kernel_shape=layer.window, strides=layer.stride)

    def pad_end(self, source: str, sizes: Sequence[int]) -> str:
        """Zeros after the end of each axis of `source`, leaving `last` alone."""
        pads = self._initialiser(np.array([0] * len(sizes) + list(sizes), dtype=np.int64))
        return self.node("Pad", [source, pads])

    def node(self, operator: str, inputs: Sequence[str], **attributes: object) -> str:
        """Any operator of any tensors, leaving `last` alone; the name of what it gives."""
        name = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, values: NDArray[np.generic]) -> str:
        """Weights as float32.

        Raises:
            PackDamagedError: one is not finite.
        """
        with np.errstate(over="ignore"):
            weights = values.astype(np.float32)
        if not np.isfinite(weights).all():
            raise PackDamagedError("the network's weights are damaged: folded, they are not finite")
        return self._initialiser(weights)

    def serialise(self, output_name: str, shape: Dimensions) -> bytes:
        """The model, checked, whose output is what the last layer gave."""
        helper, float32 = self._onnx.helper, self._onnx.TensorProto.FLOAT
        self._nodes[-1].output[0] = output_name
        graph = helper.make_graph(
            self._nodes,
            output_name,
            [helper.make_tensor_value_info(self._input[0], float32, self._input[1])],
            [helper.make_tensor_value_info(output_name, float32, shape)],
            self._weights,
        )
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="lianpu")
        self._onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True)

    def _append(self, operator: str, inputs: Sequence[str], **attributes: object) -> None:
        self.last = self.node(operator, inputs, **attributes)

    def _initialiser(self, values: NDArray[np.generic]) -> str:
        name = f"weights_{len(self._weights)}"
        self._weights.append(self._onnx.numpy_helper.from_array(values, name))
        return name
