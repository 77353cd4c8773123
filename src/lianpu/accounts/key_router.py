"""`/api/v1/keys`: API keys, for machines."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from lianpu.accounts.access import PrincipalDep, require_scope, requires
from lianpu.accounts.accounts import AccountsDep
from lianpu.accounts.key_schemas import KeyAnswer, KeysAnswer, NewKeyAnswer, NewKeyFields
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems

router = APIRouter(prefix="/api/v1/keys", tags=["accounts"])


@router.get(
    "",
    dependencies=[audited(Action.KEY_LIST), requires(Scope.ACCOUNT, others=Scope.USERS_MANAGE)],
    responses=problems(403, 422),
)
async def list_keys(
    accounts: AccountsDep,
    principal: PrincipalDep,
    request_id: RequestId,
    everybody: Annotated[bool, Query(description="All users' keys; needs `users:manage`.")] = False,
) -> KeysAnswer:
    """One's own API keys, newest first."""
    if everybody:
        require_scope(principal, Scope.USERS_MANAGE)
    keys = await accounts.keys.list(None if everybody else principal.id)
    return KeysAnswer(keys=[KeyAnswer.of(item) for item in keys], request_id=request_id)


@router.post(
    "",
    dependencies=[audited(Action.KEY_CREATE), requires(Scope.ACCOUNT, others=Scope.USERS_MANAGE)],
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 403, 404, 422),
)
async def create_key(
    body: NewKeyFields,
    response: Response,
    accounts: AccountsDep,
    principal: PrincipalDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> NewKeyAnswer:
    """Make a key that may do some of what the caller may. Its `secret` is in this answer and nowhere else."""
    owned, secret = await accounts.keys.create(body.draft(), principal)
    note.about(owned.key.id, user=owned.user.id, scopes=owned.key.scopes)
    response.headers["Cache-Control"] = "no-store"
    return NewKeyAnswer(key=KeyAnswer.of(owned), secret=secret, request_id=request_id)


@router.delete(
    "/{key_id}",
    dependencies=[audited(Action.KEY_DELETE), requires(Scope.ACCOUNT, others=Scope.USERS_MANAGE)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
async def revoke_key(key_id: str, accounts: AccountsDep, principal: PrincipalDep) -> Response:
    """Revoke a key, at once and for good."""
    await accounts.keys.revoke(key_id, principal)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
