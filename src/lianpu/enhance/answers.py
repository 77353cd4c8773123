"""How an enhancement is told of that another process holds, or held, and what is pushed of any."""

from datetime import datetime

from lianpu.database.base import now_utc
from lianpu.enhance.records import cleaned_of, result_of
from lianpu.enhance.schemas import (
    EnhancementAnswer,
    EnhancementProblem,
    EnhancementResultAnswer,
    PushedEnhancement,
)
from lianpu.enhance.tasks import CleaningReason, EnhancementStatus, EnhancementTask
from lianpu.jobs.models import Job, JobStatus


def answer_of_job(job: Job) -> EnhancementAnswer:
    """Without photos and options, which never leave the process that holds them."""
    status, cleaned_at, cleaned_by = _state(job)
    result = result_of(job) if status is EnhancementStatus.COMPLETED else None
    told = job.error
    error = None
    if told is not None:
        error = EnhancementProblem(code=told["code"], title=told["title"], detail=told["detail"])
    return EnhancementAnswer(
        enhancement_id=job.id,
        is_batch=bool(job.parameters.get("is_batch")),
        status=status,
        progress=_share(job),
        done=job.done,
        total=job.total,
        estimated_s=None,
        options=None,
        photos=[],
        result=None if result is None else EnhancementResultAnswer.of(job.id, result),
        error=error,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        cleaned_at=cleaned_at,
        cleaned_by=cleaned_by,
    )


def pushed_of(job: Job, task: EnhancementTask | None) -> PushedEnhancement:
    """
    Args:
        job: in no session.
        task: None: this process does not hold it.
    """
    if task is None:
        status, cleaned_at, cleaned_by = _state(job)
        return PushedEnhancement(
            enhancement_id=job.id,
            is_batch=bool(job.parameters.get("is_batch")),
            status=status,
            progress=_share(job),
            done=job.done,
            total=job.total,
            failed=0,
            position=None,
            stage=None,
            photo_progress=None,
            cleaned_at=cleaned_at,
            cleaned_by=cleaned_by,
        )
    step = task.running_step
    return PushedEnhancement(
        enhancement_id=task.id,
        is_batch=task.is_batch,
        status=task.status,
        progress=round(task.share, 3),
        done=task.done,
        total=task.total,
        failed=len(task.failures),
        position=None if step is None else task.steps.index(step),
        stage=None if step is None else step.stage,
        photo_progress=None if step is None else round(step.share, 3),
        cleaned_at=task.cleaned_at,
        cleaned_by=task.cleaned_by,
    )


def _state(job: Job) -> tuple[EnhancementStatus, datetime | None, CleaningReason | None]:
    """With when and why it was cleaned."""
    cleaned, result = cleaned_of(job), result_of(job)
    if job.status == JobStatus.FAILED:
        status = EnhancementStatus.FAILED
    elif cleaned is not None or job.status == JobStatus.CANCELLED:
        status = EnhancementStatus.CLEANED
    elif result is not None and result.expires_at <= now_utc():
        return EnhancementStatus.CLEANED, result.expires_at, CleaningReason.EXPIRED
    else:
        status = EnhancementStatus(job.status)
    return status, None if cleaned is None else cleaned.at, None if cleaned is None else cleaned.by


def _share(job: Job) -> float:
    if job.status in {JobStatus.PENDING, JobStatus.PROCESSING}:
        return round(job.done / job.total, 3) if job.total else 0.0
    return 1.0
