"""Everything that takes long."""

from datetime import datetime
from typing import Any

from lianpu.client.answers.record import Record


class JobProgress(Record):
    done: int
    total: int | None
    """Null: not known yet."""
    message: str | None = None


class JobError(Record):
    """The problem that ended a job."""

    code: str
    title: str
    detail: str
    errors: tuple[dict[str, str], ...] = ()


class Job(Record):
    job_id: str
    kind: str
    is_withheld: bool
    """Somebody else's inference: what was asked and what came of it is for its owner alone."""
    status: str
    progress: JobProgress
    parameters: dict[str, Any]
    """What it was asked to do; empty when withheld."""
    result: dict[str, Any] | None
    """Of a completed job; its fields depend on the kind. Null when withheld."""
    error: JobError | None
    """Of a failed job."""
    items: dict[str, int]
    """How many items ended how; empty in lists."""
    attempts: int
    """More than 1: it was resumed after a crash."""
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobItem(Record):
    position: int
    name: str
    status: str
    detail: dict[str, Any]
