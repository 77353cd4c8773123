"""`/api/v1/gallery/check`."""

from fastapi import APIRouter, status
from pydantic import Field

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.gallery.consistency.check import ConsistencyCheck
from lianpu.gallery.schemas import Strict
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.schemas import JobAnswer, JobStartedAnswer

router = APIRouter(prefix="/api/v1/gallery", tags=["gallery"])


class CheckFields(Strict):
    repair: bool = Field(default=False, description="Mend what can be mended without losing anything.")
    quick: bool = Field(default=False, description="Compare the sizes of photos and read none.")


@router.post(
    "/check",
    dependencies=[audited(Action.GALLERY_CHECK), requires(Scope.GALLERY_MANAGE)],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 422),
)
async def check_gallery(
    body: CheckFields, jobs: JobsDep, note: AuditNoteDep, request_id: RequestId
) -> JobStartedAnswer:
    """Prove that database, files and indexes agree; the job's result has every finding."""
    job = await jobs.submit(ConsistencyCheck.kind, body.model_dump())
    note.about(job.id, repair=body.repair)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)
