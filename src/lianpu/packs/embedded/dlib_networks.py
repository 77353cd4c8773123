"""dlib's two face networks as ONNX graphs: the 128-d embedder and the MMOD detector's score map."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lianpu.packs.embedded.dlib_layers import (
    AddPrevious,
    Affine,
    Convolution,
    FullyConnected,
    Layer,
    Pool,
    Relu,
    read_input,
    read_layers,
)
from lianpu.packs.embedded.dlib_stream import DlibStream
from lianpu.packs.embedded.onnx_graph import OnnxGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

CHIP_PX = 150
"""Side of the aligned chip the embedder takes."""
DIMENSION = 128
WINDOW_PX = 80
"""Side of the detector's window: the smallest face it finds on an image that is not enlarged."""

Shape = tuple[int, int, int]
"""Channels, rows, columns."""


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """Non-maximum suppression as the detector was trained: drop a box where either number is exceeded."""

    iou_threshold: float
    """Intersection over the area of the rectangle around both boxes."""
    covered_threshold: float
    """Intersection over either box's own area; 1 never drops."""


def embedder_to_onnx(data: bytes, origin: str) -> bytes:
    """Translate `dlib_face_recognition_resnet_model_v1.dat`.

    Args:
        data: the file's bytes.
        origin: its name, for messages.

    Returns:
        A serialised ONNX model: input `chips` float32 [N, 3, 150, 150], RGB, 0…255; output `embeddings`
        float32 [N, 128], not normalised. Normalisation and every affine layer are folded into convolutions.

    Raises:
        PackDamagedError: the bytes are not that network.
    """
    stream = DlibStream(data, origin)
    stream.expect(1, "the file's version")
    stream.tag("loss_metric_2")
    stream.reals(2)
    pixels = read_input(stream, "input_rgb_image_sized")
    stream.expect(CHIP_PX, "the chip's height")
    stream.expect(CHIP_PX, "the chip's width")
    layers = _fold(list(read_layers(stream)))
    if not layers or not isinstance(layers[0], Convolution) or layers[0].padding != (0, 0):
        raise stream.damaged("a first layer that is no unpadded convolution")
    layers[0] = layers[0].on_raw_pixels(pixels.mean, pixels.scale)
    return _EmbedderBuilder(stream).build(layers)


def detector_to_onnx(data: bytes, origin: str) -> tuple[bytes, DetectorOptions]:
    """Translate `mmod_human_face_detector.dat`.

    Returns:
        A serialised ONNX model, and the options of its header. Input `images` float32 [N, 3, H, W], RGB, 0…255,
        any size from 29x29; output `scores` float32 [N, 1, h, w]: cell (row, column) scores the 80x80 window
        whose centre is the pixel (8*column + 14, 8*row + 14); above 0 is a face.

    Raises:
        PackDamagedError: the bytes are not that network.
    """
    stream = DlibStream(data, origin)
    stream.expect(1, "the file's version")
    stream.tag("loss_mmod_")
    stream.expect(1, "the options' version")
    stream.expect(WINDOW_PX, "the window's width")
    stream.expect(WINDOW_PX, "the window's height")
    *_, iou_threshold, covered_threshold, _, _ = stream.reals(7)
    stream.require(0 < iou_threshold <= 1 and 0 < covered_threshold <= 1, "thresholds outside 0…1")
    pixels = read_input(stream, "input_rgb_image_pyramid")
    layers = _fold(list(read_layers(stream)))
    convolutions = [layer for layer in layers[::2] if isinstance(layer, Convolution)]
    between = [layer for layer in layers[1::2] if isinstance(layer, Relu)]
    stream.require(len(convolutions) + len(between) == len(layers), "layers in another order")
    expected = [(5, 2, 0)] * 3 + [(5, 1, 2)] * 3 + [(9, 1, 4)]
    found = [(c.weights.shape[2], c.stride[0], c.padding[0]) for c in convolutions]
    # The mapping of cells to pixels above holds for these kernels, strides and paddings alone.
    stream.require(found == expected, f"convolutions {found}")
    convolutions[0] = convolutions[0].on_raw_pixels(pixels.mean, pixels.scale)
    graph = OnnxGraph("images", ("N", 3, "H", "W"))
    last = len(convolutions) - 1
    channels = 3
    for index, convolution in enumerate(convolutions):
        stream.require(convolution.weights.shape[1] == channels, "channels that do not fit")
        graph.convolution(convolution)
        if index < last:
            graph.relu()
        channels = len(convolution.bias)
    stream.require(channels == 1, "more than one score a cell")
    return graph.serialise("scores", ("N", 1, "h", "w")), DetectorOptions(iou_threshold, covered_threshold)


