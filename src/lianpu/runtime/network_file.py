"""What an ONNX file declares, read without running anything of it: inputs, outputs, files that hold its weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lianpu.errors import PackDamagedError
from lianpu.runtime.session import TensorSpec


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A graph's face to the world."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    external_files: tuple[str, ...]
    """Locations of weights outside of the file, as it names them: untrusted, relative to its folder."""


def read_network_file(path: Path) -> NetworkFile:
    """Read the graph; files with external weights are not opened.

    Raises:
        PackDamagedError: the file is missing, cannot be read or is no ONNX graph.
    """
    # Half a second to import, and only new files need it.
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model: Any = onnx.ModelProto.FromString(path.read_bytes())
    except FileNotFoundError as error:
        raise PackDamagedError(f"{path.name} is missing") from error
    except (DecodeError, OSError, ValueError, MemoryError) as error:
        raise PackDamagedError(f"{path.name} is no ONNX network that can be read") from error
    if not model.graph.node:
        raise PackDamagedError(f"{path.name} is no ONNX network: it has no graph")
    weights = {tensor.name for tensor in model.graph.initializer}
    kinds: Any = onnx.helper
    return NetworkFile(
        # Old files list their weights among the inputs.
        inputs=tuple(_spec(value, kinds) for value in model.graph.input if value.name not in weights),
        outputs=tuple(_spec(value, kinds) for value in model.graph.output),
        external_files=tuple(dict.fromkeys(_external_files(model, onnx.TensorProto.EXTERNAL))),
    )


def _spec(value: Any, kinds: Any) -> TensorSpec:
    tensor = value.type.tensor_type
    shape = tuple(
        axis.dim_value if axis.HasField("dim_value") and axis.dim_value >= 0 else None for axis in tensor.shape.dim
    )
    try:
        dtype = str(kinds.tensor_dtype_to_np_dtype(tensor.elem_type))
    except KeyError:
        dtype = "unknown"
    return TensorSpec(str(value.name), dtype, shape)


def _external_files(message: Any, external: int) -> Iterator[str]:
    """Every tensor wherever it hides: subgraphs, attributes, sparse tensors, functions."""
    from google.protobuf.message import Message

    pending = [message]
    while pending:
        current = pending.pop()
        if current.DESCRIPTOR.name == "TensorProto":
            if current.data_location == external:
                entries = {entry.key: entry.value for entry in current.external_data}
                yield entries.get("location", "")
            continue
        for field, value in current.ListFields():
            if field.message_type is not None:
                pending.extend([value] if isinstance(value, Message) else value)
