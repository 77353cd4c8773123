"""PyTorch networks become ONNX files, and what both answer is compared."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import ConversionFailedError, PackError
from lianpu.packs.image_networks import bind_image_network, square_side
from lianpu.packs.manifest import Role
from lianpu.packs.pytorch.libraries import Libraries
from lianpu.packs.pytorch.network import TorchNetwork
from lianpu.runtime.conversion import first_line
from lianpu.runtime.session import Session

TOLERANCE = 0.25
"""Greatest difference that is allowed, in steps of an 8-bit channel."""
_STEPS = 255
# Width and height differ, so that they are not taken for each other.
_EXAMPLE_PX = (48, 64)
# Neither is the example's, and none fits windows of every kind: what was frozen at the export shows.
_COMPARED_PX = ((32, 48), (80, 112))


def export_network(network: TorchNetwork, target: Path, libraries: Libraries) -> None:
    """Write the network as ONNX, input `image`, output `result`; weights in the same file.

    Raises:
        ConversionFailedError: it cannot be exported.
    """
    axis = libraries.torch.export.Dim.DYNAMIC
    shapes = None if network.side_px else {"image": {2: axis, 3: axis}}
    height, width = (network.side_px, network.side_px) if network.side_px else _EXAMPLE_PX
    try:
        program = libraries.torch.onnx.export(
            network.module,
            (libraries.torch.zeros(1, 3, height, width),),
            input_names=["image"],
            output_names=["result"],
            dynamic_shapes=shapes,
            verbose=False,
        )
        program.save(target, external_data=False)
    except Exception as error:  # whatever the network's code and the exporter happen to raise
        raise ConversionFailedError(
            f"{network.architecture} cannot be exported to ONNX{_advice(network)}: {first_line(error)}"
        ) from error


def compare_network(network: TorchNetwork, exported: Path, session: Session, libraries: Libraries) -> float:
    """Show both noise; the largest difference in steps of an 8-bit channel, at most `TOLERANCE`.

    Raises:
        ConversionFailedError: the ONNX file is not of the contract or does not run, or answers differ.
    """
    binding = bind_image_network(session.inputs, session.outputs)
    if binding is None or binding.weight is not None or square_side(binding) != network.side_px:
        raise ConversionFailedError(f"{exported.name} does not take and give images as {network.architecture} does.")
    lowest, highest = (-1.0, 1.0) if network.role is Role.RESTORER else (0.0, 1.0)
    generator = np.random.default_rng(1)
    largest = 0.0
    for height, width in ((network.side_px, network.side_px),) if network.side_px else _COMPARED_PX:
        image = generator.uniform(lowest, highest, (1, 3, height, width)).astype(np.float32)
        with libraries.torch.inference_mode():
            expected: NDArray[np.float32] = network.module(libraries.torch.from_numpy(image)).numpy()
        try:
            found = binding.run(session, image)
        except PackError as error:
            raise ConversionFailedError(
                f"{network.architecture} became a network that does not take {width}x{height} pixels"
                f"{_advice(network)}: {error.detail}"
            ) from error
        if found.shape != expected.shape or not np.isfinite(expected).all():
            raise ConversionFailedError(
                f"{network.architecture} gives no picture: {list(expected.shape)} in PyTorch, {list(found.shape)} in "
                "ONNX, or numbers that are not finite."
            )
        # A value that is not finite in the file alone makes the comparison below fail as it should.
        difference = float(np.abs(found - expected).max() / (highest - lowest) * _STEPS)
        if not difference <= TOLERANCE:
            raise ConversionFailedError(
                f"{exported.name} differs from {network.architecture} in PyTorch by {difference:.3g} of {_STEPS} steps "
                f"at {width}x{height} pixels (allowed: {TOLERANCE}){_advice(network)}."
            )
        largest = max(largest, difference)
    return largest


def _advice(network: TorchNetwork) -> str:
    """What helps where a network cannot be had for pictures of every size."""
    return "" if network.side_px else "; tiles of one size may do: --tile 128"
