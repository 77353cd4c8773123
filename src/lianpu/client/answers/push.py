"""Messages that the server pushes."""

from datetime import datetime
from typing import Any

from lianpu.client.answers.jobs import JobError
from lianpu.client.answers.record import Record
from lianpu.client.answers.streams import StreamEvent


class PushedJob(Record):
    job_id: str
    kind: str
    status: str
    done: int
    total: int | None
    message: str | None
    error: JobError | None
    created_at: datetime
    finished_at: datetime | None


class PushMessage(Record):
    """`ready` comes first, `closed` last; `reset` says that something was missed. Others carry what happened."""

    type: str
    event_id: int | None = None
    """Resume after it."""
    last_event_id: int | None = None
    job: PushedJob | None = None
    task: dict[str, Any] | None = None
    """Of an inference: the task."""
    event: StreamEvent | None = None
    code: int | None = None
    """Of `closed`: why."""
    reason: str | None = None
