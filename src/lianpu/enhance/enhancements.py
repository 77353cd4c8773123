"""Enhancements as their owners see them: sent, estimated, looked at, fetched once, cleaned."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

from lianpu.accounts.principal import Principal, PrincipalKind
from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.engines.image_header import sniff_format
from lianpu.engines.restore.enhancement import EnhancementEngine, EnhancementPlan, PhotoEnhancer
from lianpu.enhance.admission import Place
from lianpu.enhance.answers import ANSWER, CLEANED, answer_of_job
from lianpu.enhance.held import HeldEnhancements
from lianpu.enhance.names import FORMATS
from lianpu.enhance.receiving import ARCHIVE, PHOTO, ReceivedFile, receive_file
from lianpu.enhance.records import EnhancementRecords, cleaned_of, holder_of, result_of
from lianpu.enhance.results import StoredResult, key_of, name_of, new_token, token_of
from lianpu.enhance.retrieval import TakenResult
from lianpu.enhance.schemas import EnhancementAnswer
from lianpu.enhance.tasks import CleaningReason, EnhancementStatus, EnhancementTask, PhotoStep
from lianpu.enhance.working import EnhancementWork
from lianpu.errors import (
    EnhancementGoneError,
    EnhancementNotFoundError,
    EnhancementStateError,
    EphemeralStoreError,
    ImageEmptyError,
    ImageFormatError,
    JobStateError,
    NodeUnreachableError,
    RetrievalTokenError,
)
from lianpu.http.rate_limit import RateLimit
from lianpu.jobs.jobs import JobDraft, Jobs
from lianpu.jobs.models import ENDED, Job, JobStatus
from lianpu.jobs.ownership import ENHANCEMENT
from lianpu.nodes.asking import Asking
from lianpu.settings import EnhanceSettings
from lianpu.storage.ephemeral import Sealed, erase_sealed
from lianpu.storage.erasure import erase
from lianpu.storage.foreign_archive import has_libarchive
from lianpu.storage.sealing import SEGMENT_BYTES, Opener, SealBrokenError

HEADER_BYTES = 1 << 20
"""A header that says no size within so many bytes is none that a camera writes."""
ELSEWHERE_S = 5.0
ELSEWHERE_POLL_S = 0.05
GONE = {
    CleaningReason.RETRIEVED: "The result was fetched, and overwritten then: it can be fetched once.",
    CleaningReason.EXPIRED: "Nobody fetched the result in time: it was overwritten.",
    CleaningReason.STOPPED: "The server ended meanwhile, and with it what lay in its memory.",
}
Submitted = tuple[EnhancementTask, bytes]
"""With its retrieval token."""


class Enhancements:
    def __init__(
        self,
        database: Database,
        held: HeldEnhancements,
        work: EnhancementWork,
        enhancer: PhotoEnhancer,
        jobs: Jobs,
        asking: Asking,
        rate: RateLimit,
        limits: EnhanceSettings,
    ) -> None:
        self.held = held
        self.limits = limits
        self._database = database
        self._work = work
        self._enhancer = enhancer
        self._jobs = jobs
        self._asking = asking
        self._rate = rate

    @property
    def archive_formats(self) -> Sequence[str]:
        """Those that can be read here."""
        return ("zip", "tar", "rar", "7z") if has_libarchive() else ("zip", "tar")

    async def engines(self) -> list[EnhancementEngine]:
        return list(await asyncio.to_thread(self._enhancer.engines))

    async def estimate(self, headers: Mapping[str, str], parts: AsyncIterator[bytes]) -> tuple[EnhancementPlan, bool]:
        """The plan, and whether it is quick.

        Raises:
            what `receive_file` and `PhotoEnhancer.plan` raise.
        """
        received = await receive_file(PHOTO, headers, parts, max_bytes=HEADER_BYTES, is_cut=True)
        try:
            plan = await self._plan(received)
        finally:
            received.content.erase()
        return plan, plan.estimated_s <= self.limits.quick_s

    async def submit_photo(
        self, principal: Principal, headers: Mapping[str, str], parts: AsyncIterator[bytes]
    ) -> Submitted:
        """
        Raises:
            RateLimitedError: the principal sent too many.
            BusyError: too many wait already.
            what `receive_file` and `PhotoEnhancer.plan` raise.
        """
        await self._count(principal)
        max_bytes = self.limits.max_upload_bytes
        with self.held.admission.taken(_announced(headers, max_bytes)) as place:
            received = await receive_file(PHOTO, headers, parts, max_bytes=max_bytes)
            try:
                plan = await self._plan(received)
                self._work.check_memory(plan.peak_bytes + len(received.content))
            except BaseException:
                received.content.erase()
                raise
            return await self._submit(principal, received, place, plan.estimated_s, is_batch=False)

    async def submit_archive(
        self, principal: Principal, headers: Mapping[str, str], parts: AsyncIterator[bytes]
    ) -> Submitted:
        """
        Raises:
            RateLimitedError: the principal sent too many.
            BusyError: too many wait already.
            what `receive_file` raises.
        """
        await self._count(principal)
        max_bytes = self.limits.max_archive_bytes
        with self.held.admission.taken(_announced(headers, max_bytes)) as place:
            received = await receive_file(ARCHIVE, headers, parts, max_bytes=max_bytes)
            if not len(received.content):
                raise ImageEmptyError("The archive is empty (0 bytes).")
            return await self._submit(principal, received, place, None, is_batch=True)

    async def wait_if_quick(self, task: EnhancementTask) -> None:
        """Until it has ended, if that is expected soon; not for ever, since others may be before it."""
        quick_s = self.limits.quick_s
        if task.estimated_s is not None and task.estimated_s <= quick_s:
            try:
                async with asyncio.timeout(3 * quick_s + 1):
                    await task.ended.wait()
            except TimeoutError:
                pass

    async def answer(self, owner_id: str, enhancement_id: str) -> EnhancementAnswer:
        """
        Raises:
            EnhancementNotFoundError: the owner has no such enhancement.
        """
        task = self._own(owner_id, enhancement_id)
        if task is not None:
            return EnhancementAnswer.of(task)
        job = await self._own_job(owner_id, enhancement_id)
        return await self._answer_elsewhere(job) or answer_of_job(job)

    async def retrieve(self, owner_id: str, enhancement_id: str, token_text: str) -> TakenResult:
        """Out of the store: nobody else can take it now.

        Raises:
            EnhancementNotFoundError: the owner has no such enhancement.
            EnhancementStateError: there is no result yet, or there will be none.
            EnhancementGoneError: it was fetched, or overwritten.
            RetrievalTokenError: the token is another's; nothing was taken.
            EphemeralStoreError: the store cannot be reached.
        """
        task = self._own(owner_id, enhancement_id)
        holder = None
        if task is None:
            job = await self._own_job(owner_id, enhancement_id)
            holder, result = holder_of(job), _result_of_job(job)
            told = await self._answer_elsewhere(job)
            if told is not None and told.result is not None:
                result = replace(result, file_name=told.result.file_name)
        else:
            result = _result_of_task(task)
        token = token_of(token_text)
        if token is None or name_of(token, enhancement_id) != result.name:
            raise RetrievalTokenError("The retrieval token is not the one that the answer to the upload had.")
        sealed = await self.held.store.take(result.name)
        if sealed is None:
            raise EnhancementGoneError("The result is just being fetched, or its time is over.")
        opener = Opener(sealed, key_of(token, enhancement_id), enhancement_id.encode())
        try:
            # Before anything is answered: what cannot be opened later is no answer that broke off.
            room = bytearray(SEGMENT_BYTES)
            opener.open_into(0, room)
            erase(room)
        except SealBrokenError as error:
            raise EphemeralStoreError("What the store gave back is not what was put there.") from error
        if task is not None:
            task.is_leaving = True
        return TakenResult(result, opener, partial(self._left, enhancement_id, holder, result, sealed))

    async def clean(self, owner_id: str, enhancement_id: str) -> None:
        """End it, and overwrite what is left of it.

        Raises:
            EnhancementNotFoundError: the owner has no such enhancement.
        """
        task = self._own(owner_id, enhancement_id)
        job = await self._own_job(owner_id, enhancement_id)
        if job.status in {JobStatus.PENDING, JobStatus.PROCESSING}:
            try:
                await self._jobs.cancel(enhancement_id)
            except JobStateError:  # it has ended in this very moment
                job = await self._own_job(owner_id, enhancement_id)
        if task is None:
            await self._clean_job(await self._ended_elsewhere(owner_id, enhancement_id))
        elif task.status is EnhancementStatus.PROCESSING:
            await task.ended.wait()  # at its next step
            await self.held.clean(task, CleaningReason.DELETED)
        else:
            await self.held.clean(task, CleaningReason.DELETED)

    async def _count(self, principal: Principal) -> None:
        # A command of this machine asks as fast as it can, and has the home anyway.
        if principal.kind is not PrincipalKind.LOCAL:
            await self._rate.count(principal.id)

    async def _plan(self, received: ReceivedFile) -> EnhancementPlan:
        view = received.content.view
        if not len(view):
            raise ImageEmptyError("The file is empty (0 bytes).")
        image_format = sniff_format(bytes(view[:64]))
        if image_format not in FORMATS:
            what = f"is {image_format.name}" if image_format else "is no image"
            raise ImageFormatError(f"The content {what}; JPEG, PNG and WebP photos are enhanced.")
        return await asyncio.to_thread(self._enhancer.plan, view, received.fields.options())

    async def _submit(
        self, principal: Principal, received: ReceivedFile, place: Place, estimated_s: float | None, *, is_batch: bool
    ) -> Submitted:
        token, enhancement_id = new_token(), new_id()
        task = EnhancementTask(
            id=enhancement_id,
            owner_id=principal.id,
            is_batch=is_batch,
            name=received.name,
            options=received.fields.options(),
            upload=received.content,
            upload_bytes=len(received.content),
            token=token,
            estimated_s=estimated_s,
            steps=[] if is_batch else [PhotoStep(received.name, len(received.content))],
            total=None if is_batch else 1,
        )
        self.held.add(task, place)
        try:
            await self._jobs.seen_by(principal).submit(
                ENHANCEMENT,
                {"is_batch": is_batch, "size_bytes": task.upload_bytes, "node": self.held.node.id},
                draft=JobDraft(enhancement_id, self._jobs.folder_of(enhancement_id)),
                total=task.total,
            )
        except BaseException:
            await self.held.clean(task, CleaningReason.DELETED)
            raise
        return task, token

    def _own(self, owner_id: str, enhancement_id: str) -> EnhancementTask | None:
        """None: this process does not hold it."""
        task = self.held.get(enhancement_id)
        if task is not None and task.owner_id != owner_id:
            raise _no_such(enhancement_id)
        return task

    async def _own_job(self, owner_id: str, enhancement_id: str) -> Job:
        async with self._database.session() as session:
            job = await EnhancementRecords(session).job(enhancement_id)
        if job is None or job.owner_id != owner_id:
            raise _no_such(enhancement_id)
        return job

    async def _answer_elsewhere(self, job: Job) -> EnhancementAnswer | None:
        """As the process says it that holds it; None: that has forgotten it, does not answer, or is gone."""
        holder = holder_of(job)
        if holder is None or holder == self.held.node.id:
            return None
        with suppress(NodeUnreachableError):
            told = await self._asking.ask(holder, ANSWER, job.id)
            answer = None if told is None else EnhancementAnswer.model_validate(told)
            # A node that lost its home goes on with what all others have ended.
            is_given_up = job.status in ENDED and answer is not None and not answer.status.has_ended
            return None if is_given_up else answer
        return None

    async def _ended_elsewhere(self, owner_id: str, enhancement_id: str) -> Job:
        """Its node ends it at its next step; one that does not answer may be gone, and is not waited for any longer."""
        deadline = time.monotonic() + ELSEWHERE_S
        job = await self._own_job(owner_id, enhancement_id)
        while job.status not in ENDED and time.monotonic() < deadline:
            await asyncio.sleep(ELSEWHERE_POLL_S)
            job = await self._own_job(owner_id, enhancement_id)
        return job

    async def _clean_job(self, job: Job) -> None:
        """One that another process worked on."""
        result = result_of(job)
        if result is None:
            return
        await self.held.store.remove(result.name)
        await self._cleaned_elsewhere(job.id, holder_of(job), CleaningReason.DELETED)

    async def _cleaned_elsewhere(self, enhancement_id: str, holder: str | None, reason: CleaningReason) -> None:
        """Nothing is left of one that another process worked on: it notes that, or where it is gone this one does."""
        if holder is not None and holder != self.held.node.id:
            with suppress(NodeUnreachableError):
                told = {"enhancement_id": enhancement_id, "reason": reason.value}
                if await self._asking.ask(holder, CLEANED, told):
                    return
        await self.held.note_cleaned(enhancement_id, reason)

    async def _left(
        self, enhancement_id: str, holder: str | None, result: StoredResult, sealed: Sealed, is_whole: bool
    ) -> None:
        task = self.held.get(enhancement_id)
        if task is not None:
            task.is_leaving = False
        left_s = (result.expires_at - now_utc()) / timedelta(seconds=1)
        if not is_whole and left_s > 0 and (task is None or task.status is EnhancementStatus.COMPLETED):
            await self.held.store.put(result.name, sealed, left_s)
            return
        await asyncio.to_thread(erase_sealed, sealed)
        reason = CleaningReason.RETRIEVED if is_whole else CleaningReason.EXPIRED
        if task is not None:
            await self.held.clean(task, reason)
        else:
            await self._cleaned_elsewhere(enhancement_id, holder, reason)


def _announced(headers: Mapping[str, str], max_bytes: int) -> int:
    """What the upload will take at most."""
    length = headers.get("content-length", "")
    return min(int(length), max_bytes) if length.isdecimal() else max_bytes


def _result_of_task(task: EnhancementTask) -> StoredResult:
    if task.cleaned_at is not None and task.status is EnhancementStatus.CLEANED:
        raise _gone(task.cleaned_by)
    if task.result is None or task.status is not EnhancementStatus.COMPLETED:
        raise EnhancementStateError(f"The enhancement is {task.status}: there is no result.")
    return task.result


def _result_of_job(job: Job) -> StoredResult:
    result, cleaned = result_of(job), cleaned_of(job)
    if result is None:
        if cleaned is not None and job.status != JobStatus.FAILED:
            raise _gone(cleaned.by)
        raise EnhancementStateError(f"The enhancement is {job.status}: there is no result.")
    return result


def _gone(reason: CleaningReason | None) -> EnhancementGoneError:
    told = None if reason is None else GONE.get(reason)
    return EnhancementGoneError(told or "The enhancement was cleaned.")


def _no_such(enhancement_id: str) -> EnhancementNotFoundError:
    return EnhancementNotFoundError(f"There is no enhancement {enhancement_id!r}.")
