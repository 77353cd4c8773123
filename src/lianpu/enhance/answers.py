"""How an enhancement is told of that another process holds, or held, and what is pushed of any."""

from datetime import datetime
from typing import Any

from lianpu.database.base import now_utc
from lianpu.engines.restore.enhancement import Stage
from lianpu.enhance.held import HeldEnhancements
from lianpu.enhance.records import cleaned_of, result_of
from lianpu.enhance.schemas import (
    EnhancementAnswer,
    EnhancementProblem,
    EnhancementResultAnswer,
    PushedEnhancement,
)
from lianpu.enhance.tasks import CleaningReason, EnhancementStatus, EnhancementTask
from lianpu.jobs.models import Job, JobStatus
from lianpu.nodes.asking import Asking

ANSWER, CLEANED = "enhancement", "enhancement_cleaned"
"""What nodes ask each other: how it stands with one; and to be done with one whose result another node gave out."""


def answer_questions(asking: Asking, held: HeldEnhancements) -> None:
    """Of other nodes, about the enhancements that this process holds."""

    async def answer(enhancement_id: str) -> Any:
        task = held.get(enhancement_id)
        return None if task is None else EnhancementAnswer.of(task).model_dump(mode="json")

    async def cleaned(told: dict[str, str]) -> bool:
        task = held.get(told["enhancement_id"])
        if task is None or task.status is not EnhancementStatus.COMPLETED:
            return False
        await held.clean(task, CleaningReason(told["reason"]))
        return True

    asking.answer(ANSWER, answer)
    asking.answer(CLEANED, cleaned)


def answer_of_job(job: Job) -> EnhancementAnswer:
    """Without photos and options, which lie in the memory of the process that held them."""
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
        stage = _stage(job) if status is EnhancementStatus.PROCESSING else None
        return PushedEnhancement(
            enhancement_id=job.id,
            is_batch=bool(job.parameters.get("is_batch")),
            status=status,
            progress=_share(job),
            done=job.done,
            total=job.total,
            failed=0,
            position=None if stage is None else job.done,
            stage=stage,
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


def _stage(job: Job) -> Stage | None:
    """Its worker reports it as the job's message."""
    return Stage(job.message) if job.message in set(Stage) else None


def _share(job: Job) -> float:
    if job.status in {JobStatus.PENDING, JobStatus.PROCESSING}:
        return round(job.done / job.total, 3) if job.total else 0.0
    return 1.0
