"""Translates an ncnn network that enlarges images, graph and weights, to ONNX."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lianpu.errors import PackDamagedError
from lianpu.packs.embedded.ncnn_param import NcnnLayer, parse_param
from lianpu.packs.embedded.ncnn_weights import NcnnWeights
from lianpu.packs.embedded.onnx_graph import OnnxGraph

INPUT, OUTPUT = "pixels", "enlarged"
_CHANNELS = 3
_MAX_CHANNELS = 4096
_MAX_KERNEL = 31
_NO_ACTIVATION, _RELU, _LEAKY_RELU = 0, 1, 2
_SUM = 1


@dataclass(frozen=True, slots=True)
class _Tensor:
    """What an ncnn tensor became."""

    name: str
    channels: int


def enlarger_to_onnx(param: str, weights: bytes, origin: str) -> bytes:
    """An ONNX network from [n, 3, h, w] to [n, 3, scale·h, scale·w], float32, RGB as the original takes and gives it.

    Args:
        param: text of the `.param` file.
        weights: the `.bin` file.
        origin: names both in errors.

    Raises:
        PackDamagedError: a file is damaged, the two do not fit each other, or a layer is of a kind that is not known.
    """
    layers = parse_param(param, origin)
    reader = NcnnWeights(weights, origin)
    graph = OnnxGraph(INPUT, ("n", _CHANNELS, "h", "w"))
    tensors: dict[str, _Tensor] = {}
    for layer in layers:
        translate = _TRANSLATIONS.get(layer.kind)
        if translate is None:
            raise layer.damaged("there is no translation of this kind of layer")
        result = translate(graph, layer, [tensors[name] for name in layer.inputs], reader)
        if len(layer.outputs) != 1 and layer.kind != "Split":
            raise layer.damaged("it gives other than one tensor")
        tensors.update(dict.fromkeys(layer.outputs, result))
    reader.finish()
    taken = {name for layer in layers for name in layer.inputs}
    results = [tensors[name] for name in layers[-1].outputs]
    if len(tensors.keys() - taken) != 1 or not results or results[0].channels != _CHANNELS or len(layers) < 2:
        raise PackDamagedError(f"{origin} gives no image of three channels at its end")
    return graph.serialise(OUTPUT, ("n", _CHANNELS, "H", "W"))


def _input(_graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], _reader: NcnnWeights) -> _Tensor:
    layer.only()
    _count(layer, inputs, 0)
    return _Tensor(INPUT, _CHANNELS)


def _split(_graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], _reader: NcnnWeights) -> _Tensor:
    layer.only()
    return _count(layer, inputs, 1)


def _convolution(graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], reader: NcnnWeights) -> _Tensor:
    layer.only(0, 1, 4, 5, 6, 9, 10)
    source = _count(layer, inputs, 1)
    filters, side, padding = layer.integer(0, 0), layer.integer(1, 0), layer.integer(4, 0)
    numbers = filters * side * side * source.channels
    if not (1 <= filters <= _MAX_CHANNELS and 1 <= side <= _MAX_KERNEL and 0 <= padding <= _MAX_KERNEL):
        raise layer.damaged(f"{filters} filters of {side}x{side} pixels, padded by {padding}")
    if layer.integer(6, 0) != numbers:
        raise layer.damaged(f"{layer.integer(6, 0)} weights instead of {numbers}")
    weights = reader.tagged(numbers).reshape(filters, source.channels, side, side)
    bias = reader.plain(filters) if layer.integer(5, 0) else np.zeros(filters, np.float32)
    name = graph.node(
        "Conv",
        [source.name, graph.constant(weights), graph.constant(bias)],
        kernel_shape=(side, side),
        pads=[padding] * 4,
    )
    return _Tensor(_activated(graph, layer, name), filters)


def _activated(graph: OnnxGraph, layer: NcnnLayer, name: str) -> str:
    kind = layer.integer(9, _NO_ACTIVATION)
    slopes = layer.lists.get(10, ())
    if kind == _LEAKY_RELU and len(slopes) == 1:
        return graph.node("LeakyRelu", [name], alpha=float(slopes[0]))
    if kind == _RELU and not slopes:
        return graph.node("Relu", [name])
    if kind != _NO_ACTIVATION or slopes:
        raise layer.damaged(f"activation {kind} with {len(slopes)} numbers")
    return name


def _prelu(graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], reader: NcnnWeights) -> _Tensor:
    layer.only(0)
    source = _count(layer, inputs, 1)
    if layer.integer(0, 0) != source.channels:
        raise layer.damaged(f"{layer.integer(0, 0)} slopes of {source.channels} channels")
    slopes = reader.plain(source.channels).reshape(-1, 1, 1)
    return _Tensor(graph.node("PRelu", [source.name, graph.constant(slopes)]), source.channels)


def _concat(graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], _reader: NcnnWeights) -> _Tensor:
    layer.only(0)
    if layer.integer(0, 0) != 0 or not inputs:
        raise layer.damaged("only channels can be joined")
    channels = sum(source.channels for source in inputs)
    if channels > _MAX_CHANNELS:
        raise layer.damaged(f"{channels} channels")
    return _Tensor(graph.node("Concat", [source.name for source in inputs], axis=1), channels)


def _eltwise(graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], _reader: NcnnWeights) -> _Tensor:
    layer.only(0, 1)
    first, second = _pair(layer, inputs)
    factors = layer.lists.get(1, (1, 1))
    if layer.integer(0, 0) != _SUM or len(factors) != 2:
        raise layer.damaged("only a weighted sum of two tensors is supported")
    parts = [
        source.name if factor == 1 else graph.node("Mul", [source.name, graph.constant(np.array(factor))])
        for source, factor in zip((first, second), factors, strict=True)
    ]
    return _Tensor(graph.node("Add", parts), first.channels)


def _binary(graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], _reader: NcnnWeights) -> _Tensor:
    layer.only(0)
    first, second = _pair(layer, inputs)
    if layer.integer(0, 0) != 0:
        raise layer.damaged("only addition is supported")
    return _Tensor(graph.node("Add", [first.name, second.name]), first.channels)


def _interp(graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], _reader: NcnnWeights) -> _Tensor:
    layer.only(0, 1, 2)
    source = _count(layer, inputs, 1)
    down, across = layer.number(1, 1), layer.number(2, 1)
    if not (1 / 16 <= down <= 16 and 1 / 16 <= across <= 16):
        raise layer.damaged(f"scales {down} and {across}")
    scales = graph.constant(np.array([1, 1, down, across]))
    operands = [source.name, "", scales]
    match layer.integer(0, 0):
        case 1:
            name = graph.node(
                "Resize",
                operands,
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        case 3:
            name = graph.node(
                "Resize", operands, mode="cubic", coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75
            )
        case kind:
            raise layer.damaged(f"interpolation {kind}")
    return _Tensor(name, source.channels)


def _pixel_shuffle(graph: OnnxGraph, layer: NcnnLayer, inputs: list[_Tensor], _reader: NcnnWeights) -> _Tensor:
    layer.only(0)
    source = _count(layer, inputs, 1)
    factor = layer.integer(0, 1)
    if not 1 <= factor <= 16 or source.channels % factor**2:
        raise layer.damaged(f"{source.channels} channels cannot be spread over {factor}x{factor} pixels")
    name = graph.node("DepthToSpace", [source.name], blocksize=factor, mode="CRD")
    return _Tensor(name, source.channels // factor**2)


def _count(layer: NcnnLayer, inputs: list[_Tensor], count: int) -> _Tensor:
    """The first of exactly so many inputs."""
    if len(inputs) != count:
        raise layer.damaged(f"{len(inputs)} inputs instead of {count}")
    return inputs[0] if inputs else _Tensor("", 0)


def _pair(layer: NcnnLayer, inputs: list[_Tensor]) -> tuple[_Tensor, _Tensor]:
    _count(layer, inputs, 2)
    first, second = inputs
    if first.channels != second.channels:
        raise layer.damaged(f"{first.channels} and {second.channels} channels")
    return first, second


_Translation = Callable[[OnnxGraph, NcnnLayer, list[_Tensor], NcnnWeights], _Tensor]
_TRANSLATIONS: Mapping[str, _Translation] = {
    "Input": _input,
    "Split": _split,
    "Convolution": _convolution,
    "PReLU": _prelu,
    "Concat": _concat,
    "Eltwise": _eltwise,
    "BinaryOp": _binary,
    "Interp": _interp,
    "PixelShuffle": _pixel_shuffle,
}
