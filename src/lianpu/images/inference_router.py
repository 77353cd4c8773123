"""`/api/v1/images/inference`: models on one's own images, at once or as tasks."""

from typing import Annotated

from fastapi import APIRouter, Header, status

from lianpu.accounts.access import PrincipalDep, requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.images.router import Limit, Skip
from lianpu.images.schemas import (
    IMAGES_PATH,
    InferenceFields,
    InferenceModelAnswer,
    InferenceModelListAnswer,
    ResultAnswer,
    ResultOnlyAnswer,
    TaskAnswer,
    TaskListAnswer,
    TaskOnlyAnswer,
)
from lianpu.images.service import InferenceDep
from lianpu.jobs.jobs import JobsDep

INFERENCE_PATH = f"{IMAGES_PATH}/inference"
ASYNC_PATH = f"{INFERENCE_PATH}/async"
router = APIRouter(prefix=INFERENCE_PATH, tags=["inference"])


@router.get("/models", dependencies=[requires(Scope.IMAGES)])
async def list_inference_models(inference: InferenceDep, request_id: RequestId) -> InferenceModelListAnswer:
    """Models that images can be sent through: built in, of installed packages, and dropped-in folders."""
    models = [InferenceModelAnswer.of(model) for model in await inference.models()]
    return InferenceModelListAnswer(models=models, request_id=request_id)


@router.post(
    "",
    dependencies=[audited(Action.INFERENCE_RUN), requires(Scope.IMAGES)],
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 404, 422, 500, 503),
)
async def run_inference(
    body: InferenceFields, inference: InferenceDep, principal: PrincipalDep, note: AuditNoteDep, request_id: RequestId
) -> ResultOnlyAnswer:
    """Run a model on an image and wait for the result, which is kept with the image."""
    note.about(body.image_id, model=body.model)
    result = await inference.run(principal.id, body.asked())
    note.about(result_id=result.id)
    return ResultOnlyAnswer(result=ResultAnswer.of(result), request_id=request_id)


@router.post(
    "/async",
    dependencies=[audited(Action.INFERENCE_RUN), requires(Scope.IMAGES)],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 404, 409, 422, 503),
)
async def run_inference_async(
    body: InferenceFields,
    inference: InferenceDep,
    jobs: JobsDep,
    principal: PrincipalDep,
    note: AuditNoteDep,
    request_id: RequestId,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> TaskOnlyAnswer:
    """Run a model on an image in the background; `WS /api/v1/ws/inference` tells when it is done.

    The same `Idempotency-Key` with the same content gives the same task.
    """
    note.about(body.image_id, model=body.model)
    job = await inference.submit(jobs, principal.id, body.asked(), idempotency_key)
    note.about(task_id=job.id)
    return TaskOnlyAnswer(task=TaskAnswer.of(job), request_id=request_id)


@router.get(
    "/tasks",
    dependencies=[audited(Action.INFERENCE_READ, gathered=True), requires(Scope.IMAGES)],
    responses=problems(422),
)
async def list_tasks(
    inference: InferenceDep, jobs: JobsDep, request_id: RequestId, skip: Skip = 0, limit: Limit = 50
) -> TaskListAnswer:
    """One's own tasks, newest first, as long as their jobs are kept."""
    page, total = await inference.tasks(jobs, skip, limit)
    answers = [TaskAnswer.of(job) for job in page]
    return TaskListAnswer(tasks=answers, total=total, skip=skip, limit=limit, request_id=request_id)


@router.get(
    "/tasks/{task_id}",
    dependencies=[audited(Action.INFERENCE_READ, gathered=True), requires(Scope.IMAGES)],
    responses=problems(404),
)
async def get_task(task_id: str, inference: InferenceDep, jobs: JobsDep, request_id: RequestId) -> TaskOnlyAnswer:
    """`pending`, `processing`, `completed` with `result_url`, `failed` with `error`, or `cancelled`."""
    return TaskOnlyAnswer(task=TaskAnswer.of(await inference.task(jobs, task_id)), request_id=request_id)


@router.get(
    "/{result_id}", dependencies=[audited(Action.INFERENCE_READ), requires(Scope.IMAGES)], responses=problems(404)
)
async def get_result(
    result_id: str, inference: InferenceDep, principal: PrincipalDep, request_id: RequestId
) -> ResultOnlyAnswer:
    result = await inference.result(principal.id, result_id)
    return ResultOnlyAnswer(result=ResultAnswer.of(result), request_id=request_id)
