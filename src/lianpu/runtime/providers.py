"""Which ONNX Runtime execution provider runs the networks, how many threads it may use, and why."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from lianpu.errors import ProviderError


class Provider(StrEnum):
    """Short names of the execution providers, as settings write them."""

    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"
    OPENVINO = "openvino"
    DIRECTML = "directml"
    COREML = "coreml"

    @property
    def ort_name(self) -> str:
        """The provider's name inside ONNX Runtime."""
        return _ORT_NAMES[self]

    @property
    def remedy(self) -> str:
        """What to install so that this provider becomes available."""
        return _REMEDIES[self]


_ORT_NAMES = {
    Provider.CPU: "CPUExecutionProvider",
    Provider.CUDA: "CUDAExecutionProvider",
    Provider.TENSORRT: "TensorrtExecutionProvider",
    Provider.OPENVINO: "OpenVINOExecutionProvider",
    Provider.DIRECTML: "DmlExecutionProvider",
    Provider.COREML: "CoreMLExecutionProvider",
}
_REMEDIES = {
    Provider.CPU: "reinstall the package onnxruntime",
    Provider.CUDA: "install onnxruntime-gpu in place of onnxruntime, with CUDA 13 and cuDNN 9",
    Provider.TENSORRT: "install onnxruntime-gpu in place of onnxruntime, with CUDA 13 and TensorRT 10",
    Provider.OPENVINO: "install onnxruntime-openvino in place of onnxruntime",
    Provider.DIRECTML: "on Windows, install onnxruntime-directml in place of onnxruntime",
    Provider.COREML: "use the onnxruntime wheel for macOS",
}
# TensorRT is never chosen unasked: it spends minutes building an engine for every network and input shape.
# CoreML neither: it recompiles dynamic shapes, so a detector can get slower than on the CPU.
_AUTO_ORDER = (Provider.CUDA, Provider.DIRECTML, Provider.OPENVINO, Provider.CPU)


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """What was asked for, what runs, what there was to choose from, and why: for status pages and `doctor`."""

    requested: tuple[str, ...]
    """Short names in order of preference, or ("auto",)."""
    chosen: tuple[Provider, ...]
    """Providers handed to ONNX Runtime, best first; CPU is always the last."""
    available: tuple[Provider, ...]
    """Providers of the installed ONNX Runtime that Lianpu knows."""
    reason: str
    """One sentence for people."""
    missing: tuple[str, ...] = ()
    """Providers that were asked for and do not run, each with the cause; only where that is allowed."""


def choose_providers(
    requested: Literal["auto"] | Sequence[str],
    available: Sequence[str],
    failed: dict[Provider, str] | None = None,
    *,
    strict: bool = True,
) -> ProviderChoice:
    """Choose among the installed providers.

    Args:
        requested: "auto", or short names in order of preference; the CPU is always added as the last, for the nodes
            that the others cannot run.
        available: ONNX Runtime's own names, as `onnxruntime.get_available_providers()` gives them.
        failed: providers that are installed but did not start here, with the cause.
        strict: refuse where one that is named does not run; else it is left out, and the choice says so.

    Raises:
        ProviderError: a requested name is unknown; or, where strict, is not installed or did not start.
    """
    failed = failed or {}
    installed = tuple(provider for provider in Provider if provider.ort_name in available)
    usable = tuple(provider for provider in installed if provider not in failed)
    if requested == "auto":
        best = next((provider for provider in _AUTO_ORDER if provider in usable), Provider.CPU)
        return ProviderChoice(("auto",), _with_cpu((best,)), installed, _auto_reason(best, installed, failed))

    wanted = _parse(requested, installed)
    missing: list[str] = []
    for provider in wanted:
        if provider not in usable and not strict:
            cause = f"did not start ({failed[provider]})" if provider in failed else "is not installed"
            missing.append(f"{provider} {cause}; to get it: {provider.remedy}")
        elif provider not in usable:
            cause = f"did not start: {failed[provider]}" if provider in failed else "is not installed"
            raise ProviderError(
                f"Execution provider '{provider}' {cause}. Available: {', '.join(usable) or 'none'}. "
                f"To get it: {provider.remedy}.",
                context={"requested": [str(name) for name in wanted], "available": [str(name) for name in usable]},
            )
    chosen = _with_cpu([provider for provider in wanted if provider in usable])
    reason = f"{', '.join(wanted)}: as requested in the settings"
    if missing:
        reason = f"{', '.join(wanted)} requested in the settings, but {'; '.join(missing)}"
    return ProviderChoice(tuple(wanted), chosen, installed, reason, tuple(missing))


def _parse(requested: Sequence[str], installed: Sequence[Provider]) -> tuple[Provider, ...]:
    names = (requested,) if isinstance(requested, str) else tuple(requested)
    if not names:
        raise ProviderError("No execution provider is named; write 'auto' or at least one name.")
    wanted: dict[Provider, None] = {}
    for name in names:
        short = name.strip().lower()
        if short not in Provider.__members__.values():
            raise ProviderError(
                f"'{name}' is no execution provider. Known: auto, {', '.join(Provider)}. "
                f"Available: {', '.join(installed) or 'none'}."
            )
        wanted[Provider(short)] = None
    return tuple(wanted)


def _with_cpu(providers: Sequence[Provider]) -> tuple[Provider, ...]:
    return (*(provider for provider in providers if provider is not Provider.CPU), Provider.CPU)


def _auto_reason(best: Provider, installed: Sequence[Provider], failed: dict[Provider, str]) -> str:
    reason = f"auto: {best} is the best that is available"
    if best is Provider.CPU:
        reason = "auto: the installed onnxruntime offers no accelerator that is chosen unasked, so the CPU runs all"
    if failed:
        causes = "; ".join(f"{provider} is installed but did not start ({why})" for provider, why in failed.items())
        reason = f"auto: fell back to {best}: {causes}"
    passed_over = [provider for provider in installed if provider not in _AUTO_ORDER and provider not in failed]
    if passed_over:
        reason += f"; {', '.join(passed_over)} runs only when named"
    return reason


def usable_cores(proc: Path = Path("/proc/self/cgroup"), cgroup_root: Path = Path("/sys/fs/cgroup")) -> int:
    """CPU cores this process may use: the least of its affinity mask and its cgroup's CPU quota (rounded up)."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such call
        cores = os.cpu_count() or 1
    quotas = _cgroup2_quotas(proc, cgroup_root) + _cgroup1_quotas(cgroup_root)
    return max(1, min([cores, *(math.ceil(quota) for quota in quotas)]))


def _cgroup2_quotas(proc: Path, root: Path) -> list[float]:
    """CPU quota in cores of the process's cgroup and each of its ancestors; any of them may be the tightest."""
    text = _read(proc)
    path = next((line[3:] for line in text.splitlines() if line.startswith("0::")), "/").strip("/")
    folder = root / path
    quotas: list[float] = []
    while True:
        fields = _read(folder / "cpu.max").split()
        if len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit() and int(fields[1]):
            quotas.append(int(fields[0]) / int(fields[1]))
        if folder == root or root not in folder.parents:
            return quotas
        folder = folder.parent


def _cgroup1_quotas(root: Path) -> list[float]:
    quota, period = _read(root / "cpu" / "cpu.cfs_quota_us"), _read(root / "cpu" / "cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit() and int(period):  # an unlimited quota reads "-1"
        return [int(quota) / int(period)]
    return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
