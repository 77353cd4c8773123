"""`/api/v1/provenance`: which labels a file carries."""

from fastapi import APIRouter, Request

from lianpu.accounts.access import PrincipalDep, requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.file_form import file_form_body
from lianpu.http.problems import RequestId, problems
from lianpu.provenance.provenance import ProvenanceDep
from lianpu.provenance.schemas import FILE_FIELD, ProvenanceAnswer, VerifyFields

router = APIRouter(prefix="/api/v1/provenance", tags=["provenance"])
VERIFY_PATH = "/api/v1/provenance/verify"
_BODY = file_form_body(VerifyFields, file_field=FILE_FIELD, description="A photo or a video.")


@router.post(
    "/verify",
    dependencies=[audited(Action.PROVENANCE_VERIFY), requires(Scope.PROVENANCE_VERIFY)],
    openapi_extra=_BODY,
    responses=problems(400, 413, 415, 422, 500, 503, 507),
)
async def verify_provenance(
    request: Request, provenance: ProvenanceDep, principal: PrincipalDep, note: AuditNoteDep, request_id: RequestId
) -> ProvenanceAnswer:
    """Read every label of a photo or video back, and say which are left. The file is not kept."""
    content_type = request.headers.get("content-type", "")
    verified = await provenance.verify_upload(content_type, request.stream())
    report = verified.report
    note.about(conclusion=report.conclusion.value, marks=[f"{mark:016x}" for mark in report.marks])
    return ProvenanceAnswer.of(
        report, verified.known, tells_records=principal.may(Scope.AUDIT_READ), request_id=request_id
    )
