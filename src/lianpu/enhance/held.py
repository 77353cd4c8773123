"""The enhancements that this process holds: found by id, cleaned when their time comes, all of them at the end."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.audit.audit import Audit
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.enhance.admission import Admission, Place
from lianpu.enhance.records import Cleaned, EnhancementRecords, holder_of, result_of
from lianpu.enhance.tasks import CleaningReason, EnhancementStatus, EnhancementTask
from lianpu.errors import AuditUnavailableError, EnhancementLostError, EphemeralStoreError, LianpuError
from lianpu.http.audited import Action
from lianpu.jobs.events import JobEvents
from lianpu.jobs.models import Job, JobStatus
from lianpu.nodes.presence import Node
from lianpu.storage.ephemeral import EphemeralStore

SWEEP_S = 1.0
ORPHANS_EVERY_S = 30.0
REMEMBERED = timedelta(hours=1)
MAX_REMEMBERED = 1000
"""Ended enhancements whose names and steps their owners still see."""
_LOST = "The server ended while it had this: what was sent lay in its memory alone. Nothing is left; send it again."
_log = logging.getLogger(__name__)


class HeldEnhancements:
    """Lives on one event loop."""

    def __init__(
        self,
        database: Database,
        store: EphemeralStore,
        admission: Admission,
        audit: Audit,
        events: JobEvents,
        node: Node,
    ) -> None:
        self.store = store
        self.node = node
        self.admission = admission
        self._database = database
        self._audit = audit
        self._events = events
        self._tasks: dict[str, EnhancementTask] = {}
        self._places: dict[str, Place] = {}
        events.subscribe(self._on_commit)
        self._has_news = False
        self.cleaned: Counter[CleaningReason] = Counter()
        """How many ended for which reason, since the start."""

    def all(self) -> Collection[EnhancementTask]:
        """Those that this process knows, ended ones too."""
        return list(self._tasks.values())

    def add(self, task: EnhancementTask, place: Place) -> None:
        place.bytes_held = task.upload_bytes
        place.left_s = lambda: task.left_s
        self._tasks[task.id] = task
        self._places[task.id] = place

    def get(self, enhancement_id: str) -> EnhancementTask | None:
        return self._tasks.get(enhancement_id)

    def waiting(self) -> Collection[str]:
        """Ids of those that nobody works on yet."""
        return [task.id for task in self._tasks.values() if task.status is EnhancementStatus.PENDING]

    def completed(self, task: EnhancementTask) -> None:
        """Its result lies in the store now."""
        assert task.result is not None
        task.status, task.finished_at = EnhancementStatus.COMPLETED, now_utc()
        task.erase_upload()
        task.token = None
        place = self._places.get(task.id)
        if place is not None:
            place.bytes_held = task.result.size_bytes
            left_s = (task.result.expires_at - now_utc()).total_seconds()
            place.result_ends_at = time.monotonic() + left_s
        task.ended.set()

    def failed(self, task: EnhancementTask, error: LianpuError) -> None:
        task.error = error
        self._over(task, EnhancementStatus.FAILED, CleaningReason.FAILED)

    async def clean(self, task: EnhancementTask, reason: CleaningReason) -> None:
        """Overwrite what is left. A failed one stays failed: of it nothing was left."""
        if task.status in {EnhancementStatus.FAILED, EnhancementStatus.CLEANED}:
            return
        if task.result is not None:
            with suppress(EphemeralStoreError):  # its time there runs out by itself
                await self.store.remove(task.result.name)
        self._over(task, EnhancementStatus.CLEANED, reason)
        if reason is not CleaningReason.DELETED:  # which its route has recorded
            await self.record(task.id, Action.ENHANCEMENT_CLEAN, reason=reason.value)
        await self._note_task(task)

    async def record(self, enhancement_id: str, action: Action, **detail: Any) -> None:
        """In the audit log; what cannot be stored now follows later."""
        with suppress(AuditUnavailableError):
            await self._audit.record(action, enhancement_id, detail)

    def _over(self, task: EnhancementTask, status: EnhancementStatus, reason: CleaningReason) -> None:
        self.cleaned[reason] += 1
        task.erase_upload()
        task.token = None
        moment = now_utc()
        task.status, task.cleaned_at, task.cleaned_by = status, moment, reason
        task.finished_at = task.finished_at or moment
        place = self._places.pop(task.id, None)
        if place is not None:
            self.admission.give_back(place)
        task.ended.set()

    async def note_cleaned(self, enhancement_id: str, reason: CleaningReason) -> bool:
        """Its row says that nothing is left from now on. False: its job is just ending."""
        return await self._note(enhancement_id, Cleaned(now_utc(), reason))

    async def _note_task(self, task: EnhancementTask) -> None:
        """If the job is just ending, the next sweep does it."""
        assert task.cleaned_at is not None
        assert task.cleaned_by is not None
        task.is_noted = await self._note(task.id, Cleaned(task.cleaned_at, task.cleaned_by))

    async def _note(self, enhancement_id: str, cleaned: Cleaned) -> bool:
        async with self._database.session() as session:
            job = await EnhancementRecords(session).job(enhancement_id)
            is_noted = job is None or EnhancementRecords.note_cleaned(job, cleaned)
            await session.commit()
        return is_noted

    def _on_commit(self) -> None:
        self._has_news = True

    async def run(self) -> None:
        """Every second: what is past its time is overwritten."""
        orphans_at = time.monotonic() + ORPHANS_EVERY_S
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.sweep()
                if not self._database.is_sqlite and time.monotonic() >= orphans_at:
                    orphans_at = time.monotonic() + ORPHANS_EVERY_S
                    await self._end_orphans()
            except Exception as error:  # the next one tries again
                _log.error("enhancements cannot be cleaned", exc_info=error)

    async def sweep(self) -> None:
        await self.store.expire()
        moment = now_utc()
        for task in list(self._tasks.values()):
            is_over = task.result is not None and task.result.expires_at <= moment
            if task.status is EnhancementStatus.COMPLETED and is_over and not task.is_leaving:
                await self.clean(task, CleaningReason.EXPIRED)
            if task.cleaned_at is not None and not task.is_noted:
                await self._note_task(task)
        if self._has_news:
            self._has_news = False
            await self._look_at_jobs()
        self._forget()

    async def _look_at_jobs(self) -> None:
        """Jobs can be cancelled and deleted by their own routes."""
        there = [task for task in self._tasks.values() if task.cleaned_at is None]
        if not there:
            return
        async with self._database.session() as session:
            statuses = await EnhancementRecords(session).statuses(task.id for task in there)
        for task in there:
            status = statuses.get(task.id)
            is_waiting = task.status is EnhancementStatus.PENDING
            if (status is None and task.has_ended) or (status == JobStatus.CANCELLED and is_waiting):
                await self.clean(task, CleaningReason.DELETED)

    def _forget(self) -> None:
        over = [task for task in self._tasks.values() if task.cleaned_at is not None and task.is_noted]
        moment = now_utc() - REMEMBERED
        for place, task in enumerate(over):
            assert task.cleaned_at is not None
            if task.cleaned_at < moment or len(over) - place > MAX_REMEMBERED:
                del self._tasks[task.id]

    async def start(self) -> None:
        """What another life of the server left unfinished has failed: nothing of it is there.

        Raises:
            EphemeralStoreError: the store writes to disk, or cannot be reached.
        """
        await self.store.check()
        if self._database.is_sqlite:
            # The home's lock says that nobody else works on this database.
            async with self._database.session() as session:
                await self._end(session, await EnhancementRecords(session).unfinished())
        else:
            await self._end_orphans()
        await self._note_lost()

    async def close(self) -> None:
        """Overwrite everything, in order: the server ends. Results that other nodes can give out stay their time."""
        leaves_results = self.store.is_shared and self.node.is_registered
        for task in list(self._tasks.values()):
            if leaves_results and task.status is EnhancementStatus.COMPLETED and not task.is_leaving:
                continue
            await self.clean(task, CleaningReason.STOPPED)
            if not task.is_noted:
                await self._note_task(task)
        async with self._database.session() as session:
            left = await EnhancementRecords(session).unfinished()
            await self._end(session, [job for job in left if job.id in self._tasks])
        with suppress(EphemeralStoreError):
            await self.store.close(erases=not leaves_results)

    async def _end_orphans(self) -> None:
        """Those of a node that is gone."""
        async with self._database.session() as session:
            moment = now_utc()
            left = [job for job in await EnhancementRecords(session).unfinished() if not _is_leased(job, moment)]
            # After the rows: a node that has written one is among the living by then.
            living = await asyncio.to_thread(self.node.living)
            gone = [job for job in left if job.id not in self._tasks and holder_of(job) not in living]
            await self._end(session, gone)

    async def _end(self, session: AsyncSession, jobs: Sequence[Job]) -> None:
        for job in jobs:
            _fail(job)
            EnhancementRecords.note_cleaned(job, Cleaned(now_utc(), CleaningReason.STOPPED))
            await self._events.note(session, job, JobStatus.FAILED)
        await session.commit()
        self._events.committed()

    async def _note_lost(self) -> None:
        """Results that lay in a memory that is gone."""
        async with self._database.session() as session:
            uncleaned = await EnhancementRecords(session).uncleaned()
            living = await asyncio.to_thread(self.node.living)
            for job in uncleaned:
                result = result_of(job)
                if holder_of(job) in living or result is None:
                    continue
                if not await self.store.has(result.name):
                    EnhancementRecords.note_cleaned(job, Cleaned(now_utc(), CleaningReason.STOPPED))
            await session.commit()


def _is_leased(job: Job, moment: datetime) -> bool:
    """Somebody works on it."""
    return job.lease_expires_at is not None and job.lease_expires_at > moment


def _fail(job: Job) -> None:
    lost = EnhancementLostError(_LOST)
    job.status = JobStatus.FAILED
    job.error = {"code": lost.code, "title": lost.title, "detail": lost.detail, "errors": []}
    job.finished_at = now_utc()
    job.worker = job.lease_expires_at = None
