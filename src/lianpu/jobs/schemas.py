"""What the API says of jobs."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from lianpu.jobs.jobs import JobRecord
from lianpu.jobs.models import Job, JobItem, JobStatus


class JobProgress(BaseModel):
    done: int = Field(examples=[120])
    total: int | None = Field(description="Null: not known yet.", examples=[500])
    message: str | None = None


class JobError(BaseModel):
    """The problem that ended a job."""

    code: str = Field(examples=["pack_damaged"])
    title: str
    detail: str
    errors: list[dict[str, str]] = Field(default_factory=list[dict[str, str]])


class JobAnswer(BaseModel):
    job_id: str
    kind: str = Field(examples=["gallery.reembed"])
    is_withheld: bool = Field(
        description="Somebody else's inference: what was asked and what came of it is for its owner alone."
    )
    status: JobStatus
    progress: JobProgress
    parameters: dict[str, Any] = Field(description="What it was asked to do; empty when withheld.")
    result: dict[str, Any] | None = Field(
        description="Of a completed job; its fields depend on the kind. Null when withheld."
    )
    error: JobError | None = Field(description="Of a failed job.")
    items: dict[str, int] = Field(description="How many items ended how; empty in lists.", examples=[{"enrolled": 498}])
    attempts: int = Field(description="More than 1: it was resumed after a crash.")
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job, item_counts: dict[str, int] | None = None, *, is_withheld: bool = False) -> "JobAnswer":
        return cls(
            job_id=job.id,
            kind=job.kind,
            is_withheld=is_withheld,
            status=JobStatus(job.status),
            progress=JobProgress(done=job.done, total=job.total, message=job.message),
            parameters={} if is_withheld else job.parameters,
            result=None if is_withheld else job.result,
            error=None if job.error is None else JobError(**job.error),
            items=item_counts or {},
            attempts=job.attempts,
            cancel_requested=job.cancel_requested,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )

    @classmethod
    def of_record(cls, record: JobRecord) -> "JobAnswer":
        return cls.of(record.job, record.item_counts, is_withheld=record.is_withheld)


class JobStartedAnswer(BaseModel):
    """202: the work goes on; `GET /api/v1/jobs/{job_id}` says how far it is."""

    job: JobAnswer
    request_id: str


class JobOnlyAnswer(BaseModel):
    job: JobAnswer
    request_id: str


class JobListAnswer(BaseModel):
    jobs: list[JobAnswer]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last page.")
    request_id: str


class JobItemAnswer(BaseModel):
    position: int
    name: str = Field(examples=["zhang-san/1.jpg"])
    status: str = Field(examples=["enrolled"])
    detail: dict[str, Any]

    @classmethod
    def of(cls, item: JobItem) -> "JobItemAnswer":
        return cls(position=item.position, name=item.name, status=item.status, detail=item.detail)


class JobItemsAnswer(BaseModel):
    items: list[JobItemAnswer]
    next_cursor: str | None
    request_id: str
