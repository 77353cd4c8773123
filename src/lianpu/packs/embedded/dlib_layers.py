"""The layers of a dlib network file, read in order from input to output into plain records."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.embedded.dlib_stream import DlibStream

Weights = NDArray[np.float64]

_CONVOLUTION = "con_4"
_AFFINE = "affine_"
_BATCH_NORM = "bn_con2"
_RELU = "relu_"
_MAX_POOL = "max_pool_2"
_AVG_POOL = "avg_pool_2"
_ADD_PREVIOUS = "add_prev_"
_FULLY_CONNECTED = "fc_2"
_TAGS = (_CONVOLUTION, _AFFINE, _BATCH_NORM, _RELU, _MAX_POOL, _AVG_POOL, _ADD_PREVIOUS, _FULLY_CONNECTED)

_MAX_LAYERS = 1000
_MAX_CHANNELS = 4096
_MAX_SIDE = 64
_NO_BIAS = 1


@dataclass(frozen=True, slots=True)
class Convolution:
    """`weights` [out, in, rows, columns] float64, `bias` [out] float64; an affine that follows is folded in."""

    weights: Weights
    bias: Weights
    stride: tuple[int, int]
    padding: tuple[int, int]

    def folded(self, affine: "Affine") -> "Convolution":
        """This convolution and then `affine`, as one convolution."""
        # Damaged weights may overflow; whoever writes them refuses what is not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            weights = self.weights * affine.gamma[:, None, None, None]
            bias = self.bias * affine.gamma + affine.beta
        return Convolution(weights, bias, self.stride, self.padding)

    def on_raw_pixels(self, mean: Weights, scale: float) -> "Convolution":
        """This convolution made to take x where it took (x - mean) / scale; only exact where it does not pad."""
        weights = self.weights / scale
        return Convolution(weights, self.bias - np.einsum("oiyx,i->o", weights, mean), self.stride, self.padding)


@dataclass(frozen=True, slots=True)
class Affine:
    """y = gamma * x + beta, a channel each; [channels] float64."""

    gamma: Weights
    beta: Weights


@dataclass(frozen=True, slots=True)
class Relu:
    pass


@dataclass(frozen=True, slots=True)
class Pool:
    """`window` (0, 0) means the whole plane."""

    kind: str
    window: tuple[int, int]
    stride: tuple[int, int]


@dataclass(frozen=True, slots=True)
class AddPrevious:
    pass


@dataclass(frozen=True, slots=True)
class FullyConnected:
    """`weights` [inputs, outputs] float64, no bias."""

    weights: Weights


Layer = Convolution | Affine | Relu | Pool | AddPrevious | FullyConnected


@dataclass(frozen=True, slots=True)
class PixelInput:
    """RGB pixels 0…255 become (x - mean) / 256."""

    mean: Weights
    scale: float = 256.0


def read_input(stream: DlibStream, kind: str) -> PixelInput:
    """The nested headers of all layers, then the input layer `kind` and its mean colour."""
    # Every layer opens with its version, outermost first; 3 marks the one that holds the input.
    for _ in range(_MAX_LAYERS):
        version = stream.integer()
        stream.require(version in {1, 2, 3}, f"layer version {version}")
        if version == 3:
            break
    else:
        raise stream.damaged("no input layer")
    stream.tag(kind)
    return PixelInput(np.array(stream.reals(3)))


def read_layers(stream: DlibStream) -> Iterator[Layer]:
    """All layers up to the last byte of the file."""
    first = True
    while stream.remaining:
        yield _read_layer(stream)
        stream.booleans(3)
        for _ in range(3):
            stream.require(stream.tensor().size == 0, "training state, which a released network has not")
        if first:
            stream.expect(1, "the sample expansion factor")
            first = False


def _read_layer(stream: DlibStream) -> Layer:
    match stream.tag(*_TAGS):
        case "con_4":
            return _read_convolution(stream)
        case "affine_":
            return _read_affine(stream)
        case "bn_con2":
            return _read_batch_norm(stream)
        case "max_pool_2":
            return _read_pool(stream, "max")
        case "avg_pool_2":
            return _read_pool(stream, "average")
        case "add_prev_":
            return AddPrevious()
        case "fc_2":
            return _read_fully_connected(stream)
        case _:
            return Relu()


def _read_convolution(stream: DlibStream) -> Convolution:
    values = stream.tensor().ravel().astype(np.float64)
    filters, rows, columns = stream.count(_MAX_CHANNELS), stream.count(_MAX_SIDE), stream.count(_MAX_SIDE)
    stride = stream.count(_MAX_SIDE), stream.count(_MAX_SIDE)
    padding = stream.count(_MAX_SIDE), stream.count(_MAX_SIDE)
    shape = stream.alias_tensor()
    stream.require(filters * rows * columns * min(stride) > 0, "a convolution without size")
    stream.require(
        (shape[0], *shape[2:]) == (filters, rows, columns)
        and shape[1] * filters * rows * columns == values.size - filters,
        f"a convolution of {values.size} parameters for shape {shape}",
    )
    stream.require(stream.alias_tensor() == (1, filters, 1, 1), "a convolution without biases")
    stream.reals(4)
    return Convolution(values[:-filters].reshape(shape), values[-filters:], stride, padding)


def _read_scale_and_shift(stream: DlibStream) -> Affine:
    values = stream.tensor().ravel().astype(np.float64)
    channels = values.size // 2
    stream.require(channels > 0 and values.size % 2 == 0, "a scale without a shift")
    for _ in range(2):
        stream.require(stream.alias_tensor() == (1, channels, 1, 1), "a scale of another shape")
    return Affine(values[:channels], values[channels:])


def _read_affine(stream: DlibStream) -> Affine:
    affine = _read_scale_and_shift(stream)
    stream.expect(0, "the affine mode")
    return affine


def _read_batch_norm(stream: DlibStream) -> Affine:
    trained = _read_scale_and_shift(stream)
    # Batch means and inverse deviations of the last training step: inference uses the running ones.
    stream.tensor()
    stream.tensor()
    mean, variance = (stream.tensor().ravel().astype(np.float64) for _ in range(2))
    stream.require(mean.size == variance.size == trained.gamma.size, "running statistics of another size")
    stream.integer()
    stream.integer()
    *_, epsilon = stream.reals(5)
    stream.require(epsilon > 0 and bool((variance >= 0).all()), "a negative variance")
    with np.errstate(over="ignore", invalid="ignore"):
        gamma = trained.gamma / np.sqrt(variance + epsilon)
        return Affine(gamma, trained.beta - gamma * mean)


def _read_pool(stream: DlibStream, kind: str) -> Pool:
    window = stream.count(_MAX_SIDE), stream.count(_MAX_SIDE)
    stride = stream.count(_MAX_SIDE), stream.count(_MAX_SIDE)
    stream.require(min(stride) > 0 and (kind == "average" or min(window) > 0), "a pool without size")
    stream.expect(0, "pool padding")
    stream.expect(0, "pool padding")
    return Pool(kind, window, stride)


def _read_fully_connected(stream: DlibStream) -> FullyConnected:
    outputs, inputs = stream.count(_MAX_CHANNELS), stream.count(_MAX_CHANNELS)
    weights = stream.tensor().astype(np.float64)
    stream.require(weights.shape == (inputs, outputs, 1, 1), f"weights of shape {weights.shape}")
    stream.alias_tensor()
    stream.alias_tensor()
    stream.expect(_NO_BIAS, "the bias mode")
    stream.reals(4)
    return FullyConnected(weights[:, :, 0, 0])
