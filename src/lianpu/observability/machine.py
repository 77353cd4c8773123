"""The numbers of this process and its machine: processor, memory, disk and GPUs. Everything here may block."""

import logging
import platform
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import psutil

from lianpu.observability.gpu_library import GpuLibrary, open_gpu_library

GPUS_KEPT_S = 2.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProcessNumbers:
    """Of this process alone."""

    cpu_seconds: float
    """User and system, since it began."""
    resident_bytes: int
    threads: int
    open_files: int | None
    """Descriptors, or handles on Windows; None: this system does not tell."""
    started_at: float
    """By the clock of the wall, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class MachineNumbers:
    cores: int
    """Logical ones."""
    cpu_share: float
    """0…1 of all cores, by everybody, since the last question."""
    memory_bytes: int
    memory_used_bytes: int


@dataclass(frozen=True, slots=True)
class DiskNumbers:
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class GpuNumbers:
    index: int
    name: str
    busy_share: float | None
    """0…1; None: this GPU does not tell."""
    memory_bytes: int
    memory_used_bytes: int


def process_numbers() -> ProcessNumbers:
    process = psutil.Process()
    with process.oneshot():
        cpu = process.cpu_times()
        open_files: int | None = None
        with suppress(psutil.Error, OSError, AttributeError):
            count: Any = getattr(process, "num_fds", None) or cast(Any, process).num_handles
            open_files = int(count())
        return ProcessNumbers(
            cpu_seconds=cpu.user + cpu.system,
            resident_bytes=process.memory_info().rss,
            threads=process.num_threads(),
            open_files=open_files,
            started_at=process.create_time(),
        )


class Processor:
    """How busy the cores were between two questions; one for each who asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before = _cpu_times()

    def share(self) -> float:
        with self._lock:
            before, self._before = self._before, _cpu_times()
            busy_s, all_s = self._before[0] - before[0], self._before[1] - before[1]
        return min(1.0, max(0.0, busy_s / all_s)) if all_s > 0 else 0.0


def _cpu_times() -> tuple[float, float]:
    """Seconds of all cores: busy, and altogether."""
    times = psutil.cpu_times()
    # Linux counts the time of guests in `user` already.
    idle = times.idle + getattr(times, "iowait", 0.0)
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - idle, total


def machine_numbers(processor: Processor) -> MachineNumbers:
    memory = psutil.virtual_memory()
    return MachineNumbers(
        cores=psutil.cpu_count() or 1,
        cpu_share=processor.share(),
        memory_bytes=memory.total,
        memory_used_bytes=memory.total - memory.available,
    )


@cache
def processor_name() -> str:
    """As its maker calls it, as far as the system tells: `AMD EPYC 7B13`; else its architecture."""
    # Python knows the name on Windows and macOS alone.
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in {"model name", "Model"} and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


def disk_numbers(folder: Path) -> DiskNumbers:
    """Of the file system that the folder is on.

    Raises:
        OSError: it cannot be looked at.
    """
    usage = psutil.disk_usage(str(folder))
    return DiskNumbers(usage.total, usage.free)


class Gpus:
    """NVIDIA's GPUs by their driver's library; none where there is no driver."""

    def __init__(self, library: GpuLibrary | None) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._numbers: tuple[GpuNumbers, ...] = ()
        self._read_at = float("-inf")

    def numbers(self) -> tuple[GpuNumbers, ...]:
        if self._library is None:
            return ()
        with self._lock:
            if time.monotonic() - self._read_at >= GPUS_KEPT_S:
                self._numbers = tuple(_gpus(self._library))
                self._read_at = time.monotonic()
            return self._numbers


@cache
def gpus() -> Gpus:
    """Of this machine."""
    return Gpus(open_gpu_library())


def _gpus(library: GpuLibrary) -> list[GpuNumbers]:
    found: list[GpuNumbers] = []
    try:
        for index in range(library.count()):
            total, used = library.memory(index)
            found.append(GpuNumbers(index, library.name(index), library.busy_share(index), total, used))
    except library.error as error:
        _log.warning("the GPUs cannot be read", extra={"reason": str(error)})
    return found
