"""Process, machine and build as metrics."""

import asyncio
import platform
from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client.core import Metric

import lianpu
from lianpu.observability.machine import Processor, gpus, machine_numbers, process_numbers
from lianpu.observability.metrics import counter, gauge


async def read_process() -> Iterable[Metric]:
    return await asyncio.to_thread(_process)


def _process() -> Iterable[Metric]:
    numbers = process_numbers()
    build = (lianpu.__version__, platform.python_version(), version("onnxruntime"))
    labels = ("version", "python", "onnxruntime")
    yield gauge("lianpu_build_info", "1, with the versions as labels.", {build: 1}, labels)
    yield counter("lianpu_process_cpu_seconds", "Processor time of this process.", numbers.cpu_seconds)
    yield gauge("lianpu_process_resident_memory_bytes", "Memory of this process.", numbers.resident_bytes)
    yield gauge("lianpu_process_threads", "Threads of this process.", numbers.threads)
    open_files = {} if numbers.open_files is None else {(): float(numbers.open_files)}
    yield gauge("lianpu_process_open_files", "Files and connections of this process.", open_files)
    yield gauge("lianpu_process_start_time_seconds", "When this process began, since 1970.", numbers.started_at)
    found = {(str(gpu.index),): gpu for gpu in gpus().numbers()}
    used = {index: float(gpu.memory_used_bytes) for index, gpu in found.items()}
    busy = {index: gpu.busy_share for index, gpu in found.items() if gpu.busy_share is not None}
    yield gauge("lianpu_gpu_memory_used_bytes", "Memory of a GPU that is used, by everybody.", used, ("gpu",))
    yield gauge("lianpu_gpu_busy_ratio", "How busy a GPU is, 0 to 1.", busy, ("gpu",))


class MachineReading:
    """How busy the machine was between two scrapes."""

    def __init__(self) -> None:
        self._processor = Processor()

    async def __call__(self) -> Iterable[Metric]:
        numbers = await asyncio.to_thread(machine_numbers, self._processor)
        return [
            gauge("lianpu_machine_cpu_ratio", "How busy all cores were of late, 0 to 1.", numbers.cpu_share),
            gauge("lianpu_machine_memory_used_bytes", "Memory of the machine that is used.", numbers.memory_used_bytes),
            gauge("lianpu_machine_memory_bytes", "Memory of the machine.", numbers.memory_bytes),
        ]
