"""`/api/v1/swap`: policy, engines, swaps and their results."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, status
from fastapi.responses import FileResponse

from lianpu.accounts.access import PrincipalDep, requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.file_form import file_form_body
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.schemas import JobAnswer, JobStartedAnswer
from lianpu.swap import schemas
from lianpu.swap.consents.consents import Use
from lianpu.swap.service import TARGET_FIELD, SwapDep

router = APIRouter(prefix=schemas.SWAP_PATH, tags=["swap"])
_BODY = file_form_body(
    schemas.SwapFields, file_field=TARGET_FIELD, description="A photo, or an MP4, MOV, MKV or WebM video."
)
_FILE = {"schema": {"type": "string", "format": "binary"}}
_FILES = {200: {"content": dict.fromkeys(("image/jpeg", "image/png", "image/webp", "video/mp4"), _FILE)}}
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@router.get("/policy", dependencies=[requires(Scope.SWAP_READ)])
async def get_policy(swap: SwapDep, request_id: RequestId) -> schemas.PolicyAnswer:
    """Whether faces may be swapped here, within which limits, and how outputs are labelled."""
    return schemas.PolicyAnswer.of(await swap.policy.state(), swap.limits, request_id)


@router.put(
    "/policy",
    dependencies=[audited(Action.SWAP_POLICY), requires(Scope.SWAP_MANAGE)],
    responses=problems(400, 422),
)
async def set_policy(
    body: schemas.PolicyFields, swap: SwapDep, principal: PrincipalDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.PolicyAnswer:
    """Leave the visible label out, or put it back. The other labels cannot be removed."""
    note.about(visible_label=body.visible_label)
    state = await swap.policy.set_visible_label(body.visible_label, principal.id)
    return schemas.PolicyAnswer.of(state, swap.limits, request_id)


@router.get("/engines", dependencies=[requires(Scope.SWAP_READ)])
async def list_engines(swap: SwapDep, request_id: RequestId) -> schemas.EngineListAnswer:
    """What each engine can do, whether it is ready, and if not, why and what to do."""
    answers = [schemas.EngineAnswer.of(can, report) for can, report in await swap.engines()]
    return schemas.EngineListAnswer(engines=answers, request_id=request_id)


@router.post(
    "/check",
    dependencies=[audited(Action.SWAP_CHECK), requires(Scope.SWAP)],
    responses=problems(400, 403, 404, 422, 503),
)
async def check_swap(
    body: schemas.CheckFields, swap: SwapDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.CheckAnswer:
    """Whether a swap would be made, without sending anything: consent, purpose, scope, and the engine's readiness."""
    note.about(body.consent_id, purpose=body.purpose, kind=body.kind.value, engine=body.engine)
    consent, labels = await swap.check(Use(body.consent_id, body.purpose, body.kind), body.engine)
    return schemas.CheckAnswer(
        person_id=consent.person_id or "",
        engine=body.engine,
        kind=body.kind,
        consent_valid_until=consent.valid_until,
        labels=labels,
        request_id=request_id,
    )


@router.post(
    "",
    dependencies=[audited(Action.SWAP_RUN), requires(Scope.SWAP)],
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra=_BODY,
    responses=problems(400, 403, 404, 409, 413, 415, 422, 503, 507),
)
async def swap_face(
    request: Request,
    swap: SwapDep,
    jobs: JobsDep,
    note: AuditNoteDep,
    request_id: RequestId,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> JobStartedAnswer:
    """Put the face of a consenting person onto a photo or video, as a job of the kind `swap.run`.

    `GET /api/v1/jobs/{job_id}` says how far it is; the labelled result is fetched from `/api/v1/swap/results/{job_id}`.
    """
    content_type = request.headers.get("content-type", "")
    job, consent = await swap.submit(jobs, content_type, request.stream(), idempotency_key)
    asked = job.parameters
    note.about(
        job.id,
        consent_id=consent.id,
        person_id=consent.person_id,
        purpose=asked["purpose"],
        kind=asked["kind"],
        engine=asked["engine"],
        preview=asked["preview"],
    )
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.get(
    "/results/{job_id}",
    dependencies=[audited(Action.SWAP_DOWNLOAD), requires(Scope.SWAP)],
    response_class=FileResponse,
    responses={**_FILES, **problems(404, 409, 410)},
)
async def get_swap_result(job_id: str, swap: SwapDep, principal: PrincipalDep) -> FileResponse:
    """The labelled photo or video of one's own job, for `swap.result_ttl_minutes`."""
    result = await swap.result(principal.id, job_id)
    return FileResponse(
        result.path,
        media_type=result.media_type,
        filename=result.name,
        content_disposition_type="inline",
        headers=_PRIVATE,
    )


@router.delete(
    "/results/{job_id}",
    dependencies=[audited(Action.SWAP_DELETE), requires(Scope.SWAP)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
async def delete_swap_result(job_id: str, swap: SwapDep, principal: PrincipalDep) -> None:
    """Delete a result before its time is over. What is on record about it stays."""
    await swap.delete_result(principal.id, job_id)
