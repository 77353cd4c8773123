"""The messages of a push connection, the same by WebSocket and by Server-Sent Events."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from lianpu.jobs.models import Job, JobStatus
from lianpu.jobs.schemas import JobError

MAX_MESSAGE_CHARS = 8192
LARGEST_ID = 2**63 - 1


class AuthMessage(BaseModel):
    """From the client by WebSocket: its first message, or later a new token of the same user."""

    type: Literal["auth"]
    token: str = Field(pattern=r"^[!-~]+$", description="Access token or API key.")
    last_event_id: int | None = Field(
        default=None, ge=0, le=LARGEST_ID, description="Go on after this event; only in the first message."
    )


class ReadyMessage(BaseModel):
    """The first message of the server: events after `last_event_id` follow."""

    type: Literal["ready"] = "ready"
    last_event_id: int
    heartbeat_s: float = Field(description="A connection that is silent for much longer is broken.")


class ResetMessage(BaseModel):
    """What was missed is not kept any more: read the list anew; events after `last_event_id` follow."""

    type: Literal["reset"] = "reset"
    last_event_id: int


class HeartbeatMessage(BaseModel):
    type: Literal["heartbeat"] = "heartbeat"


class ClosedMessage(BaseModel):
    """The last one by Server-Sent Events; by WebSocket the close frame says it."""

    type: Literal["closed"] = "closed"
    code: int
    reason: str


class PushedJob(BaseModel):
    job_id: str
    kind: str
    status: JobStatus
    done: int
    total: int | None
    message: str | None
    error: JobError | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "PushedJob":
        return cls(
            job_id=job.id,
            kind=job.kind,
            status=JobStatus(job.status),
            done=job.done,
            total=job.total,
            message=job.message,
            error=None if job.error is None else JobError(**job.error),
            created_at=job.created_at,
            finished_at=job.finished_at,
        )


class JobMessage(BaseModel):
    """A job became something else (with `event_id`), or is further than it was (without)."""

    type: Literal["job"] = "job"
    event_id: int | None = Field(default=None, description="Resume after it. Left out of progress, which is not kept.")
    job: PushedJob
    task: dict[str, Any] | None = Field(
        default=None, description="Of an inference, for its owner: the task as its own route shows it; else left out."
    )
