"""PyTorch networks by their weights: which architecture it is, and what a pack may use it for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lianpu.errors import WeightsUnusableError
from lianpu.packs.manifest import Role
from lianpu.packs.pytorch.libraries import Libraries
from lianpu.packs.pytorch.weights_file import StateDict
from lianpu.runtime.conversion import first_line

_RGB = 3
_SCALES = range(2, 9)
_RESTORER_SIDE_PX = 512
# spandrel feeds GFPGAN 0…1, which is not what it was trained with, and lets noise differ from run to run.
_RESTORERS: dict[str, Callable[[Any, Any], Any]] = {
    "GFPGAN": lambda model, image: model(image, return_rgb=False, randomize_noise=False)[0],
    "RestoreFormer": lambda model, image: model(image)[0],
}
"""The architectures of restorers, and how each is called: RGB, -1…1, 512 pixels a side, both ways."""


@dataclass(frozen=True, slots=True)
class TorchNetwork:
    """A network that takes and gives what a pack's network does: see `lianpu.engines.restore.networks`."""

    architecture: str
    """Its name, for people."""
    role: Role
    module: Any
    """A `torch.nn.Module` of one image, float32 [1, 3, h, w]."""
    side_px: int | None
    """Of the one square that it takes; None: any size whose sides are multiples of 16."""
    scale: int


def recognise_weights(state_dict: StateDict, origin: str, libraries: Libraries) -> TorchNetwork:
    """
    Raises:
        WeightsUnusableError: spandrel does not know the architecture, the weights do not fit it, or no pack of Lianpu
            may hold such a network.
    """
    try:
        found = libraries.spandrel.ModelLoader().load_from_state_dict(state_dict)
    except libraries.spandrel.UnsupportedModelError as error:
        raise WeightsUnusableError(
            f"{origin} holds weights of an architecture that spandrel {libraries.spandrel.__version__} does not know."
        ) from error
    except Exception as error:  # sizes are deduced from names and shapes, which may be anything
        raise WeightsUnusableError(
            f"{origin} holds weights that do not fit their architecture: {first_line(error)}"
        ) from error
    found.eval()
    name, purpose = str(found.architecture.name), str(found.purpose)
    channels = (found.input_channels, found.output_channels)
    if found.architecture.id in _RESTORERS:
        call = _RESTORERS[found.architecture.id]
        module = _called(found.model, lambda image: call(found.model, image), libraries)
        return TorchNetwork(name, Role.RESTORER, module, _RESTORER_SIDE_PX, 1)
    if purpose == "SR" and channels == (_RGB, _RGB) and found.scale in _SCALES:
        return TorchNetwork(name, Role.UPSCALER, _called(found.model, found, libraries), None, int(found.scale))
    raise WeightsUnusableError(
        f"{origin} holds a network of the architecture {name} ({purpose}, scale {found.scale}, {channels[0]} channels "
        f"in and {channels[1]} out). Packs hold restorers of faces ({', '.join(_RESTORERS)}) and upscalers of RGB "
        f"images by {_SCALES[0]} to {_SCALES[-1]}."
    )


def _called(model: Any, call: Callable[[Any], Any], libraries: Libraries) -> Any:
    """A module that gives what `call` gives; `model` is what holds the weights."""

    class Called(libraries.torch.nn.Module):
        def forward(self, image: Any) -> Any:
            return call(image)

    module: Any = Called()
    module.model = model
    return module.eval()
