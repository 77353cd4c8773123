"""`/api/v1/audit`: reading, proving and taking out the audit log."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.audit.audit import Audit
from lianpu.audit.repository import EventFilter
from lianpu.audit.schemas import AuditEventAnswer, AuditPageAnswer, AuditVerdictAnswer
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])
EXPORT_MAX = 50_000
# Without a type: the body is no JSON document, each line is one.
_LINES = {"application/x-ndjson": {"schema": {"description": "Lines, each an event as JSON."}}}


async def _audit(request: Request) -> Audit:
    # Not `def`: FastAPI would send it through a thread.
    audit: Audit = request.app.state.audit
    return audit


AuditDep = Annotated[Audit, Depends(_audit)]


@router.get("", dependencies=[audited(Action.AUDIT_READ), requires(Scope.AUDIT_READ)], responses=problems(422))
async def list_events(
    audit: AuditDep,
    note: AuditNoteDep,
    request_id: RequestId,
    actor: Annotated[str | None, Query(description="Id, or name: whoever bore it last.", max_length=128)] = None,
    action: Annotated[str | None, Query(description="Such as `face.search`.", max_length=64)] = None,
    target: Annotated[str | None, Query(description="Id of what was acted upon.", max_length=255)] = None,
    since: datetime | None = None,
    until: Annotated[datetime | None, Query(description="Exclusive.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: str | None = None,
) -> AuditPageAnswer:
    """Who did what to whom and when, newest first. Reading is an event, too."""
    wanted = EventFilter(actor, action, target, since, until)
    note.about(filter={name: value for name, value in asdict(wanted).items() if isinstance(value, str)})
    events, next_cursor = await audit.reading.page(wanted, cursor, limit)
    answers = [AuditEventAnswer.of(event) for event in events]
    return AuditPageAnswer(events=answers, next_cursor=next_cursor, request_id=request_id)


@router.get(
    "/verify", dependencies=[audited(Action.AUDIT_VERIFY), requires(Scope.AUDIT_READ)], responses=problems(422, 507)
)
async def verify(
    audit: AuditDep,
    note: AuditNoteDep,
    request_id: RequestId,
    expect_head: Annotated[
        str | None, Query(pattern="^[0-9a-f]{64}$", description="A hash noted down before: it must be in the log.")
    ] = None,
) -> AuditVerdictAnswer:
    """Prove that no event was changed, removed or put in since it was stored. Reads all of them."""
    verdict = await audit.verification.verify(expect_head)
    note.about(ok=verdict.ok, events=verdict.events, first_broken=verdict.first_broken)
    return AuditVerdictAnswer.of(verdict, request_id)


@router.get(
    "/export",
    dependencies=[audited(Action.AUDIT_EXPORT), requires(Scope.AUDIT_READ)],
    response_class=StreamingResponse,
    responses={200: {"content": _LINES, "description": "One event a line."}, **problems(422)},
)
async def export(
    audit: AuditDep,
    note: AuditNoteDep,
    after: Annotated[int, Query(ge=0, lt=1 << 63, description="Sequence number of the last event one has.")] = 0,
    limit: Annotated[int, Query(ge=1, le=EXPORT_MAX)] = EXPORT_MAX,
) -> StreamingResponse:
    """Events with both their hashes as JSON lines, oldest first: a copy to keep elsewhere."""
    note.about(after=after, limit=limit)
    lines = audit.reading.lines(after, limit)
    return StreamingResponse(lines, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})
