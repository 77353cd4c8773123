"""The job that measures this machine: figure after figure, off the event loop, and the report kept in the home."""

import asyncio
import platform
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil

import lianpu
from lianpu.capacity.example import portrait_jpeg
from lianpu.capacity.figures import FULL, QUICK, Figures, unmeasured
from lianpu.capacity.report import (
    CapacityReport,
    Figure,
    FigureName,
    MeasuredMachine,
    MeasuredSettings,
    MeasuredVersions,
    Unit,
    Unmeasured,
    write_report,
)
from lianpu.capacity.tuning import Tuning, TuningLengths, merged
from lianpu.engines.face.analyzer import AnalyzerOptions, FaceAnalyzer
from lianpu.engines.restore.enhancement import PhotoEnhancer
from lianpu.errors import VectorIndexUnavailableError
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.gallery import Gallery
from lianpu.jobs.handler import RunningJob
from lianpu.observability.machine import Processor, processor_name
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.measured import NetworkSpeeds, write_measured
from lianpu.runtime.providers import usable_cores
from lianpu.runtime.sessions import Sessions
from lianpu.streams.decoding import HardwareDecoding
from lianpu.vectors.index import VectorIndex

KIND = "server.capacity"
BUSY_SHARE = 0.1
"""Of all cores: from here on the machine counts as busy with something else."""
_LISTENED_S, _LISTENED_QUICK_S = 1.0, 0.2
_TUNING, _TUNING_QUICK = TuningLengths(0.5, 3), TuningLengths(0.1, 1)
_MEASUREMENTS = 9
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MeasuredParts:
    """What of the platform is measured."""

    home: Path
    gallery: Gallery
    registry: PackRegistry
    sessions: Sessions
    options: AnalyzerOptions
    workers: int
    """Inferences that the server runs at once."""
    hardware: HardwareDecoding
    enhancer_of: Callable[[Callable[[], FaceAnalyzer]], PhotoEnhancer]
    """An enhancer of its own, with this recogniser."""


class CapacityMeasurement:
    """Handles the jobs. Networks are loaded anew for each: what is measured is what a server does that starts now."""

    kind = KIND

    def __init__(self, parts: MeasuredParts) -> None:
        self._parts = parts

    async def run(self, job: RunningJob) -> dict[str, Any]:
        is_quick, tunes = bool(job.parameters["quick"]), bool(job.parameters["tune"])
        photo = await asyncio.to_thread(portrait_jpeg)
        steps = _Steps(job, _MEASUREMENTS)
        busy_before = await steps.take("listening", partial(_busy_share, is_quick))
        networks_tuned = await self._tune(steps, photo, is_quick) if tunes else 0
        figures = await steps.take("loading", partial(self._figures, photo, is_quick))
        measured = [
            await steps.take("faces", figures.faces),
            await steps.take("faces", figures.faces_alone),
            await self._searches(steps, figures),
            await steps.take("searches", figures.searches_large),
            await steps.take("streams", figures.streams),
            await steps.take("enhancements", figures.enhancements),
        ]
        found, why_none = await steps.take("comparing", figures.reference)
        busy = max(busy_before, await asyncio.to_thread(_busy_share, is_quick))
        report = CapacityReport(
            measured_at=datetime.now(UTC),
            is_quick=is_quick,
            busy_share=round(busy, 4),
            is_busy=busy >= BUSY_SHARE,
            machine=_machine(),
            versions=MeasuredVersions(
                lianpu=lianpu.__version__,
                python=platform.python_version(),
                onnxruntime=self._parts.sessions.onnx_version,
            ),
            settings=self._settings(figures.analyzer),
            figures=measured,
            reference=found,
            no_reference=why_none,
        )
        await asyncio.to_thread(write_report, self._parts.home, report)
        await steps.end()
        # The figures are for whoever may read the report; the job's result is for everybody who manages jobs.
        return {"measured_at": report.measured_at.isoformat(), "networks_tuned": networks_tuned}

    async def _tune(self, steps: "_Steps", photo: bytes, is_quick: bool) -> int:
        """How many networks there was something to choose for."""
        parts = self._parts
        lengths = _TUNING_QUICK if is_quick else _TUNING
        tuning = Tuning(parts.registry, parts.sessions, parts.options, photo, callers=parts.workers, lengths=lengths)
        packs = await asyncio.to_thread(tuning.packs)
        steps.expect(len(packs))
        networks: dict[str, NetworkSpeeds] = {}
        for pack in packs:
            networks |= await steps.take("tuning", partial(tuning.of_pack, pack))
        found = merged(parts.sessions, networks) if networks else None
        if found is not None:
            await asyncio.to_thread(write_measured, parts.home, found)
            parts.sessions.adopt(found)
        return len(networks)

    def _figures(self, photo: bytes, is_quick: bool) -> Figures:
        parts = self._parts
        active = parts.gallery.analyzers.active
        own = Analyzers(parts.registry, parts.sessions, active, parts.options)
        return Figures(
            pack=parts.registry.get(active),
            analyzer=own.get(),
            options=parts.options,
            sessions=parts.sessions,
            photo=photo,
            workers=parts.workers,
            hardware=parts.hardware,
            enhancer=lambda: parts.enhancer_of(own.get),
            lengths=QUICK if is_quick else FULL,
        )

    async def _searches(self, steps: "_Steps", figures: Figures) -> Figure:
        analyzer = figures.analyzer
        try:
            index: VectorIndex = await self._parts.gallery.indexes.index_of(
                key_of(analyzer), analyzer.dimension, analyzer.metric
            )
        except VectorIndexUnavailableError as error:
            return unmeasured(FigureName.SEARCHES, Unit.SEARCHES_PER_S, Unmeasured.FAILED, error.detail)
        return await steps.take("searches", partial(figures.searches, index))

    def _settings(self, analyzer: FaceAnalyzer) -> MeasuredSettings:
        sessions = self._parts.sessions
        return MeasuredSettings(
            pack=analyzer.label,
            provider=sessions.choice.chosen[0],
            cpu_reason=sessions.cpu_reason,
            threads=sessions.threads,
            workers=self._parts.workers,
        )


class _Steps:
    """What blocks is done on a thread, one after another, and told to whoever waits for the job."""

    def __init__(self, job: RunningJob, total: int) -> None:
        self._job = job
        self._done = 0
        self._total = total

    def expect(self, more: int) -> None:
        self._total += more

    async def take(self, message: str, work: Callable[[], T]) -> T:
        """
        Raises:
            JobCancelled, JobTaken: as `RunningJob.report`.
        """
        await self._job.report(self._done, self._total, message=message)
        result = await asyncio.to_thread(work)
        self._done += 1
        return result

    async def end(self) -> None:
        await self._job.report(self._total, self._total, message="measured")


def _busy_share(is_quick: bool) -> float:
    """0…1 of all cores that are used while nothing is measured."""
    processor = Processor()
    time.sleep(_LISTENED_QUICK_S if is_quick else _LISTENED_S)
    return processor.share()


def _machine() -> MeasuredMachine:
    return MeasuredMachine(
        host=socket.gethostname(),
        system=f"{platform.system()} {platform.release()}",
        processor=processor_name(),
        cores=usable_cores(),
        memory_bytes=psutil.virtual_memory().total,
    )
