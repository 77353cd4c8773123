"""`/api/v1/capacity`."""

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.capacity.capacity import CapacityDep
from lianpu.capacity.report import CapacityReport
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.schemas import JobAnswer, JobStartedAnswer

router = APIRouter(prefix="/api/v1", tags=["system"])


class MeasureFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    quick: bool = Field(default=False, description="Each figure for a moment only: a look, not a promise.")
    tune: bool = Field(
        default=False,
        description="First find out which runtime is the fastest for each network; those that are loaded from then on "
        "go by it, where `runtime.cpu` is `auto`.",
    )


class CapacityAnswer(BaseModel):
    capacity: CapacityReport | None = Field(description="Null: this machine was not measured yet.")
    request_id: str


@router.get("/capacity", dependencies=[requires(Scope.SYSTEM_MANAGE)])
async def get_capacity(capacity: CapacityDep, request_id: RequestId) -> CapacityAnswer:
    """What this machine does, as it was measured last: faces and searches a second, streams, enhancements a minute."""
    return CapacityAnswer(capacity=await capacity.latest(), request_id=request_id)


@router.post(
    "/capacity",
    dependencies=[audited(Action.SERVER_MEASURE), requires(Scope.SYSTEM_MANAGE)],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 409, 422),
)
async def measure_capacity(
    body: MeasureFields, capacity: CapacityDep, jobs: JobsDep, note: AuditNoteDep, request_id: RequestId
) -> JobStartedAnswer:
    """Measure it. All cores are busy for about a minute, and whoever else asks waits longer meanwhile."""
    job = await capacity.measure(jobs, quick=body.quick, tune=body.tune)
    note.about(job.id, quick=body.quick, tune=body.tune)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)
