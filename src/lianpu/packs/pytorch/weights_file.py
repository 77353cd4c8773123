"""Files of PyTorch's weights: which format it is, and the tensors, without running any code of theirs."""

import json
import pickle
import zipfile
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from lianpu.errors import WeightsUnusableError
from lianpu.packs.pytorch.libraries import Libraries
from lianpu.runtime.conversion import first_line

# What torch.save wrote before it wrote zip archives began with this number, as a pickle of its own.
_LEGACY_BEGINNING = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
_ARCHIVE_BEGINNING = b"PK\x03\x04"
# Before safetensors' header in JSON.
_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 100_000_000

StateDict = dict[str, Any]
"""Tensors by name, perhaps inside further dictionaries."""


class WeightsFormat(StrEnum):
    PICKLE = "pickle"
    """Of torch.save (`.pth`, `.pt`, `.ckpt`)."""
    SAFETENSORS = "safetensors"


def weights_format(weights: Path) -> WeightsFormat:
    """Told by the content; nothing is unpickled.

    Raises:
        WeightsUnusableError: there is no such file, it cannot be read, or it is something else.
    """
    try:
        with weights.open("rb") as stream:
            beginning = stream.read(max(_LENGTH_BYTES, len(_LEGACY_BEGINNING)))
            header_bytes = int.from_bytes(beginning[:_LENGTH_BYTES], "little")
            if beginning == _LEGACY_BEGINNING:
                return WeightsFormat.PICKLE
            if zipfile.is_zipfile(stream):
                return _archive_format(weights)
            if beginning.startswith(_ARCHIVE_BEGINNING):
                raise WeightsUnusableError(f"{weights.name} is damaged or was cut short.")
            stream.seek(_LENGTH_BYTES)
            if 1 < header_bytes < _MAX_HEADER_BYTES and _is_json_object(stream.read(header_bytes)):
                return WeightsFormat.SAFETENSORS
    except FileNotFoundError as error:
        raise WeightsUnusableError(f"There is no file {weights}.") from error
    except OSError as error:
        raise WeightsUnusableError(f"{weights} cannot be read: {error.strerror or error}.") from error
    raise WeightsUnusableError(
        f"{weights.name} holds no weights: neither what torch.save writes (.pth, .pt, .ckpt) nor safetensors."
    )


def read_state_dict(weights: Path, libraries: Libraries) -> StateDict:
    """All tensors of a file, in the memory of the CPU.

    Raises:
        WeightsUnusableError: as `weights_format`; or the file is damaged, would run code of its own, or holds something
            else than named tensors.
    """
    file_format = weights_format(weights)
    try:
        if file_format is WeightsFormat.SAFETENSORS:
            content = libraries.safetensors.load_file(weights, device="cpu")
        else:
            content = libraries.torch.load(weights, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsUnusableError(
            f"{weights.name} holds more than tensors and is not read: it may run code of its own ({_refused(error)})."
        ) from error
    except Exception as error:  # of a damaged file both libraries raise what they happen to stumble over
        raise WeightsUnusableError(f"{weights.name} is damaged or was cut short: {first_line(error)}") from error
    if not isinstance(content, dict) or not content:
        raise WeightsUnusableError(f"{weights.name} holds no tensors by name.")
    named = cast(dict[object, Any], content)
    if not all(isinstance(name, str) for name in named):
        raise WeightsUnusableError(f"{weights.name} holds tensors by other things than names.")
    return cast(StateDict, named)


def _archive_format(weights: Path) -> WeightsFormat:
    try:
        with zipfile.ZipFile(weights) as archive:
            parts = {name.rpartition("/")[2] for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise WeightsUnusableError(f"{weights.name} is damaged or was cut short: {error}.") from error
    if "constants.pkl" in parts:
        raise WeightsUnusableError(
            f"{weights.name} is a TorchScript program, not weights; what it would run cannot be told."
        )
    if "data.pkl" not in parts:
        raise WeightsUnusableError(f"{weights.name} is a zip archive that torch.save did not write.")
    return WeightsFormat.PICKLE


def _is_json_object(header: bytes) -> bool:
    try:
        return isinstance(json.loads(header), dict)
    except ValueError:
        return False


def _refused(error: pickle.UnpicklingError) -> str:
    """The line of torch's long advice that says what was found."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if "GLOBAL" in line or "Unsupported" in line), lines[0] if lines else "")
