"""`/api/v1/faces/batch`: many photos into the gallery, many persons out of it."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, status

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.gallery.bulk.requests import body_schema
from lianpu.gallery.gallery import GalleryDep
from lianpu.gallery.moves.schemas import DeleteManyAnswer, DeleteManyFields, DeletionOutcome, DeletionReceiptAnswer
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.schemas import JobAnswer, JobStartedAnswer

router = APIRouter(prefix="/api/v1/faces", tags=["gallery"])
BATCH_PATH = "/api/v1/faces/batch"


@router.post(
    "/batch",
    dependencies=[audited(Action.GALLERY_BULK_ENROL), requires(Scope.GALLERY_ENROL)],
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra=body_schema(),
    responses=problems(400, 409, 413, 415, 422, 507),
)
async def enrol_batch(
    request: Request,
    gallery: GalleryDep,
    jobs: JobsDep,
    note: AuditNoteDep,
    request_id: RequestId,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> JobStartedAnswer:
    """Enrol an archive of `person/….jpg` folders, or many photos, in the background; each file has its own outcome.

    The options may come as form fields or in the query string. The same `Idempotency-Key` with the same content gives
    the same job.
    """
    content_type = request.headers.get("content-type", "")
    job = await gallery.bulk.start(jobs, content_type, request.stream(), dict(request.query_params), idempotency_key)
    note.about(job.id)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.delete(
    "/batch",
    dependencies=[audited(Action.GALLERY_BULK_DELETE), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 422),
)
async def delete_batch(
    body: DeleteManyFields, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> DeleteManyAnswer:
    """Remove persons with all they have, each for itself: one who is not there keeps no other."""
    note.about(persons=body.person_ids)
    items = [
        DeletionOutcome(
            person_id=person_id,
            status="not_found" if receipt is None else "deleted",
            receipt=None if receipt is None else DeletionReceiptAnswer.of(receipt),
        )
        for person_id, receipt in await gallery.persons.delete_each(body.person_ids)
    ]
    note.about(not_found=[item.person_id for item in items if item.receipt is None])
    deleted = sum(item.status == "deleted" for item in items)
    return DeleteManyAnswer(deleted=deleted, items=items, request_id=request_id)
