"""What is told of a job, as it was at an event or is while it runs."""

from collections.abc import Callable

from pydantic import BaseModel

from lianpu.jobs.models import ENDED, Job, JobEvent, JobStatus
from lianpu.jobs.push.messages import JobMessage, PushedJob
from lianpu.jobs.push.subscription import Frame, PushedChange

TaskOf = Callable[[Job], BaseModel]


class Changes:
    def __init__(self) -> None:
        self._tasks: dict[str, TaskOf] = {}

    @property
    def kinds(self) -> frozenset[str]:
        """Those that are told with more than their job, from its parameters and result."""
        return frozenset(self._tasks)

    def tell_with(self, kind: str, task_of: TaskOf) -> None:
        """`task_of`: what owners of such jobs are told beside; it gets a job that is in no session."""
        self._tasks[kind] = task_of

    def of_event(self, event: JobEvent, job: Job) -> PushedChange:
        """`job`: as it is now, which may be long after the event."""
        return self._change(_as_of(event, job, whole=job.kind in self._tasks), event.sequence)

    def of_progress(self, job: Job) -> PushedChange:
        return self._change(job, None)

    def _change(self, job: Job, event_id: int | None) -> PushedChange:
        message = JobMessage(event_id=event_id, job=PushedJob.of(job))
        frame = owners_frame = _frame(message, event_id)
        if job.kind in self._tasks:
            message.task = self._tasks[job.kind](job).model_dump(mode="json")
            owners_frame = _frame(message, event_id)
        return PushedChange(job.id, job.kind, job.owner_id, event_id, frame, owners_frame)


def _frame(message: JobMessage, event_id: int | None) -> Frame:
    left_out = {name for name in ("event_id", "task") if getattr(message, name) is None}
    return Frame(message.type, message.model_dump_json(exclude=left_out), event_id)


def _as_of(event: JobEvent, job: Job, *, whole: bool) -> Job:
    is_now = event.status == job.status
    ended_at = job.finished_at if is_now and job.finished_at is not None else event.at
    return Job(
        id=job.id,
        kind=job.kind,
        owner_id=job.owner_id,
        status=event.status,
        parameters=job.parameters if whole else {},
        result=job.result if whole and event.status == JobStatus.COMPLETED else None,
        error=job.error if event.status == JobStatus.FAILED else None,
        message=job.message,
        done=job.done,
        total=job.total,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=ended_at if event.status in ENDED else None,
    )
