"""Which runtime was the fastest for which network on this machine: measured once, kept in the home."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from lianpu.storage.local import LocalStorage

FORMAT = 1
MEASURED_FILE = "cache/runtimes.json"
"""In the home."""
_log = logging.getLogger(__name__)


class NetworkRuntime(StrEnum):
    """What may run a network on the CPU, and what it is computed in."""

    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    OPENVINO_BFLOAT16 = "openvino_bfloat16"

    @property
    def shown(self) -> str:
        """For people."""
        return _SHOWN[self]


_SHOWN = {
    NetworkRuntime.ONNXRUNTIME: "ONNX Runtime",
    NetworkRuntime.OPENVINO: "OpenVINO in float32",
    NetworkRuntime.OPENVINO_BFLOAT16: "OpenVINO in bfloat16",
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a measurement holds for: with another processor, version or number of threads another runtime may win."""

    processor: str
    threads: int
    """Of one run of a network."""
    onnxruntime: str
    openvino: str


@dataclass(frozen=True, slots=True)
class NetworkSpeeds:
    """Of one network."""

    file: str
    """Its name, for people: networks are known by their SHA-256."""
    fastest: NetworkRuntime
    runs_per_s: Mapping[NetworkRuntime, float]
    """The mean of one caller's and of several callers' runs a second, as `fastest` was found by."""


@dataclass(frozen=True, slots=True)
class MeasuredRuntimes:
    """All that was measured under the same circumstances."""

    measured_at: datetime
    """The last time; with its zone."""
    circumstances: Circumstances
    networks: Mapping[str, NetworkSpeeds]
    """By the SHA-256 of the file, in hexadecimal."""

    def fastest(self, model: Path) -> NetworkRuntime | None:
        """None: this network was not measured. Reads the whole file.

        Raises:
            OSError: it cannot be read.
        """
        speeds = self.networks.get(network_digest(model))
        return None if speeds is None else speeds.fastest

    @property
    def counts(self) -> dict[NetworkRuntime, int]:
        """How many networks each runtime was the fastest for."""
        counted = Counter(speeds.fastest for speeds in self.networks.values())
        return {runtime: counted[runtime] for runtime in NetworkRuntime if counted[runtime]}


def network_digest(model: Path) -> str:
    """SHA-256 in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_measured(home: Path) -> MeasuredRuntimes | None:
    """None: nothing was measured, or what is there cannot be read, which the log says."""
    try:
        content: dict[str, Any] = json.loads(LocalStorage(home).read(MEASURED_FILE))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("the measured runtimes cannot be read: `lianpu bench --tune` measures anew", exc_info=error)
        return None
    try:
        if content["format"] != FORMAT:
            _log.warning("the measured runtimes are of another version: `lianpu bench --tune` measures anew")
            return None
        return MeasuredRuntimes(
            datetime.fromisoformat(content["measured_at"]),
            Circumstances(**content["circumstances"]),
            {digest: _speeds(speeds) for digest, speeds in content["networks"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        _log.warning("the measured runtimes are damaged: `lianpu bench --tune` measures anew", exc_info=error)
        return None


def write_measured(home: Path, measured: MeasuredRuntimes) -> None:
    """
    Raises:
        StorageError: it cannot be written.
    """
    content = {"format": FORMAT, **asdict(measured), "measured_at": measured.measured_at.isoformat()}
    LocalStorage(home).write(MEASURED_FILE, f"{json.dumps(content, indent=2)}\n".encode())


def _speeds(content: dict[str, Any]) -> NetworkSpeeds:
    runs_per_s = {NetworkRuntime(runtime): float(rate) for runtime, rate in content["runs_per_s"].items()}
    return NetworkSpeeds(str(content["file"]), NetworkRuntime(content["fastest"]), runs_per_s)
