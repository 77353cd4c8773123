"""Embedders in the shapes of InsightFace's packs, with random weights: as slow as those, and good for nothing else."""

from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE_PX, DIMENSION = 112, 512


@dataclass
class Graph:
    """An ONNX graph from `input` on; each method adds nodes and gives the name of what they answer with."""

    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def weight(self, values: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def convolve(
        self, tensor: str, before: int, after: int, side: int, stride: int, *, groups: int = 1, edge: int | None = None
    ) -> str:
        inputs = before // groups
        values = self.random.normal(0, (2 / (inputs * side * side)) ** 0.5, (after, inputs, side, side))
        pads = [side // 2 if edge is None else edge] * 4
        return self.add(
            "Conv",
            [tensor, self.weight(values)],
            kernel_shape=[side] * 2,
            strides=[stride] * 2,
            pads=pads,
            group=groups,
        )

    def normalise(self, tensor: str, channels: int) -> str:
        means, deviations = self.weight(np.zeros(channels)), self.weight(np.ones(channels))
        scale, shift = self.weight(np.ones(channels)), self.weight(np.zeros(channels))
        return self.add("BatchNormalization", [tensor, scale, shift, means, deviations])

    def activate(self, tensor: str, channels: int) -> str:
        return self.add("PRelu", [tensor, self.weight(np.full((channels, 1, 1), 0.25))])

    def embedder(self, tensor: str, numbers: int, name: str) -> onnx.ModelProto:
        flat = self.add("Flatten", [tensor], axis=1)
        values = self.random.normal(0, 0.01, (DIMENSION, numbers))
        self.add("Gemm", [flat, self.weight(values), self.weight(np.zeros(DIMENSION))], transB=1)
        self.nodes[-1].output[0] = "output"
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, SIDE_PX, SIDE_PX])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", DIMENSION])],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def iresnet50() -> onnx.ModelProto:
    """IResNet-50 of ArcFace: BN, conv, BN, PReLU, conv, BN in a block; 6.3 GMAC."""
    graph = Graph()
    tensor, channels = graph.activate(graph.normalise(graph.convolve("input", 3, 64, 3, 1), 64), 64), 64
    for after, blocks in ((64, 3), (128, 4), (256, 14), (512, 3)):
        for block in range(blocks):
            stride = 2 if block == 0 else 1
            shortcut = tensor
            if block == 0:
                shortcut = graph.normalise(graph.convolve(tensor, channels, after, 1, stride), after)
            inner = graph.convolve(graph.normalise(tensor, channels), channels, after, 3, 1)
            inner = graph.convolve(graph.activate(graph.normalise(inner, after), after), after, after, 3, stride)
            tensor, channels = graph.add("Add", [graph.normalise(inner, after), shortcut]), after
    return graph.embedder(graph.normalise(tensor, channels), channels * 7 * 7, "iresnet50")


def mobilefacenet() -> onnx.ModelProto:
    """MobileFaceNet as arcface_torch has it for small packs: twice as wide as the paper's; 0.44 GMAC."""
    graph = Graph()

    def block(
        tensor: str, before: int, after: int, side: int, stride: int, *, groups: int = 1, edge: int | None = None
    ) -> str:
        found = graph.convolve(tensor, before, after, side, stride, groups=groups, edge=edge)
        return graph.activate(graph.normalise(found, after), after)

    def bottleneck(tensor: str, before: int, after: int, inner: int, stride: int) -> str:
        tensor = block(block(tensor, before, inner, 1, 1), inner, inner, 3, stride, groups=inner)
        return graph.normalise(graph.convolve(tensor, inner, after, 1, 1), after)

    tensor = block(block("input", 3, 128, 3, 2), 128, 128, 3, 1, groups=64)
    channels = 128
    for after, inner, residual, blocks in ((128, 128, 128, 4), (256, 256, 256, 6), (256, 512, 256, 2)):
        tensor, channels = bottleneck(tensor, channels, after, inner, 2), after
        for _ in range(blocks):
            tensor = graph.add("Add", [tensor, bottleneck(tensor, channels, channels, residual, 1)])
    tensor = block(tensor, channels, 512, 1, 1)
    tensor = graph.normalise(graph.convolve(tensor, 512, 512, 7, 1, groups=512, edge=0), 512)
    return graph.embedder(tensor, 512, "mobilefacenet")
