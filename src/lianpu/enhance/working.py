"""Works on enhancements: photo by photo on the inference workers, what comes out sealed before anything else."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from lianpu.database.base import now_utc
from lianpu.engines.image_header import sniff_format
from lianpu.engines.restore.enhancement import EnhancedPhoto, EnhancementCancelled, PhotoEnhancer, Stage
from lianpu.enhance.batches import BatchOutput, contents_of, steps_of
from lianpu.enhance.held import HeldEnhancements
from lianpu.enhance.names import FORMATS, output_name, shown_name
from lianpu.enhance.records import result_row
from lianpu.enhance.results import StoredResult, key_of, name_of
from lianpu.enhance.tasks import CleaningReason, EnhancementStatus, EnhancementTask, PhotoStep, StepStatus
from lianpu.errors import (
    ArchiveTooLargeError,
    EnhancementLostError,
    EnhancementTooLargeError,
    ImageFormatError,
    LianpuError,
    NothingEnhancedError,
    UploadTooLargeError,
)
from lianpu.http.audited import Action
from lianpu.jobs.handler import JobCancelled, RunningJob
from lianpu.jobs.ownership import ENHANCEMENT
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import EnhanceSettings
from lianpu.storage.archive_entry import ArchiveLimits, Refusal
from lianpu.storage.erasure import erase
from lianpu.storage.freed_memory import FreedMemory
from lianpu.storage.sealing import seal
from lianpu.storage.segments import SegmentedFile

REPORT_S = 0.5
ZIP = "application/zip"
Content = tuple[int, bytes | Refusal]
"""The place of a file in its archive, and what is in it."""
_log = logging.getLogger(__name__)


class EnhancementWork:
    """Runs jobs of the kind `photos.enhance`, of those that lie in this process."""

    kind = ENHANCEMENT

    def __init__(
        self,
        held: HeldEnhancements,
        enhancer: PhotoEnhancer,
        queue: InferenceQueue,
        turns: asyncio.Semaphore,
        settings: EnhanceSettings,
    ) -> None:
        """`turns`: inferences at once, of all jobs together."""
        self._held = held
        self._enhancer = enhancer
        self._queue = queue
        self._turns = turns
        self._settings = settings
        self._limits = ArchiveLimits(
            max_items=settings.max_files,
            max_item_bytes=settings.max_upload_bytes,
            max_total_bytes=settings.max_unpacked_bytes,
            max_ratio=settings.max_ratio,
        )

    async def run(self, job: RunningJob) -> dict[str, Any]:
        task = self._held.get(job.id)
        if task is not None and task.cleaned_at is not None:
            raise JobCancelled
        if task is None or task.upload is None or task.token is None:
            raise EnhancementLostError("What was sent is not here any more: send it again.")
        task.status, task.started_at = EnhancementStatus.PROCESSING, now_utc()
        try:
            task.result = await (self._run_batch(task, job) if task.is_batch else self._run_photo(task, job))
        except JobCancelled:
            await self._held.clean(task, CleaningReason.DELETED)
            raise
        except asyncio.CancelledError:
            # The server ends, and with it what it holds.
            task.erase_upload()
            raise
        except LianpuError as error:
            self._held.failed(task, error)
            raise
        except Exception:
            self._held.failed(task, LianpuError("The server met an error of its own; its log has it under this id."))
            raise
        finally:
            await self._record(task)
        self._held.completed(task)
        return result_row(task.result)

    async def _record(self, task: EnhancementTask) -> None:
        started = task.started_at or now_utc()
        await self._held.record(
            task.id,
            Action.ENHANCEMENT_PROCESS,
            photos=len(task.steps),
            failed=len(task.failures),
            problem=None if task.error is None else task.error.code,
            seconds=round((now_utc() - started).total_seconds(), 3),
        )

    async def _run_photo(self, task: EnhancementTask, job: RunningJob) -> StoredResult:
        assert task.upload is not None
        (step,) = task.steps
        photo = await self._enhance(task, step, task.upload.view, job)
        name = output_name(shown_name(task.name), photo.media_type, photo.suffix)
        _note_done(step, name, photo)
        if len(photo.data) > self._settings.max_result_bytes:
            erase(photo.data)
            raise UploadTooLargeError(_too_large(self._settings))
        file = SegmentedFile()
        await asyncio.to_thread(file.write, photo.data)
        erase(photo.data)
        return await self._stored(task, file, photo.media_type, name)

    async def _run_batch(self, task: EnhancementTask, job: RunningJob) -> StoredResult:
        assert task.upload is not None
        task.steps = await asyncio.to_thread(steps_of, task.upload.view, self._limits)
        task.total = len(task.steps)
        output = BatchOutput(self._settings.max_result_bytes)
        try:
            async with _closing(contents_of(task.upload.view, task.steps, self._limits)) as contents:
                estimates: list[float] = []
                async for place, content in _off_loop(contents):
                    step = task.steps[place]
                    try:
                        if isinstance(content, LianpuError):
                            raise content
                        await self._add(task, step, content, job, output, estimates)
                    except LianpuError as error:
                        step.status, step.error = StepStatus.FAILED, error
                    await job.report(task.done, task.total)
            if not output.files:
                reasons = {step.error.detail for step in task.failures if step.error is not None}
                reason = f": {reasons.pop()}" if len(reasons) == 1 else f" ({len(task.steps)} failed, see each)"
                raise NothingEnhancedError(f"No photo of the archive could be enhanced{reason}")
            task.erase_upload()
            file = await asyncio.to_thread(output.packed, task.steps)
            stem = shown_name(task.name).partition(".")[0] or "photos"
            return await self._stored(task, file, ZIP, f"{stem}-enhanced.zip")
        finally:
            output.erase()

    async def _add(
        self,
        task: EnhancementTask,
        step: PhotoStep,
        content: bytes,
        job: RunningJob,
        output: BatchOutput,
        estimates: list[float],
    ) -> None:
        image_format = sniff_format(content)
        if image_format not in FORMATS:
            raise ImageFormatError("It is no JPEG, PNG or WebP photo.")
        if output.size_bytes >= output.max_bytes:
            raise ArchiveTooLargeError(_too_large(self._settings))
        plan = await asyncio.to_thread(self._enhancer.plan, content, task.options)
        estimates.append(plan.estimated_s)
        task.estimated_s = sum(estimates) / len(estimates) * (task.total or 1)
        self.check_memory(plan.peak_bytes + task.upload_bytes + len(content) + output.size_bytes)
        photo = await self._enhance(task, step, content, job)
        if output.size_bytes + len(photo.data) > output.max_bytes:
            erase(photo.data)
            raise ArchiveTooLargeError(_too_large(self._settings))
        name = output_name(step.name, photo.media_type, photo.suffix, output.files)
        output.add(name, photo.data)
        _note_done(step, name, photo)

    def check_memory(self, peak_bytes: int) -> None:
        """
        Raises:
            EnhancementTooLargeError: one enhancement is not given so much.
        """
        if peak_bytes > self._settings.max_task_bytes:
            raise EnhancementTooLargeError(
                f"It would take {peak_bytes:,} bytes of memory; at most {self._settings.max_task_bytes:,} are given to "
                "one enhancement. Take a lower level, or fewer photos at once."
            )

    async def _enhance(
        self, task: EnhancementTask, step: PhotoStep, data: bytes | memoryview, job: RunningJob
    ) -> EnhancedPhoto:
        """
        Raises:
            JobCancelled: the task is to end; nothing of the photo is left.
        """
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def enhance() -> EnhancedPhoto:
            with FreedMemory() as freed:

                def on_stage(stage: Stage, share: float) -> None:
                    if stage is Stage.ENCODING:
                        freed.overwrite()
                    loop.call_soon_threadsafe(_advance, step, stage, share)

                return self._enhancer.enhance(data, task.options, on_stage, stop.is_set)

        async with self._turn(task, job):
            step.status = StepStatus.PROCESSING
            work = asyncio.ensure_future(self._queue.run_patiently(enhance))
            try:
                while not (await asyncio.wait({work}, timeout=REPORT_S))[0]:
                    await job.report(task.done, task.total, message=step.stage)
                return work.result()
            except EnhancementCancelled as error:
                raise JobCancelled from error
            except BaseException:
                stop.set()
                await _dropped(work)
                raise

    @asynccontextmanager
    async def _turn(self, task: EnhancementTask, job: RunningJob) -> AsyncGenerator[None]:
        """One of the turns; whoever is cancelled while he waits does not get one."""
        waiting = asyncio.ensure_future(self._turns.acquire())
        try:
            while not (await asyncio.wait({waiting}, timeout=REPORT_S))[0]:
                await job.report(task.done, task.total)
        except BaseException:
            if not waiting.cancel() and not waiting.cancelled():
                self._turns.release()
            raise
        try:
            yield
        finally:
            self._turns.release()

    async def _stored(self, task: EnhancementTask, file: SegmentedFile, media_type: str, name: str) -> StoredResult:
        assert task.token is not None
        ttl_s = self._settings.result_ttl_s
        size_bytes = file.size_bytes
        key = key_of(task.token, task.id)
        try:
            sealed = await asyncio.to_thread(lambda: seal(file.take_segments(), key, task.id.encode()))
        finally:
            file.erase()
        stored_name = name_of(task.token, task.id)
        await self._held.store.put(stored_name, sealed, ttl_s)
        return StoredResult(stored_name, media_type, name, size_bytes, now_utc() + timedelta(seconds=ttl_s))


async def _off_loop(contents: Iterator[Content]) -> AsyncGenerator[Content]:
    """Each step of a blocking iterator on a thread."""
    while (item := await asyncio.to_thread(next, contents, None)) is not None:
        yield item


@asynccontextmanager
async def _closing(contents: Generator[Content]) -> AsyncGenerator[Generator[Content]]:
    try:
        yield contents
    finally:
        await asyncio.to_thread(contents.close)


async def _dropped(work: "asyncio.Future[EnhancedPhoto]") -> None:
    """Until the worker has let go; what it made all the same is overwritten."""
    await asyncio.wait({work})
    if not work.cancelled() and work.exception() is None:
        erase(work.result().data)


def _advance(step: PhotoStep, stage: Stage, share: float) -> None:
    if step.status is StepStatus.PROCESSING:
        step.stage, step.share = stage, min(1.0, max(0.0, share))


def _note_done(step: PhotoStep, name: str, photo: EnhancedPhoto) -> None:
    step.status, step.stage, step.share = StepStatus.COMPLETED, None, 1.0
    step.output_name, step.output_bytes, step.report = name, len(photo.data), photo.report


def _too_large(settings: EnhanceSettings) -> str:
    return f"The result would have more than the allowed {settings.max_result_bytes:,} bytes. Take a lower level."
