"""The job that enrols an upload: item by item, each committed together with its outcome."""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from lianpu.database.session import Database
from lianpu.errors import (
    ArchiveGoneError,
    BusyError,
    DuplicateImageError,
    ImageFormatError,
    LianpuError,
    NotFoundError,
    PackError,
    PersonExistsError,
    PersonNotFoundError,
    StorageError,
)
from lianpu.gallery.bulk.plan import BulkItem
from lianpu.gallery.bulk.requests import EXISTED_FILE, existing_persons, read_plan
from lianpu.gallery.bulk.uploads import UPLOAD
from lianpu.gallery.changes import GalleryChange, GalleryChanges
from lianpu.gallery.enrolment import Enrolled, Enrolment, FaceChoice, ImageOptions, PersonFields, PreparedImage
from lianpu.jobs.handler import RunningJob
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import CheckMode, LivenessMode
from lianpu.storage.archive import ArchiveLimits, read_entries

ENROLLED, WOULD_ENROL, DUPLICATE, SKIPPED, FAILED = "enrolled", "would_enrol", "duplicate", "skipped", "failed"


_Prepared = asyncio.Task[PreparedImage] | LianpuError | None


class _NotKept(Exception):  # noqa: N818 (a way out of a change)
    """Of a dry run: everything was tried and nothing is to stay."""


@dataclass
class _Run:
    job: RunningJob
    options: ImageOptions
    skips_existing: bool
    is_dry: bool
    done: set[int]
    known: set[str]
    """Persons who existed or were made already: one who is gone by now was deleted, and is not made again."""
    existed: set[str]
    """Before the job began."""
    tried: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Of a dry run: persons and the hashes of their photos, which the gallery does not get to know."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: str
    detail: dict[str, Any] = field(default_factory=dict[str, Any])


