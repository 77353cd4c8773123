"""`/api/v1/jobs`: the same calls for every kind of job. One's own jobs; with `jobs:manage` everybody's."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, audited
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.models import JobStatus
from lianpu.jobs.schemas import JobAnswer, JobItemAnswer, JobItemsAnswer, JobListAnswer, JobOnlyAnswer

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])
OWN_OR_MANAGED = requires(Scope.JOBS_READ, others=Scope.JOBS_MANAGE)


@router.get("", dependencies=[audited(Action.JOB_READ, gathered=True), OWN_OR_MANAGED], responses=problems(422))
async def list_jobs(
    jobs: JobsDep,
    request_id: RequestId,
    kind: str | None = None,
    state: Annotated[JobStatus | None, Query(alias="status")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> JobListAnswer:
    """One's own jobs, with `jobs:manage` everybody's; newest first."""
    page, next_cursor = await jobs.page(kind, state, cursor, limit)
    answers = [JobAnswer.of(job, is_withheld=not jobs.reads(job)) for job in page]
    return JobListAnswer(jobs=answers, next_cursor=next_cursor, request_id=request_id)


@router.get(
    "/{job_id}",
    dependencies=[audited(Action.JOB_READ, gathered=True), OWN_OR_MANAGED],
    responses=problems(404),
)
async def get_job(job_id: str, jobs: JobsDep, request_id: RequestId) -> JobOnlyAnswer:
    """How far it is, and what came of it."""
    return JobOnlyAnswer(job=JobAnswer.of_record(await jobs.get(job_id)), request_id=request_id)


@router.get(
    "/{job_id}/items",
    dependencies=[audited(Action.JOB_READ, gathered=True), OWN_OR_MANAGED],
    responses=problems(404, 422),
)
async def list_job_items(
    job_id: str,
    jobs: JobsDep,
    request_id: RequestId,
    state: Annotated[
        str | None, Query(alias="status", description="Only items that ended so, such as `failed`.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: str | None = None,
) -> JobItemsAnswer:
    """What became of each item, in the order of the job."""
    page, next_cursor = await jobs.items(job_id, state, cursor, limit)
    items = [JobItemAnswer.of(item) for item in page]
    return JobItemsAnswer(items=items, next_cursor=next_cursor, request_id=request_id)


@router.post(
    "/{job_id}/cancel", dependencies=[audited(Action.JOB_CANCEL), OWN_OR_MANAGED], responses=problems(404, 409)
)
async def cancel_job(job_id: str, jobs: JobsDep, request_id: RequestId) -> JobOnlyAnswer:
    """End it: at once while it waits, else at its next step. What is done stays done."""
    return JobOnlyAnswer(job=JobAnswer.of_record(await jobs.cancel(job_id)), request_id=request_id)


@router.post(
    "/{job_id}/retry", dependencies=[audited(Action.JOB_RETRY), OWN_OR_MANAGED], responses=problems(403, 404, 409)
)
async def retry_job(job_id: str, jobs: JobsDep, request_id: RequestId) -> JobOnlyAnswer:
    """Go on with a failed or cancelled job where it ended, or try the failed items of a completed one again.

    Without `jobs:manage` this is for one's own inference tasks.
    """
    return JobOnlyAnswer(job=JobAnswer.of_record(await jobs.retry(job_id)), request_id=request_id)


@router.delete(
    "/{job_id}",
    dependencies=[audited(Action.JOB_DELETE), OWN_OR_MANAGED],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404, 409),
)
async def delete_job(job_id: str, jobs: JobsDep) -> None:
    """Clear an ended job away, with its items and files."""
    await jobs.delete(job_id)
