"""What runs a job: one handler a kind, and the job as its handler sees it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.session import Database
from lianpu.jobs.models import ITEM_NAME_MAX_CHARS, JobItem
from lianpu.jobs.repository import JobRepository

REPORT_INTERVAL_S = 0.5
MESSAGE_MAX_CHARS = 500


class JobCancelled(Exception):  # noqa: N818 (a way out, not an error)
    """Somebody asked the job to end; raised where the handler reports, and meant to pass through it."""


class JobTaken(Exception):  # noqa: N818
    """The lease ran out (a process that slept, a machine that swapped) and another worker has the job now."""


def _nobody(_done: int, _total: int | None, _message: str | None) -> None:
    """Nobody listens."""


@dataclass
class RunningJob:
    """One attempt at a job. A handler may be ended at any await; it goes on from `checkpoint` and items."""

    id: str
    kind: str
    owner_id: str | None
    """Whoever asked for it; None: the server itself, or somebody before there were accounts."""
    parameters: dict[str, Any]
    checkpoint: dict[str, Any]
    """What the last `report(…, checkpoint=…)` saved; empty at first."""
    attempt: int
    """1 at first; more after a crash."""
    folder: Path
    """The job's own: what came with the submission, and what it leaves for download. Goes with the job."""
    database: Database
    worker: str
    is_cancelled: Callable[[], bool]
    on_progress: Callable[[int, int | None, str | None], None] = field(default=_nobody)
    """Told of every `done`, `total` and `message` that was written."""
    _reported_at: float = field(default=float("-inf"), repr=False)

    async def report(
        self, done: int, total: int | None, *, message: str | None = None, checkpoint: dict[str, Any] | None = None
    ) -> None:
        """Say how far the job is. Written a few times a second at most; a checkpoint is written at once.

        Raises:
            JobCancelled: the job is to end.
            JobTaken: another worker has it.
        """
        if self.is_cancelled():
            raise JobCancelled
        moment = time.monotonic()
        if checkpoint is None and done != total and moment - self._reported_at < REPORT_INTERVAL_S:
            return
        self._reported_at = moment
        values: dict[str, Any] = {"done": done, "total": total}
        if message is not None:
            values["message"] = message[:MESSAGE_MAX_CHARS]
        if checkpoint is not None:
            values["checkpoint"] = self.checkpoint = checkpoint

        async def save(session: AsyncSession) -> bool:
            repository = JobRepository(session)
            if not await repository.save(self.id, self.worker, values):
                raise JobTaken
            # Another node's API may have been the one that was asked to cancel.
            return (await repository.job(self.id)).cancel_requested

        cancel_requested = await self.database.committed(save)
        self.on_progress(done, total, values.get("message"))
        if cancel_requested:
            raise JobCancelled

    def add_item(self, session: AsyncSession, position: int, name: str, status: str, detail: dict[str, Any]) -> None:
        """Note what became of an item, in the session that makes it so: both are committed, or neither is."""
        # A name of another file system may hold halves of characters that no database takes.
        shown = name.encode("utf-8", "replace").decode().replace("\0", "?")[-ITEM_NAME_MAX_CHARS:]
        session.add(JobItem(job_id=self.id, position=position, name=shown, status=status, detail=detail))

    async def checkpoint_within(self, session: AsyncSession, done: int, checkpoint: dict[str, Any]) -> None:
        """Save progress in the session that makes it so: both are committed, or neither is.

        Raises:
            JobTaken: another worker has the job.
        """
        if not await JobRepository(session).save(self.id, self.worker, {"done": done, "checkpoint": checkpoint}):
            raise JobTaken
        self.checkpoint = checkpoint

    async def items_done(self) -> set[int]:
        """Positions of the items that earlier attempts have finished."""
        async with self.database.session() as session:
            return await JobRepository(session).item_positions(self.id)

    async def item_details(self, status: str, key: str) -> list[Any]:
        """What the items that ended so say under `key`, of those that say it."""
        async with self.database.session() as session:
            details = await JobRepository(session).item_details(self.id, status)
        return [detail[key] for detail in details if key in detail]

    async def item_counts(self) -> dict[str, int]:
        """How many items ended how."""
        async with self.database.session() as session:
            return await JobRepository(session).item_counts(self.id)


class JobHandler(Protocol):
    """Runs jobs of one kind.

    After a crash the same job is run again with its last checkpoint, so each step either can be done twice, or is
    committed together with its item or checkpoint.
    """

    @property
    def kind(self) -> str:
        """Such as `gallery.reembed`."""
        ...

    async def run(self, job: RunningJob) -> dict[str, Any]:
        """Do it all; the returned mapping (JSON) is the job's result.

        A LianpuError ends the job as failed, with that error's code and detail.
        """
        ...
