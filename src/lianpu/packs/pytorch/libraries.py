"""What converts weights: torch and spandrel, which the extra `convert` brings."""

import importlib
from dataclasses import dataclass
from typing import Any

from lianpu.errors import ConverterMissingError

# torch.onnx exports by onnxscript, which torch itself does not bring.
_MODULES = ("torch", "spandrel", "safetensors.torch", "onnxscript")


@dataclass(frozen=True, slots=True)
class Libraries:
    """The modules, untyped: whoever checks types need not have them."""

    torch: Any
    spandrel: Any
    safetensors: Any


def import_libraries() -> Libraries:
    """Takes seconds.

    Raises:
        ConverterMissingError: one of them is not installed, or does not load.
    """
    try:
        torch, spandrel, safetensors, _ = (importlib.import_module(name) for name in _MODULES)
    except (ImportError, OSError) as error:  # OSError: a library of the system that torch looks for
        raise ConverterMissingError(
            f"Converting weights needs torch and spandrel, which are not installed or do not load ({error}): "
            "pip install 'lianpu[convert]', or in a checkout uv sync --inexact --no-dev --extra convert; "
            "they take some gigabytes."
        ) from error
    return Libraries(torch, spandrel, safetensors)
