"""`/api/v1/enhance`: photos and archives of photos in, better ones out, once."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request, Response, status

from lianpu.accounts.access import PrincipalDep, requires
from lianpu.accounts.roles import Scope
from lianpu.engines.restore.enhancement import EnhancementEngine
from lianpu.enhance.receiving import ARCHIVE, PHOTO, form_body
from lianpu.enhance.retrieval import OnceResponse
from lianpu.enhance.schemas import (
    ENHANCE_PATH,
    TOKEN_HEADER,
    EnhanceFields,
    EnhancementAnswer,
    EnhancementEngineAnswer,
    EnhancementEnginesAnswer,
    EnhancementEstimateAnswer,
    EnhancementOnlyAnswer,
    EnhancementSubmittedAnswer,
)
from lianpu.enhance.service import EnhancementsDep
from lianpu.enhance.tasks import EnhancementStatus
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems

router = APIRouter(prefix=ENHANCE_PATH, tags=["enhance"])
BATCH_PATH = f"{ENHANCE_PATH}/batch"
ESTIMATE_PATH = f"{ENHANCE_PATH}/estimate"
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "",
    dependencies=[audited(Action.ENHANCEMENT_UPLOAD), requires(Scope.ENHANCE)],
    status_code=status.HTTP_200_OK,
    openapi_extra=form_body(PHOTO, EnhanceFields, "A photo: JPEG, PNG or WebP."),
    responses={
        202: {"model": EnhancementSubmittedAnswer, "description": "It takes longer, and goes on."},
        **problems(400, 404, 413, 415, 422, 429, 503),
    },
)
async def enhance_photo(
    request: Request,
    response: Response,
    enhancements: EnhancementsDep,
    principal: PrincipalDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> EnhancementSubmittedAnswer:
    """Enhance a photo. What is quick is answered when it is done (200), what is not becomes a task (202)."""
    task, token = await enhancements.submit_photo(principal, request.headers, request.stream())
    note.about(task.id, size_bytes=task.upload_bytes, level=task.options.level)
    await enhancements.wait_if_quick(task)
    if task.error is not None:
        raise task.error
    if task.status in {EnhancementStatus.PENDING, EnhancementStatus.PROCESSING}:
        response.status_code = status.HTTP_202_ACCEPTED
    return EnhancementSubmittedAnswer.of(task, token, request_id)


@router.post(
    "/estimate",
    dependencies=[audited(Action.ENHANCEMENT_READ, gathered=True), requires(Scope.ENHANCE)],
    openapi_extra=form_body(PHOTO, EnhanceFields, "The photo, or its first 1 MiB: the header is enough."),
    responses=problems(400, 404, 413, 415, 422, 503),
)
async def estimate_enhancement(
    request: Request, enhancements: EnhancementsDep, request_id: RequestId
) -> EnhancementEstimateAnswer:
    """What an enhancement would give, with which engines, and how long it would take; nothing is decoded."""
    plan, is_quick = await enhancements.estimate(request.headers, request.stream())
    return EnhancementEstimateAnswer.of(plan, is_quick=is_quick, request_id=request_id)


@router.post(
    "/batch",
    dependencies=[audited(Action.ENHANCEMENT_UPLOAD), requires(Scope.ENHANCE)],
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra=form_body(ARCHIVE, EnhanceFields, "ZIP, RAR, 7z or tar (also .gz, .bz2, .xz) of photos."),
    responses=problems(400, 404, 413, 415, 422, 429, 503),
)
async def enhance_batch(
    request: Request,
    enhancements: EnhancementsDep,
    principal: PrincipalDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> EnhancementSubmittedAnswer:
    """Enhance all photos of an archive; the result is one ZIP with the same folders, and a list of what failed."""
    task, token = await enhancements.submit_archive(principal, request.headers, request.stream())
    note.about(task.id, size_bytes=task.upload_bytes, level=task.options.level)
    return EnhancementSubmittedAnswer.of(task, token, request_id)


@router.get("/engines", dependencies=[requires(Scope.ENHANCE)], responses=problems(503))
async def list_enhancement_engines(enhancements: EnhancementsDep, request_id: RequestId) -> EnhancementEnginesAnswer:
    """Restorers and upscalers that can be asked for, with their licences, and the limits of what is sent."""
    engines = await enhancements.engines()
    limits = enhancements.limits
    return EnhancementEnginesAnswer(
        restorers=_of_kind(engines, "restorer"),
        upscalers=_of_kind(engines, "upscaler"),
        max_upload_bytes=limits.max_upload_bytes,
        max_archive_bytes=limits.max_archive_bytes,
        archive_formats=list(enhancements.archive_formats),
        result_ttl_s=limits.result_ttl_s,
        request_id=request_id,
    )


@router.get(
    "/{enhancement_id}",
    dependencies=[audited(Action.ENHANCEMENT_READ, gathered=True), requires(Scope.ENHANCE)],
    responses=problems(404),
)
async def get_enhancement(
    enhancement_id: str, enhancements: EnhancementsDep, principal: PrincipalDep, request_id: RequestId
) -> EnhancementOnlyAnswer:
    """`pending`, `processing`, `completed` with `result`, `failed` with `error`, `cleaned`; and each photo's steps."""
    return EnhancementOnlyAnswer(
        enhancement=await enhancements.answer(principal.id, enhancement_id), request_id=request_id
    )


@router.get(
    "/{enhancement_id}/result",
    dependencies=[audited(Action.ENHANCEMENT_RETRIEVE), requires(Scope.ENHANCE)],
    response_class=Response,
    responses={
        200: {
            "description": "The photo, or the ZIP of a batch.",
            "content": {"image/jpeg": _BINARY, "image/png": _BINARY, "image/webp": _BINARY, "application/zip": _BINARY},
        },
        **problems(403, 404, 409, 410, 503),
    },
)
async def get_enhancement_result(
    request: Request,
    enhancement_id: str,
    enhancements: EnhancementsDep,
    principal: PrincipalDep,
    note: AuditNoteDep,
    token: Annotated[str | None, Header(alias=TOKEN_HEADER, max_length=100)] = None,
    shown_token: Annotated[
        str | None, Query(alias="token", max_length=100, description="The same; taken out before anything is logged.")
    ] = None,
) -> Response:
    """The result, once: when all of it has left, it is overwritten. A transfer that breaks off can be tried again."""
    del shown_token  # the guard has taken it out of the address
    given = token or getattr(request.state, "query_token", None)
    taken = await enhancements.retrieve(principal.id, enhancement_id, given or "")
    note.about(enhancement_id, size_bytes=taken.result.size_bytes)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(taken.result.file_name, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }
    return OnceResponse(taken, headers)


@router.delete(
    "/{enhancement_id}",
    dependencies=[audited(Action.ENHANCEMENT_CLEAN), requires(Scope.ENHANCE)],
    responses=problems(404),
)
async def clean_enhancement(
    enhancement_id: str, enhancements: EnhancementsDep, principal: PrincipalDep, request_id: RequestId
) -> EnhancementOnlyAnswer:
    """End it if it has not ended, and overwrite all of it now."""
    await enhancements.clean(principal.id, enhancement_id)
    answer: EnhancementAnswer = await enhancements.answer(principal.id, enhancement_id)
    return EnhancementOnlyAnswer(enhancement=answer, request_id=request_id)


def _of_kind(engines: "list[EnhancementEngine]", kind: str) -> list[EnhancementEngineAnswer]:
    return [EnhancementEngineAnswer.of(engine) for engine in engines if engine.kind == kind]
