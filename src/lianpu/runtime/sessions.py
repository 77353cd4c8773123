"""Which runtime runs which network: OpenVINO those on the CPU that may be rounded, ONNX Runtime all others."""

import logging
from enum import StrEnum
from pathlib import Path

from lianpu.errors import PackDamagedError, ProviderError
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.openvino import OpenVinoSessionFactory, is_installed
from lianpu.runtime.providers import Provider, ProviderChoice
from lianpu.runtime.session import Session

_log = logging.getLogger(__name__)


class CpuRuntime(StrEnum):
    """What runs networks on the CPU, as the settings write it."""

    AUTO = "auto"
    """OpenVINO where it is installed, for networks whose engine allows rounding; else ONNX Runtime."""
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    """Those that may not be rounded too, in float32."""


class Sessions:
    """The session factory of a platform; implements `SessionFactory`."""

    def __init__(self, onnx: OnnxSessionFactory, cpu_runtime: CpuRuntime = CpuRuntime.AUTO) -> None:
        """
        Raises:
            ProviderError: OpenVINO is named and not installed.
        """
        self._onnx = onnx
        self._cpu_runtime = cpu_runtime
        on_cpu = onnx.choice.chosen[0] is Provider.CPU
        if cpu_runtime is CpuRuntime.OPENVINO and not is_installed():
            raise ProviderError("runtime.cpu names openvino, which is not installed: pip install openvino.")
        wants = on_cpu and cpu_runtime is not CpuRuntime.ONNXRUNTIME and is_installed()
        self._openvino = OpenVinoSessionFactory(onnx.threads) if wants else None

    @property
    def choice(self) -> ProviderChoice:
        """Of ONNX Runtime's providers."""
        return self._onnx.choice

    @property
    def threads(self) -> int:
        return self._onnx.threads

    @property
    def cpu_reason(self) -> str | None:
        """What runs networks on the CPU, in a sentence for people; None: they run elsewhere."""
        if self.choice.chosen[0] is not Provider.CPU:
            return None
        if self._openvino is None:
            why = "as the settings say" if self._cpu_runtime is CpuRuntime.ONNXRUNTIME else "openvino is not installed"
            return f"ONNX Runtime runs all networks: {why}"
        precision = "bfloat16" if self._openvino.has_bfloat16 else "float32"
        others = "the others in float32" if self._cpu_runtime is CpuRuntime.OPENVINO else "ONNX Runtime the others"
        return f"OpenVINO runs the networks of faces and photos in {precision}, {others}"

    @property
    def running(self) -> dict[str, int]:
        """Networks that are loaded now, by what their sessions say runs them."""
        return self._onnx.running | ({} if self._openvino is None else self._openvino.running)

    def open(self, model: Path, *, may_round: bool = False) -> Session:
        """
        Raises:
            PackDamagedError: see there.
        """
        if self._openvino is not None and (may_round or self._cpu_runtime is CpuRuntime.OPENVINO):
            try:
                return self._openvino.open(model, may_round=may_round)
            except PackDamagedError as error:
                # A network may have a node that only one of the two knows; which of them runs it is shown by `running`.
                _log.warning("OpenVINO cannot load a network: ONNX Runtime runs it", extra={"reason": error.detail})
        return self._onnx.open(model, may_round=may_round)
