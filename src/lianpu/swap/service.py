"""Swaps as their routes see them: checked, asked for, fetched, and ended with the consent they need."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from lianpu.database.base import now_utc
from lianpu.engines.image import ImageFormat, ImageLimits, image_size
from lianpu.engines.image_header import sniff_format
from lianpu.engines.provenance.origin import LabelKind
from lianpu.engines.provenance.watermark import SHORTEST_SIDE_PX
from lianpu.engines.swap.swapper import EngineReport, SwapCapabilities, SwapKind
from lianpu.engines.swap.video import CODECS, video_facts
from lianpu.errors import (
    FieldError,
    FieldsInvalidError,
    JobNotFoundError,
    JobStateError,
    MediaFormatError,
    StorageError,
    SwapResultGoneError,
    UploadTooLargeError,
    VideoTooLongError,
)
from lianpu.http.file_form import receive_file_form
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job, JobStatus
from lianpu.jobs.ownership import SWAP
from lianpu.swap.consents.consents import Consents, Use
from lianpu.swap.consents.models import SwapConsent
from lianpu.swap.consents.policy import Policy
from lianpu.swap.engines import EngineShelf, ready_engine
from lianpu.swap.live.swaps import LiveSwaps
from lianpu.swap.run import RESULT, TARGET, SwapRequest
from lianpu.swap.schemas import OutputFormat, SwapFields, SwapLimits

TARGET_FIELD = "target"
CLEARING_INTERVAL_S = 60.0
_SNIFF_BYTES = 64
_KEPT_FORMATS = {ImageFormat(output.value) for output in OutputFormat}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SwapResultFile:
    path: Path
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class _Target:
    kind: SwapKind
    suffix: str
    output_format: ImageFormat


class Swap:
    """Lives on one event loop."""

    def __init__(
        self,
        policy: Policy,
        consents: Consents,
        engines: EngineShelf,
        live: LiveSwaps,
        jobs: Jobs,
        limits: SwapLimits,
        image_limits: ImageLimits,
    ) -> None:
        """`jobs`: all of them, as the server sees them."""
        self.policy = policy
        self.consents = consents
        self.live = live
        self.limits = limits
        self._engines = engines
        self._jobs = jobs
        self._image_limits = image_limits

    async def engines(self) -> list[tuple[SwapCapabilities, EngineReport]]:
        """Those that can be built, and whether each is ready."""
        return await asyncio.to_thread(
            lambda: [
                (listed.capabilities, self._engines.check(listed.name))
                for listed in self._engines.list()
                if listed.capabilities is not None
            ]
        )

    async def check(self, use: Use, engine: str) -> tuple[SwapConsent, list[str]]:
        """Whether a swap would be made, without making it: its consent, and the labels that its output would carry.

        Raises:
            SwapDisabledError: swaps are off.
            ConsentError and below: the consent does not permit it.
            SwapEngineNotFoundError, SwapUnsupportedError, SwapEngineNotReadyError: the engine cannot do it.
        """
        self.policy.check()
        consent = await self.consents.check(use)
        await asyncio.to_thread(ready_engine, self._engines, engine, use.kind)
        visible = (await self.policy.state()).visible_label
        in_frames = [LabelKind.VISIBLE] if visible else []
        in_file = [] if use.kind is SwapKind.LIVE else [LabelKind.XMP, LabelKind.AIGC, LabelKind.C2PA]
        return consent, [label.value for label in (*in_frames, *in_file, LabelKind.WATERMARK)]

    async def submit(
        self, jobs: Jobs, content_type: str, parts: AsyncIterator[bytes], idempotency_key: str | None
    ) -> tuple[Job, SwapConsent]:
        """A job; `jobs` as its owner sees them.

        Raises:
            SwapDisabledError, ConsentError and below, SwapEngineNotFoundError, SwapUnsupportedError,
                SwapEngineNotReadyError: as `check`.
            MediaFormatError, ImageError, SwapTargetInvalidError: the target is no photo or video that can be used.
            UploadTooLargeError, VideoTooLongError, FieldsInvalidError: it is too large, too long or too small.
            IdempotencyError: the key belongs to another request.
        """
        self.policy.check()
        async with jobs.draft() as draft:
            received = draft.folder / "received"
            form = await receive_file_form(
                content_type,
                parts,
                received,
                SwapFields,
                file_field=TARGET_FIELD,
                max_bytes=max(self.limits.max_image_bytes, self.limits.max_video_bytes),
            )
            fields = form.fields
            target = await asyncio.to_thread(self._examined, received, form.size_bytes, fields.output_format)
            use = Use(fields.consent_id, fields.purpose, target.kind)
            await self.consents.check(use)
            await asyncio.to_thread(ready_engine, self._engines, fields.engine, target.kind)
            asked = SwapRequest(
                consent_id=fields.consent_id,
                purpose=fields.purpose,
                kind=target.kind.value,
                engine=fields.engine,
                all_faces=fields.all_faces,
                preview=fields.preview,
                output_format=target.output_format.value,
                target_name=form.name,
                target_suffix=target.suffix,
            )
            await asyncio.to_thread(received.replace, asked.target_in(draft.folder))
            consent = await self.consents.take(use)
            job = await jobs.submit(
                SWAP,
                asdict(asked),
                draft=draft,
                idempotency_key=idempotency_key,
                content_digest=form.sha256,
                total=100,
            )
        return job, consent

    async def result(self, owner_id: str, job_id: str) -> SwapResultFile:
        """
        Raises:
            JobNotFoundError: the owner has no such swap.
            JobStateError: it has not completed.
            SwapResultGoneError: its time is over, or it was deleted.
        """
        job = await self._own(owner_id, job_id)
        if job.status != JobStatus.COMPLETED or job.result is None or job.finished_at is None:
            raise JobStateError(f"The swap is {job.status}: there is no result to fetch.")
        path = self._jobs.folder_of(job_id) / RESULT
        is_over = job.finished_at + self._ttl < now_utc()
        if is_over or not await asyncio.to_thread(path.is_file):
            raise SwapResultGoneError("The result was cleared away. Swap anew.")
        media_type: str = job.result["media_type"]
        return SwapResultFile(path, media_type, f"swap-{job_id}.{_EXTENSIONS.get(media_type, 'bin')}")

    async def delete_result(self, owner_id: str, job_id: str) -> None:
        """Harmless when it is gone already.

        Raises:
            JobNotFoundError: the owner has no such swap.
        """
        await self._own(owner_id, job_id)
        await asyncio.to_thread((self._jobs.folder_of(job_id) / RESULT).unlink, missing_ok=True)

    async def revoke(self, consent_id: str, by: str, reason: str) -> SwapConsent:
        """Live swaps by it end at once; jobs that wait are cancelled, and those that run stop by themselves.

        Raises:
            ConsentNotFoundError: there is no such consent.
        """
        consent = await self.consents.revoke(consent_id, by, reason)
        for job in await self._jobs.active(SWAP):
            if job.parameters["consent_id"] == consent_id and job.status == JobStatus.PENDING:
                try:
                    await self._jobs.cancel(job.id)
                except JobStateError:  # it has ended meanwhile
                    continue
                await asyncio.to_thread(self._clear_targets, self._jobs.folder_of(job.id))
        return consent

    async def run_clearing(self) -> None:
        """Now and every minute: results whose time is over go, and targets of jobs cancelled while they waited."""
        while True:
            try:
                for job in await self._jobs.ended(SWAP):
                    folder = self._jobs.folder_of(job.id)
                    await asyncio.to_thread(self._clear_targets, folder)
                    if job.finished_at is not None and job.finished_at + self._ttl < now_utc():
                        await asyncio.to_thread((folder / RESULT).unlink, missing_ok=True)
            except Exception as error:  # tried again soon
                _log.warning("old results of swaps cannot be cleared away", exc_info=error)
            await asyncio.sleep(CLEARING_INTERVAL_S)

    @property
    def _ttl(self) -> timedelta:
        return timedelta(minutes=self.limits.result_ttl_minutes)

    async def _own(self, owner_id: str, job_id: str) -> Job:
        job = await self._jobs.of_kind(SWAP, job_id)
        if job.owner_id != owner_id:
            raise JobNotFoundError(f"There is no swap {job_id!r}.")
        return job

    def _examined(self, path: Path, size_bytes: int, wanted: OutputFormat | None) -> _Target:
        with path.open("rb") as file:
            beginning = file.read(_SNIFF_BYTES)
        image_format = sniff_format(beginning)
        if image_format is None:
            return self._examined_video(path, beginning)
        if size_bytes > self.limits.max_image_bytes:
            raise UploadTooLargeError(f"The photo is larger than the allowed {self.limits.max_image_bytes:,} bytes.")
        _, width, height = image_size(path.read_bytes(), self._image_limits)
        _check_side(width, height)
        kept = image_format if image_format in _KEPT_FORMATS else ImageFormat.JPEG
        return _Target(SwapKind.IMAGE, f".{image_format.value}", kept if wanted is None else wanted.image_format)

    def _examined_video(self, path: Path, beginning: bytes) -> _Target:
        suffix = _video_suffix(beginning)
        if suffix is None:
            raise MediaFormatError("The target is neither a photo nor an MP4, MOV, MKV or WebM video.")
        facts = video_facts(path)
        if facts.duration_s is not None and facts.duration_s > self.limits.max_video_s:
            raise VideoTooLongError(
                f"The video lasts {facts.duration_s:.0f} s; at most {self.limits.max_video_s:g} s are allowed."
            )
        _check_side(facts.width, facts.height)
        return _Target(SwapKind.VIDEO, suffix, ImageFormat.JPEG)

    def _clear_targets(self, folder: Path) -> None:
        try:
            for path in folder.glob(f"{TARGET}.*"):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"A target cannot be cleared away: {error.strerror or error}.") from error


_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4"}


def _video_suffix(beginning: bytes) -> str | None:
    """By content, never by name."""
    if beginning[4:8] == b"ftyp":
        return ".mov" if beginning[8:12] == b"qt  " else ".mp4"
    if beginning.startswith(b"\x1a\x45\xdf\xa3"):
        return ".webm" if b"webm" in beginning else ".mkv"
    return None


assert all(suffix in CODECS for suffix in (".mp4", ".mov", ".mkv", ".webm"))


def _check_side(width: int, height: int) -> None:
    if min(width, height) < SHORTEST_SIDE_PX:
        text = f"must have at least {SHORTEST_SIDE_PX} pixels each way, for the labels; it has {width}x{height}"
        raise FieldsInvalidError("The target is too small.", errors=[FieldError(TARGET_FIELD, text, "too_small")])


async def _swap(request: Request) -> Swap:
    # Not `def`: FastAPI would send it through a thread.
    swap: Swap = request.app.state.swap
    return swap


SwapDep = Annotated[Swap, Depends(_swap)]
