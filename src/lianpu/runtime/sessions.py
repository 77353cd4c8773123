"""Which runtime runs which network: what was measured on this machine; else OpenVINO those that may be rounded."""

import logging
from enum import StrEnum
from pathlib import Path

from lianpu.errors import PackDamagedError, ProviderError
from lianpu.observability.machine import processor_name
from lianpu.runtime.measured import Circumstances, MeasuredRuntimes, NetworkRuntime
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.openvino import OpenVinoSessionFactory, is_installed
from lianpu.runtime.providers import Provider, ProviderChoice
from lianpu.runtime.session import Session

_log = logging.getLogger(__name__)


class CpuRuntime(StrEnum):
    """What runs networks on the CPU, as the settings write it."""

    AUTO = "auto"
    """For networks whose engine allows rounding what was the fastest where it was measured, else OpenVINO where it is
    installed; ONNX Runtime for all others."""
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    """Those that may not be rounded too, in float32."""


class Sessions:
    """The session factory of a platform; implements `SessionFactory`."""

    def __init__(
        self,
        onnx: OnnxSessionFactory,
        cpu_runtime: CpuRuntime = CpuRuntime.AUTO,
        measured: MeasuredRuntimes | None = None,
    ) -> None:
        """
        Args:
            measured: what `AUTO` goes by; left aside where the circumstances were others.

        Raises:
            ProviderError: OpenVINO is named and not installed.
        """
        self._onnx = onnx
        self._cpu_runtime = cpu_runtime
        self._measured = measured
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
    def onnx_version(self) -> str:
        return self._onnx.version

    @property
    def contenders(self) -> tuple[NetworkRuntime, ...]:
        """What may run a network that may be rounded, the rule's own first; one alone: there is nothing to measure."""
        ruled = self._ruled(may_round=True)
        if self._openvino is None or self._cpu_runtime is not CpuRuntime.AUTO:
            return (ruled,)
        allowed = [ruled, NetworkRuntime.OPENVINO, NetworkRuntime.ONNXRUNTIME]
        return tuple(dict.fromkeys(allowed))

    @property
    def measured(self) -> MeasuredRuntimes | None:
        """What networks go by; None: nothing was measured, or under other circumstances, or the settings decide."""
        if self._measured is None or self.circumstances != self._measured.circumstances:
            return None
        return self._measured

    @property
    def circumstances(self) -> Circumstances | None:
        """Those that a measurement made now would hold for; None: there is nothing to measure."""
        if self._openvino is None or len(self.contenders) == 1:
            return None
        return Circumstances(processor_name(), self.threads, self._onnx.version, self._openvino.version)

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
        rule = f"OpenVINO runs the networks of faces and photos in {precision}, {others}"
        if self._cpu_runtime is not CpuRuntime.AUTO:
            return rule
        if self.measured is not None:
            fastest = ", ".join(f"{runtime.shown} {count}" for runtime, count in self.measured.counts.items())
            day = self.measured.measured_at.date().isoformat()
            return f"{rule}; networks that were measured on {day} by the fastest: {fastest}"
        if self._measured is not None:
            return f"{rule}. What was measured is of another processor or version: `lianpu bench --tune` measures anew"
        return rule

    @property
    def running(self) -> dict[str, int]:
        """Networks that are loaded now, by what their sessions say runs them."""
        return self._onnx.running | ({} if self._openvino is None else self._openvino.running)

    def adopt(self, measured: MeasuredRuntimes) -> None:
        """Networks that are opened from now on go by it."""
        self._measured = measured

    def open(self, model: Path, *, may_round: bool = False) -> Session:
        """
        Raises:
            PackDamagedError: see there.
        """
        chosen = self._chosen(model, may_round=may_round)
        if chosen is not NetworkRuntime.ONNXRUNTIME:
            try:
                return self.open_by(chosen, model)
            except PackDamagedError as error:
                # A network may have a node that only one of the two knows; which of them runs it is shown by `running`.
                _log.warning("OpenVINO cannot load a network: ONNX Runtime runs it", extra={"reason": error.detail})
        return self.open_by(NetworkRuntime.ONNXRUNTIME, model)

    def open_by(self, runtime: NetworkRuntime, model: Path) -> Session:
        """By this one, whatever is the rule or was measured.

        Raises:
            PackDamagedError: the file is no network that this runtime can load.
        """
        if runtime is NetworkRuntime.ONNXRUNTIME or self._openvino is None:
            return self._onnx.open(model)
        return self._openvino.open(model, may_round=runtime is NetworkRuntime.OPENVINO_BFLOAT16)

    def _chosen(self, model: Path, *, may_round: bool) -> NetworkRuntime:
        measured = self.measured if may_round else None
        # A file that is not there is told of by whoever opens it.
        if measured is not None and model.is_file():
            fastest = measured.fastest(model)
            if fastest is not None and fastest in self.contenders:
                return fastest
        return self._ruled(may_round=may_round)

    def _ruled(self, *, may_round: bool) -> NetworkRuntime:
        """Without a measurement."""
        if self._openvino is None or not (may_round or self._cpu_runtime is CpuRuntime.OPENVINO):
            return NetworkRuntime.ONNXRUNTIME
        if may_round and self._openvino.has_bfloat16:
            return NetworkRuntime.OPENVINO_BFLOAT16
        return NetworkRuntime.OPENVINO
