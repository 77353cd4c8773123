"""Networks that give back an image: which input is the image, which a weight, which output is the result."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.runtime.session import Session, TensorSpec

_FLOATS = {"float16", "float32", "float64"}
_CHANNELS = 3
# A multiple of the windows of every attention network in use (8, 16), and quick for the others.
_PROBE_PX = 32
_MAX_SCALE = 8


@dataclass(frozen=True, slots=True)
class ImageBinding:
    """How a network is fed and read. Exports of one network name their tensors differently: ranks and types tell."""

    image: TensorSpec
    weight: TensorSpec | None
    """A second input of one number, such as CodeFormer's fidelity."""
    output: int
    """Place of the resulting image among the outputs."""

    def run(self, session: Session, planes: NDArray[np.float32], weight: float = 0.5) -> NDArray[np.float32]:
        """[n, 3, h, w] to [n, 3, h', w']; `weight` goes to the second input, where there is one."""
        feeds: dict[str, NDArray[np.generic]] = {self.image.name: planes}
        if self.weight is not None:
            feeds[self.weight.name] = np.full([1] * len(self.weight.shape), weight, np.float64)
        return session.run(feeds)[self.output]


def bind_image_network(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> ImageBinding | None:
    """The image is the only input of rank 4 and three channels, the result the first such output.

    None: another kind of network. A weight is the only other input, of at most one axis and one number.
    """
    images = [spec for spec in inputs if _is_image(spec)]
    others = [spec for spec in inputs if not _is_image(spec)]
    if len(images) != 1 or len(others) > 1 or not all(_is_weight(spec) for spec in others):
        return None
    results = [place for place, spec in enumerate(outputs) if _is_image(spec)]
    if not results:
        return None
    # Known channels before open ones: some exports give feature maps as well.
    results.sort(key=lambda place: outputs[place].shape[1] is None)
    return ImageBinding(images[0], others[0] if others else None, results[0])


def square_side(binding: ImageBinding) -> int | None:
    """Side of the one square size that the network takes; None: it takes others."""
    height, width = binding.image.shape[2:]
    return height if height is not None and height == width else None


def measure_scale(binding: ImageBinding, session: Session) -> int | None:
    """How many times the width and height a network gives, found by running it once; None: no whole number 1…8.

    Raises:
        PackError: it does not run.
    """
    height, width = (axis or _PROBE_PX for axis in binding.image.shape[2:])
    noise = np.random.default_rng(1).uniform(0, 1, (1, _CHANNELS, height, width)).astype(np.float32)
    shape = binding.run(session, noise).shape
    scale = shape[2] // height
    return scale if 1 <= scale <= _MAX_SCALE and shape == (1, _CHANNELS, height * scale, width * scale) else None


def _is_image(spec: TensorSpec) -> bool:
    return len(spec.shape) == 4 and spec.shape[1] in {_CHANNELS, None} and spec.dtype in _FLOATS


def _is_weight(spec: TensorSpec) -> bool:
    return len(spec.shape) <= 1 and spec.dtype in _FLOATS and all(axis in {1, None} for axis in spec.shape)
