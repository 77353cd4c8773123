"""NVIDIA's management library (NVML), of the driver, as far as numbers are taken from it."""

from contextlib import suppress
from typing import Any, Protocol

import pynvml  # pyright: ignore[reportMissingTypeStubs]

_nvml: Any = pynvml


class GpuLibrary(Protocol):
    error: type[Exception]

    def count(self) -> int: ...

    def name(self, index: int) -> str: ...

    def busy_share(self, index: int) -> float | None: ...

    def memory(self, index: int) -> tuple[int, int]:
        """Bytes: all, and used."""
        ...


class NvidiaLibrary:
    error: type[Exception] = _nvml.NVMLError

    def count(self) -> int:
        return int(_nvml.nvmlDeviceGetCount())

    def name(self, index: int) -> str:
        name = _nvml.nvmlDeviceGetName(self._device(index))
        return name.decode() if isinstance(name, bytes) else str(name)

    def busy_share(self, index: int) -> float | None:
        with suppress(_nvml.NVMLError):
            return _nvml.nvmlDeviceGetUtilizationRates(self._device(index)).gpu / 100
        return None

    def memory(self, index: int) -> tuple[int, int]:
        memory = _nvml.nvmlDeviceGetMemoryInfo(self._device(index))
        return int(memory.total), int(memory.used)

    def _device(self, index: int) -> Any:
        return _nvml.nvmlDeviceGetHandleByIndex(index)


def open_gpu_library() -> GpuLibrary | None:
    """None: there is no driver of NVIDIA's."""
    try:
        _nvml.nvmlInit()
    except _nvml.NVMLError:
        return None
    return NvidiaLibrary()