def _fold(layers: "Sequence[Layer]") -> list[Layer]:
    """Fold each affine layer into the convolution right before it."""
    folded: list[Layer] = []
    for layer in layers:
        previous = folded[-1] if folded else None
        if isinstance(layer, Affine) and isinstance(previous, Convolution) and len(layer.gamma) == len(previous.bias):
            folded[-1] = previous.folded(layer)
        else:
            folded.append(layer)
    return folded


class _EmbedderBuilder:
    """Stem, residual blocks, head; the sizes are known (a chip is 150x150), so every padding is a constant."""

    def __init__(self, stream: DlibStream) -> None:
        self._stream = stream
        self._graph = OnnxGraph("chips", ("N", 3, CHIP_PX, CHIP_PX))
        self._shape: Shape = (3, CHIP_PX, CHIP_PX)
        self._skip = self._graph.last
        self._skip_shape = self._shape

    def build(self, layers: "Sequence[Layer]") -> bytes:
        depth = 0
        for index, layer in enumerate(layers):
            match layer:
                case Convolution():
                    self._convolve(layer)
                case Relu():
                    self._graph.relu()
                case Pool(window=(0, 0)):
                    self._graph.global_average()
                    self._shape = (self._shape[0], 1, 1)
                case Pool(kind="max"):
                    self._graph.last, self._shape = self._pooled(layer, self._graph.last, self._shape)
                case Pool():
                    self._skip, self._skip_shape = self._pooled(layer, self._skip, self._skip_shape)
                case AddPrevious():
                    self._add()
                case FullyConnected():
                    self._stream.require(layer.weights.shape == (self._shape[0], DIMENSION), "a head of another size")
                    self._graph.dense(layer.weights)
                case _:
                    raise self._stream.damaged("an affine layer without a convolution")
            depth += isinstance(layer, AddPrevious)
            # A block's input is what the stem's pool or the block before it gave.
            before = layers[index - 1] if index else None
            if (isinstance(layer, Pool) and layer.kind == "max") or isinstance(before, AddPrevious):
                self._skip, self._skip_shape = self._graph.last, self._shape
        self._stream.require(depth == 14 and isinstance(layers[-1], FullyConnected), f"{depth} residual blocks")
        return self._graph.serialise("embeddings", ("N", DIMENSION))

    def _convolve(self, layer: Convolution) -> None:
        filters, inputs, *kernel = layer.weights.shape
        channels, *sides = self._shape
        self._stream.require(inputs == channels, "channels that do not fit")
        rows, columns = (
            (side + 2 * pad - size) // stride + 1
            for side, pad, size, stride in zip(sides, layer.padding, kernel, layer.stride, strict=True)
        )
        self._stream.require(min(rows, columns) > 0, "a kernel larger than its plane")
        self._graph.convolution(layer)
        self._shape = (filters, rows, columns)

    def _pooled(self, layer: Pool, source: str, shape: Shape) -> tuple[str, Shape]:
        rows, columns = (
            (side - size) // stride + 1
            for side, size, stride in zip(shape[1:], layer.window, layer.stride, strict=True)
        )
        self._stream.require(min(rows, columns) > 0, "a pool larger than its plane")
        return self._graph.pool(layer, source), (shape[0], rows, columns)

    def _add(self) -> None:
        channels, rows, columns = (max(pair) for pair in zip(self._shape, self._skip_shape, strict=True))
        target: Shape = (channels, rows, columns)
        main, skip = (
            self._padded(self._graph.last, self._shape, target),
            self._padded(self._skip, self._skip_shape, target),
        )
        self._graph.add(main, skip)
        self._shape = target

    def _padded(self, source: str, shape: Shape, target: Shape) -> str:
        missing = np.subtract(target, shape)
        return self._graph.pad_end(source, (0, *(int(size) for size in missing))) if missing.any() else source
