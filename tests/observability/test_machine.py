"""The numbers of process, machine, disk and GPUs."""

import time
from pathlib import Path

import psutil
import pytest

from lianpu.observability.gpu_library import open_gpu_library
from lianpu.observability.machine import (
    GpuNumbers,
    Gpus,
    Processor,
    disk_numbers,
    machine_numbers,
    process_numbers,
)


class DriverError(Exception):
    pass


class TwoGpus:
    """As the driver's library answers."""

    error: type[Exception] = DriverError

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False

    def count(self) -> int:
        self.asked += 1
        if self.is_away:
            raise DriverError("GPU is lost")
        return 2

    def name(self, index: int) -> str:
        return f"Card {index}"

    def busy_share(self, index: int) -> float | None:
        return 0.25 if index else None

    def memory(self, index: int) -> tuple[int, int]:
        return 1 << 30, (index + 1) << 20


def test_R_OPS_3_process_numbers_are_this_processs() -> None:
    started = time.process_time()
    process = psutil.Process()
    before = process_numbers()
    # Longer than the clock of the processor's time is coarse.
    while time.process_time() - started < 0.05:
        sum(range(10_000))
    after = process_numbers()
    assert after.cpu_seconds > before.cpu_seconds
    assert after.resident_bytes == pytest.approx(process.memory_info().rss, rel=0.1)
    assert after.threads == pytest.approx(process.num_threads(), abs=2)
    assert after.started_at == process.create_time()
    with Path(__file__).open() as _:
        opened = process_numbers().open_files
    assert opened is None or opened > (after.open_files or 0)


def test_R_OPS_3_machine_numbers_are_shares_and_bytes_that_can_be() -> None:
    processor = Processor()
    sum(index * index for index in range(1_000_000))
    numbers = machine_numbers(processor)
    assert 0 <= numbers.cpu_share <= 1
    assert 0 < numbers.memory_used_bytes < numbers.memory_bytes == psutil.virtual_memory().total
    assert numbers.cores == psutil.cpu_count()


def test_R_OPS_3_disk_numbers_are_those_of_the_folders_file_system(tmp_path: Path) -> None:
    numbers = disk_numbers(tmp_path)
    assert 0 < numbers.free_bytes <= numbers.total_bytes == psutil.disk_usage(str(tmp_path)).total


def test_R_OPS_3_gpus_are_read_by_the_drivers_library_and_not_at_every_question() -> None:
    library = TwoGpus()
    gpus = Gpus(library)
    expected = (
        GpuNumbers(0, "Card 0", None, 1 << 30, 1 << 20),
        GpuNumbers(1, "Card 1", 0.25, 1 << 30, 2 << 20),
    )
    assert gpus.numbers() == gpus.numbers() == expected
    assert library.asked == 1


def test_R_OPS_3_gpus_that_fall_off_the_bus_are_none() -> None:
    library = TwoGpus()
    library.is_away = True
    assert Gpus(library).numbers() == ()


def test_R_OPS_3_without_a_driver_there_are_no_gpus() -> None:
    library = open_gpu_library()
    found = Gpus(library).numbers()
    assert (library is None) == (not found)
