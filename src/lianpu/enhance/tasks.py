"""An enhancement in the memory of the process that works on it: its photos, their steps, what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lianpu.database.base import now_utc
from lianpu.engines.restore.enhancement import EnhancementOptions, EnhancementReport, Stage
from lianpu.enhance.results import StoredResult
from lianpu.errors import LianpuError
from lianpu.storage.erasure import ErasableBuffer


class EnhancementStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    """The result waits to be fetched."""
    FAILED = "failed"
    CLEANED = "cleaned"
    """Nothing of it is left: neither what was sent nor the result."""

    @property
    def has_ended(self) -> bool:
        return self not in {EnhancementStatus.PENDING, EnhancementStatus.PROCESSING}


class CleaningReason(StrEnum):
    """Why nothing is left."""

    RETRIEVED = "retrieved"
    EXPIRED = "expired"
    """Nobody fetched the result in time."""
    DELETED = "deleted"
    """Its owner said so."""
    FAILED = "failed"
    STOPPED = "stopped"
    """The server ended, in order or not."""


class StepStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(slots=True)
class PhotoStep:
    """One photo on its way; the only one of an enhancement that is no batch."""

    name: str
    """As its owner called it, with folders where it came in an archive; nowhere but here."""
    size_bytes: int
    status: StepStatus = StepStatus.PENDING
    stage: Stage | None = None
    share: float = 0.0
    """How much of it is done, 0…1."""
    output_name: str | None = None
    output_bytes: int | None = None
    report: EnhancementReport | None = None
    error: LianpuError | None = None


@dataclass(slots=True)
class EnhancementTask:
    """Lives on the event loop; worker threads tell it of stages through the loop."""

    id: str
    owner_id: str
    is_batch: bool
    name: str
    """Of the file that was sent."""
    options: EnhancementOptions
    upload: ErasableBuffer | None
    """None: overwritten."""
    upload_bytes: int
    token: bytes | None
    """The retrieval token, until the result is sealed by it; its holder has the only other copy."""
    estimated_s: float | None
    """Of all photos, each running alone; None: not known yet."""
    steps: list[PhotoStep]
    total: int | None = 1
    """How many photos there are; None: the archive was not looked through yet."""
    status: EnhancementStatus = EnhancementStatus.PENDING
    created_at: datetime = field(default_factory=now_utc)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: LianpuError | None = None
    result: StoredResult | None = None
    cleaned_at: datetime | None = None
    cleaned_by: CleaningReason | None = None
    is_leaving: bool = False
    """Its result is on its way to whoever fetches it."""
    is_noted: bool = False
    """The jobs' table says that nothing is left."""
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Completed, failed or cleaned."""

    @property
    def done(self) -> int:
        """Photos that have ended, well or not."""
        return sum(step.status in {StepStatus.COMPLETED, StepStatus.FAILED} for step in self.steps)

    @property
    def share(self) -> float:
        """How much of the whole is done, 0…1."""
        if self.has_ended:
            return 1.0
        running = sum(step.share for step in self.steps if step.status is StepStatus.PROCESSING)
        return min(1.0, (self.done + running) / self.total) if self.total else 0.0

    @property
    def has_ended(self) -> bool:
        return self.status.has_ended

    @property
    def left_s(self) -> float | None:
        """What it still needs, running alone; None: not known yet."""
        return None if self.estimated_s is None else self.estimated_s * (1 - self.share)

    @property
    def running_step(self) -> PhotoStep | None:
        return next((step for step in self.steps if step.status is StepStatus.PROCESSING), None)

    @property
    def failures(self) -> Sequence[PhotoStep]:
        return [step for step in self.steps if step.status is StepStatus.FAILED]

    def erase_upload(self) -> None:
        if self.upload is not None:
            self.upload.erase()
            self.upload = None
