"""`/api/v1/swap/consents`: whose face may be used for what. They can be read and revoked while swaps are off, too."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from lianpu.accounts.access import PrincipalDep, requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.swap.consents import schemas
from lianpu.swap.service import SwapDep

router = APIRouter(prefix="/api/v1/swap/consents", tags=["swap"])


@router.post(
    "",
    dependencies=[audited(Action.CONSENT_CREATE), requires(Scope.SWAP_MANAGE)],
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 404, 422),
)
async def record_consent(
    body: schemas.NewConsentFields, swap: SwapDep, principal: PrincipalDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.ConsentOnlyAnswer:
    """Record that a person of the gallery consents to the use of their face.

    The evidence itself is not sent: its SHA-256 proves later which file was meant.
    """
    swap.policy.check()
    consent = await swap.consents.record(body.draft(), principal.id)
    note.about(
        consent.id,
        person_id=consent.person_id,
        purpose=consent.purpose,
        scopes=consent.scopes,
        valid_until=consent.valid_until.isoformat(timespec="seconds"),
        evidence_sha256=consent.evidence_sha256,
    )
    return schemas.ConsentOnlyAnswer(consent=schemas.ConsentAnswer.of(consent), request_id=request_id)


@router.get(
    "",
    dependencies=[audited(Action.CONSENT_READ, gathered=True), requires(Scope.SWAP_READ)],
    responses=problems(422),
)
async def list_consents(
    swap: SwapDep,
    request_id: RequestId,
    person_id: Annotated[str | None, Query(max_length=128)] = None,
    valid: Annotated[bool, Query(description="Only those that permit something now.")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> schemas.ConsentListAnswer:
    """Newest first."""
    page, next_cursor = await swap.consents.page(person_id, valid, cursor, limit)
    answers = [schemas.ConsentAnswer.of(consent) for consent in page]
    return schemas.ConsentListAnswer(consents=answers, next_cursor=next_cursor, request_id=request_id)


@router.get(
    "/{consent_id}",
    dependencies=[audited(Action.CONSENT_READ, gathered=True), requires(Scope.SWAP_READ)],
    responses=problems(404),
)
async def get_consent(consent_id: str, swap: SwapDep, request_id: RequestId) -> schemas.ConsentOnlyAnswer:
    consent = await swap.consents.get(consent_id)
    return schemas.ConsentOnlyAnswer(consent=schemas.ConsentAnswer.of(consent), request_id=request_id)


@router.patch(
    "/{consent_id}",
    dependencies=[audited(Action.CONSENT_UPDATE), requires(Scope.SWAP_MANAGE)],
    responses=problems(400, 404, 422),
)
async def change_consent(
    consent_id: str, body: schemas.ConsentFields, swap: SwapDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.ConsentOnlyAnswer:
    """Let it end sooner, or change the note. What it permits cannot be widened: record a new one instead."""
    consent = await swap.consents.change(consent_id, note=body.note, valid_until=body.valid_until)
    note.about(consent_id, valid_until=consent.valid_until.isoformat(timespec="seconds"))
    return schemas.ConsentOnlyAnswer(consent=schemas.ConsentAnswer.of(consent), request_id=request_id)


@router.post(
    "/{consent_id}/revoke",
    dependencies=[audited(Action.CONSENT_REVOKE), requires(Scope.SWAP_MANAGE)],
    responses=problems(400, 404, 422),
)
async def revoke_consent(
    consent_id: str, body: schemas.RevocationFields, swap: SwapDep, principal: PrincipalDep, request_id: RequestId
) -> schemas.ConsentOnlyAnswer:
    """Swaps that wait or run by it stop, live ones within a second. There is no way back: record a new consent."""
    consent = await swap.revoke(consent_id, principal.id, body.reason)
    return schemas.ConsentOnlyAnswer(consent=schemas.ConsentAnswer.of(consent), request_id=request_id)


@router.delete(
    "/{consent_id}",
    dependencies=[audited(Action.CONSENT_DELETE), requires(Scope.SWAP_MANAGE)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404, 409),
)
async def delete_consent(consent_id: str, swap: SwapDep) -> None:
    """Delete one that was never used; `consent_used`: revoke it instead."""
    await swap.consents.delete(consent_id)
