"""What `/api/status` says of the installation around the gallery: versions, machine, disk, jobs, streams, engines."""

import asyncio
import platform as machine
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version

from pydantic import BaseModel, Field

import lianpu
from lianpu.bootstrap import Platform
from lianpu.engines.camera.examination import examine_camera
from lianpu.engines.camera.sink import CameraFormat
from lianpu.engines.restore.shelf import enhancing_kind
from lianpu.engines.swap.swapper import EngineReport
from lianpu.jobs.models import JobStatus
from lianpu.observability.machine import Processor, disk_numbers, gpus, machine_numbers, process_numbers
from lianpu.packs.folder import folder_name
from lianpu.packs.registry import PackStatus

ENGINES_KEPT_S = 60.0


class VersionsAnswer(BaseModel):
    lianpu: str
    python: str
    system: str = Field(examples=["Linux 6.1"])
    onnxruntime: str
    opencv: str
    database: str = Field(description="Which kind.", examples=["sqlite"])


class ProcessAnswer(BaseModel):
    memory_bytes: int
    threads: int
    open_files: int | None = Field(description="Null: this system does not tell.")
    cpu_seconds: float


class MachineAnswer(BaseModel):
    cores: int
    cpu_share: float = Field(description="0…1 of all cores, since somebody last asked.")
    memory_bytes: int
    memory_used_bytes: int
    process: ProcessAnswer


class GpuAnswer(BaseModel):
    index: int
    name: str
    busy_share: float | None
    memory_bytes: int
    memory_used_bytes: int


class DiskAnswer(BaseModel):
    """Of the file system that the home is on."""

    total_bytes: int
    free_bytes: int


class JobsAnswer(BaseModel):
    waiting: int
    by_status: dict[str, int]
    workers: int = Field(description="Of this process, that are alive.")


class StreamsStatusAnswer(BaseModel):
    active: int
    by_state: dict[str, int]
    viewers: int
    live_swaps: int


class CameraStatusAnswer(BaseModel):
    """The virtual camera; it is looked at, not opened."""

    is_ready: bool
    problem: str | None = Field(description="What is in the way, and what to do.")


class EngineStatusAnswer(BaseModel):
    name: str
    kind: str = Field(description="`swap`, `restorer` or `upscaler`.")
    state: str = Field(examples=["ready"])
    detail: str | None = Field(description="What it lacks.")


class InstallationAnswer(BaseModel):
    versions: VersionsAnswer
    machine: MachineAnswer
    gpus: list[GpuAnswer] = Field(description="Of NVIDIA, by their driver.")
    disk: DiskAnswer
    jobs: JobsAnswer
    streams: StreamsStatusAnswer
    camera: CameraStatusAnswer
    engines: list[EngineStatusAnswer]


class Installation:
    """Remembers for a while what takes long to look at. Lives on one event loop."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._processor = Processor()
        self._engines: list[EngineStatusAnswer] = []
        self._engines_at = float("-inf")

    async def status(self, packs: Sequence[PackStatus]) -> InstallationAnswer:
        platform = self._platform
        if time.monotonic() - self._engines_at >= ENGINES_KEPT_S:
            reports = [report for _, report in await platform.swap.engines()]
            self._engines, self._engines_at = [_engine(report) for report in reports], time.monotonic()
        by_status = await platform.jobs.counts()
        camera, numbers, disk, cards = await asyncio.to_thread(
            lambda: (self._camera(), self._machine(), disk_numbers(platform.settings.home), gpus().numbers())
        )
        return InstallationAnswer(
            versions=_versions(platform),
            machine=numbers,
            gpus=[GpuAnswer(**asdict(gpu)) for gpu in cards],
            disk=DiskAnswer(total_bytes=disk.total_bytes, free_bytes=disk.free_bytes),
            jobs=JobsAnswer(
                waiting=by_status.get(JobStatus.PENDING, 0), by_status=by_status, workers=platform.workers.alive
            ),
            streams=await self._streams(),
            camera=camera,
            engines=[*self._engines, *_enhancing(packs)],
        )

    def _machine(self) -> MachineAnswer:
        numbers, process = machine_numbers(self._processor), process_numbers()
        return MachineAnswer(
            cores=numbers.cores,
            cpu_share=round(numbers.cpu_share, 4),
            memory_bytes=numbers.memory_bytes,
            memory_used_bytes=numbers.memory_used_bytes,
            process=ProcessAnswer(
                memory_bytes=process.resident_bytes,
                threads=process.threads,
                open_files=process.open_files,
                cpu_seconds=round(process.cpu_seconds, 2),
            ),
        )

    async def _streams(self) -> StreamsStatusAnswer:
        records = await self._platform.streams.everywhere()
        health = [record.health for record in records if record.health is not None]
        return StreamsStatusAnswer(
            active=len(health),
            by_state=dict(Counter(one.state.value for one in health)),
            viewers=sum(one.viewers for one in health),
            live_swaps=self._platform.swap.live.active,
        )

    def _camera(self) -> CameraStatusAnswer:
        wanted = self._platform.settings.camera
        camera_format = CameraFormat(wanted.width, wanted.height, wanted.fps)
        # Opening it, even for a moment, would show in the program that reads from it.
        report = examine_camera(camera_format, wanted.device, opens=False)
        wrong = next((finding for finding in report.findings if not finding.is_ok), None)
        problem = None if wrong is None else f"{wrong.name}: {wrong.detail}. {wrong.advice or ''}".strip()
        return CameraStatusAnswer(is_ready=report.is_ready, problem=problem)


def _versions(platform: Platform) -> VersionsAnswer:
    return VersionsAnswer(
        lianpu=lianpu.__version__,
        python=machine.python_version(),
        system=f"{machine.system()} {machine.release()}",
        onnxruntime=version("onnxruntime"),
        opencv=version("opencv-python-headless"),
        database=platform.database.address.url.get_backend_name(),
    )


def _engine(report: EngineReport) -> EngineStatusAnswer:
    wrong = next((finding for finding in report.findings if not finding.is_ok), None)
    detail = None if wrong is None else f"{wrong.name}: {wrong.detail}"
    return EngineStatusAnswer(name=report.engine, kind="swap", state=report.readiness.value, detail=detail)


def _enhancing(packs: Sequence[PackStatus]) -> Iterator[EngineStatusAnswer]:
    for pack in packs:
        kind = enhancing_kind(pack.manifest, pack.name)
        if kind is not None:
            name = folder_name(pack.name, pack.version)
            yield EngineStatusAnswer(name=name, kind=kind, state=pack.state.value, detail=pack.detail or None)
