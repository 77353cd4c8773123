"""`/api/v1/gallery/export`, `/import` and what belongs to them."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Header, Query, Request, status
from fastapi.responses import FileResponse

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.errors import UnsupportedMediaError
from lianpu.gallery.gallery import GalleryDep
from lianpu.gallery.transfer import schemas
from lianpu.gallery.transfer.archive_format import SHA256
from lianpu.gallery.transfer.planning import OnConflict
from lianpu.gallery.transfer.requests import ImportOptions
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.schemas import JobAnswer, JobStartedAnswer

router = APIRouter(prefix="/api/v1/gallery", tags=["transfer"])
IMPORT_PATH = "/api/v1/gallery/import"
ARCHIVE_TYPES = frozenset({"application/zip", "application/octet-stream", "application/x-zip-compressed"})
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ARCHIVE_BODY = {"requestBody": {"required": True, "content": {"application/zip": _BINARY}}}


@router.get("/signing-key", dependencies=[requires(Scope.GALLERY_TRANSFER)], responses=problems(507))
async def get_signing_key(gallery: GalleryDep, request_id: RequestId) -> schemas.SigningKeyAnswer:
    """Whose archives these are: what other installations are to trust."""
    return schemas.SigningKeyAnswer(fingerprint=await gallery.transfers.fingerprint(), request_id=request_id)


@router.post(
    "/export",
    dependencies=[audited(Action.GALLERY_EXPORT), requires(Scope.GALLERY_TRANSFER)],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 404, 422, 507),
)
async def export_gallery(
    body: schemas.ExportFields, gallery: GalleryDep, jobs: JobsDep, note: AuditNoteDep, request_id: RequestId
) -> JobStartedAnswer:
    """Make a signed archive of the gallery, of some persons, or of those that a filter finds."""
    passphrase = None if body.passphrase is None else body.passphrase.get_secret_value()
    job = await gallery.transfers.export(jobs, body.parameters(), passphrase)
    note.about(
        job.id, persons=body.person_ids, is_filtered=body.filter is not None, is_encrypted=passphrase is not None
    )
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.get(
    "/exports/{job_id}/archive",
    dependencies=[audited(Action.GALLERY_EXPORT_DOWNLOAD), requires(Scope.GALLERY_TRANSFER)],
    response_class=FileResponse,
    responses=problems(404, 409, 410),
)
async def get_export_archive(job_id: str, gallery: GalleryDep, jobs: JobsDep) -> FileResponse:
    """The archive of a completed export."""
    path, name = await gallery.transfers.archive(jobs, job_id)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type="application/octet-stream", filename=name, headers=headers)


@router.post(
    "/import",
    dependencies=[audited(Action.GALLERY_IMPORT), requires(Scope.GALLERY_TRANSFER)],
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra=_ARCHIVE_BODY,
    responses=problems(409, 413, 415, 422, 507),
)
async def import_gallery(
    request: Request,
    gallery: GalleryDep,
    jobs: JobsDep,
    note: AuditNoteDep,
    request_id: RequestId,
    dry_run: Annotated[bool, Query(description="Only say what would be done.")] = False,
    on_conflict: Annotated[OnConflict, Query(description="What becomes of persons who exist.")] = OnConflict.FAIL,
    trust: Annotated[str | None, Query(pattern=SHA256, description="Fingerprint of one more key to trust.")] = None,
    passphrase: Annotated[
        str | None, Header(alias="X-Archive-Passphrase", description="Of an encrypted archive; percent-encoded UTF-8.")
    ] = None,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> JobStartedAnswer:
    """Take in an archive, sent as the raw body. Everything about it is checked before anything is changed."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in ARCHIVE_TYPES:
        raise UnsupportedMediaError("Send the archive as the raw body, with the content type application/zip.")
    options = ImportOptions(dry_run, on_conflict, trust, None if passphrase is None else unquote(passphrase))
    job = await gallery.transfers.import_archive(jobs, request.stream(), options, idempotency_key)
    note.about(job.id, dry_run=dry_run, on_conflict=on_conflict.value)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.post(
    "/imports/{job_id}/apply",
    dependencies=[audited(Action.GALLERY_IMPORT), requires(Scope.GALLERY_TRANSFER)],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 404, 409, 410, 422, 507),
)
async def apply_import(
    job_id: str,
    body: schemas.ApplyFields,
    gallery: GalleryDep,
    jobs: JobsDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> JobStartedAnswer:
    """Take in the archive that a dry run has examined, without sending it again."""
    job = await gallery.transfers.apply(jobs, job_id, body.on_conflict)
    note.about(job.id, dry_run_job_id=job_id, on_conflict=body.on_conflict.value)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)
