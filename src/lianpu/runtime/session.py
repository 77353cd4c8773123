"""The runtime port: what an engine may ask of a loaded network, whatever runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, element type (`float32`, `uint8` …) and shape of a graph input or output; None marks a dynamic axis."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


class Session(Protocol):
    """One loaded network. `run` may be called from several threads at once and releases the GIL."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def provider(self) -> str:
        """The execution provider that runs the network, such as `CPUExecutionProvider`."""
        ...

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> list[NDArray[np.float32]]:
        """Outputs in graph order."""
        ...


class SessionFactory(Protocol):
    """Makes sessions; every engine is handed one and loads its file through it."""

    def open(self, model: Path, *, may_round: bool = False) -> Session:
        """Load an ONNX file.

        Args:
            may_round: the engine's answers stay good where numbers are rounded to bfloat16 on their way.

        Raises:
            PackDamagedError: the file is no network the runtime can load.
        """
        ...