class BulkEnrolment:
    """Implements `JobHandler`. Several photos are prepared at once; they are stored in the order of the upload."""

    kind = "gallery.bulk_enrol"

    def __init__(
        self,
        enrolment: Enrolment,
        changes: GalleryChanges,
        database: Database,
        queue: InferenceQueue,
        limits: ArchiveLimits,
    ) -> None:
        self._enrolment = enrolment
        self._changes = changes
        self._database = database
        self._queue = queue
        self._limits = limits
        # Half of the workers are left to whoever waits for an answer.
        self._at_once = max(1, queue.numbers.workers // 2)

    async def run(self, job: RunningJob) -> dict[str, Any]:
        started = time.monotonic()
        if not await asyncio.to_thread((job.folder / UPLOAD).is_file):
            result = job.checkpoint.get("result")
            if result is not None and result["items"] == await job.item_counts():
                return result
            raise ArchiveGoneError("The upload was cleared away once everything in it was done.")
        plan = await asyncio.to_thread(read_plan, job.folder, self._limits)
        run = await self._begin(job, plan)
        await job.report(len(run.done), len(plan))
        await self._all(run, plan)
        counts = await job.item_counts()
        seconds = time.monotonic() - started
        handled = len(plan) - len(run.done)
        result = {
            "items": counts,
            "persons_created": len(await job.item_details(ENROLLED, "person_created")),
            "dry_run": run.is_dry,
            "upload_kept": bool(counts.get(FAILED)) and not run.is_dry,
            "seconds": round(seconds, 2),
            "images_per_second": round(handled / seconds, 2) if seconds > 0 else 0.0,
        }
        if not result["upload_kept"]:
            # Photos are personal data; only what is to be tried again keeps them. A crash in between must not make a
            # failure of work that is done.
            await job.report(len(plan), len(plan), checkpoint={**job.checkpoint, "result": result})
            await asyncio.to_thread((job.folder / UPLOAD).unlink, missing_ok=True)
        return result

    async def _begin(self, job: RunningJob, plan: list[BulkItem]) -> _Run:
        said = job.parameters
        options = ImageOptions(
            choice=FaceChoice(None, said["face_selection"]),
            packs=said["models_to_generate"],
            quality_mode=said["quality_mode"] and CheckMode(said["quality_mode"]),
            conflict_mode=said["conflict_mode"] and CheckMode(said["conflict_mode"]),
            liveness_mode=said["liveness_mode"] and LivenessMode(said["liveness_mode"]),
        )
        done = await job.items_done()
        existing = await existing_persons(self._database, plan)
        made = set(await job.item_details(ENROLLED, "person_id"))
        if "existed" not in job.checkpoint:
            submitted = json.loads(await asyncio.to_thread((job.folder / EXISTED_FILE).read_text))
            await job.report(len(done), len(plan), checkpoint={"existed": sorted(existing.union(submitted))})
        existed = set(job.checkpoint["existed"])
        known = existing | existed | made
        return _Run(job, options, said["on_existing"] == "skip", said["dry_run"], done, known, existed)

    async def _all(self, run: _Run, plan: list[BulkItem]) -> None:
        waiting: deque[tuple[BulkItem, _Prepared]] = deque()
        handled = len(run.done)

        async def settle_oldest() -> None:
            nonlocal handled
            item, prepared = waiting.popleft()
            await self._settle(run, item, prepared)
            handled += 1
            await run.job.report(handled, len(plan), message=item.file)

        try:
            async with aclosing(self._photos(run, plan)) as photos:
                async for item, content in photos:
                    waiting.append((item, self._begin_item(run, item, content)))
                    if len(waiting) > self._at_once:
                        await settle_oldest()
            while waiting:
                await settle_oldest()
        finally:
            tasks = [task for _, task in waiting if isinstance(task, asyncio.Task)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _photos(
        self, run: _Run, plan: list[BulkItem]
    ) -> AsyncGenerator[tuple[BulkItem, bytes | LianpuError | None]]:
        """Every item that is not done, with its bytes or the reason why it has none; None: to be left alone."""
        by_name: dict[str, BulkItem] = {}
        for item in plan:
            if item.position in run.done:
                continue
            if not item.is_photo:
                yield item, ImageFormatError("The file's name is none of a photo's.")
            elif item.problem is not None:
                yield item, item.problem
            elif run.skips_existing and item.person_id in run.existed:
                yield item, None
            else:
                by_name[item.file] = item
        if not by_name:
            return
        contents = read_entries(run.job.folder / UPLOAD, set(by_name), self._limits)
        while (found := await asyncio.to_thread(next, contents, None)) is not None:
            entry, content = found
            yield by_name[entry.name], content

    def _begin_item(self, run: _Run, item: BulkItem, content: bytes | LianpuError | None) -> "_Prepared":
        if not isinstance(content, bytes):
            return content
        options = run.options
        if item.face_index is not None:
            options = replace(options, choice=FaceChoice(item.face_index, options.choice.selection))
        prepare = self._queue.run_patiently(self._enrolment.prepare, item.person_id, content, options)
        return asyncio.create_task(prepare)

    async def _settle(self, run: _Run, item: BulkItem, prepared: "_Prepared") -> None:
        try:
            if isinstance(prepared, LianpuError):
                raise prepared
            if prepared is None:
                message = "This person existed before, and was to be left alone."
                await self._note(run, item, _Outcome(SKIPPED, _person(item, PersonExistsError.code, message)))
                return
            await self._store(run, item, await prepared)
        except (StorageError, BusyError):
            raise
        except (PackError, NotFoundError) as error:
            if not isinstance(error, PersonNotFoundError):
                raise  # no photo's fault, and true of all of them
            await self._note(run, item, _Outcome(SKIPPED, _person(item, "person_deleted", error.detail)))
        except DuplicateImageError as error:
            await self._note(run, item, _Outcome(DUPLICATE, _person(item, error.code, error.detail)))
        except LianpuError as error:
            status = FAILED if item.is_photo else SKIPPED
            await self._note(run, item, _Outcome(status, _refusal(item, error)))

    async def _store(self, run: _Run, item: BulkItem, prepared: PreparedImage) -> None:
        if run.is_dry:
            photo = (item.person_id, prepared.row.sha256)
            if photo in run.tried:
                raise DuplicateImageError(f"The upload holds this photo of {item.person_id!r} twice.")
            run.tried.add(photo)
            enrolled: list[Enrolled] = []
            try:
                async with self._changes.change() as change:
                    enrolled.append(await self._enrol(run, change, item, prepared))
                    raise _NotKept
            except _NotKept:
                await self._note(run, item, _Outcome(WOULD_ENROL, _success(item, enrolled[0])))
            return
        async with self._changes.change(prepared.files) as change:
            is_new = await change.repository.find_person(item.person_id) is None
            done = await self._enrol(run, change, item, prepared)
            detail = _success(item, done) | ({"person_created": True} if is_new else {})
            run.job.add_item(change.session, item.position, item.file, ENROLLED, detail)
        run.known.add(item.person_id)

    async def _enrol(self, run: _Run, change: GalleryChange, item: BulkItem, prepared: PreparedImage) -> Enrolled:
        person = await change.repository.find_person(item.person_id)
        if person is None and item.person_id in run.known:
            raise PersonNotFoundError(f"Person {item.person_id!r} was deleted while the job ran.")
        if person is not None and not item.is_named:
            return await self._enrolment.add_to(change, person, prepared)
        fields = PersonFields(item.person_id, item.name, item.metadata)
        return await self._enrolment.enrol_into(change, fields, prepared)

    async def _note(self, run: _Run, item: BulkItem, outcome: _Outcome) -> None:
        async with self._database.session() as session:
            run.job.add_item(session, item.position, item.file, outcome.status, outcome.detail)
            await session.commit()


def _person(item: BulkItem, code: str, message: str | None = None) -> dict[str, Any]:
    detail: dict[str, Any] = {"person_id": item.person_id, "code": code}
    return detail if message is None else {**detail, "message": message}


def _refusal(item: BulkItem, error: LianpuError) -> dict[str, Any]:
    detail = _person(item, error.code, error.detail)
    if error.errors:
        detail["errors"] = [{"field": one.field, "message": one.message, "code": one.code} for one in error.errors]
    return detail


def _success(item: BulkItem, enrolled: Enrolled) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "person_id": item.person_id,
        "name": item.name,
        "generated": [
            {"pack": one.pack, "version": one.version, "status": "failed" if one.embedding is None else "generated"}
            for one in enrolled.generated
        ],
    }
    if enrolled.image_id:
        detail["image_id"] = enrolled.image_id
    if enrolled.warnings:
        detail["warnings"] = [warning.figures() for warning in enrolled.warnings]
        detail["message"] = "; ".join(warning.message for warning in enrolled.warnings)
    return detail
