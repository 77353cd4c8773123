"""`/api/v1/users/me`: one's own profile, password and logins."""

from fastapi import APIRouter, Request, Response, status

from lianpu.accounts.access import PrincipalDep, requires
from lianpu.accounts.accounts import AccountsDep
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.accounts.schemas import (
    NewPasswordFields,
    OwnProfileFields,
    SessionAnswer,
    SessionsAnswer,
    UserAnswer,
    UserOnlyAnswer,
)
from lianpu.accounts.token_router import caller_of
from lianpu.accounts.users import UserChange
from lianpu.errors import AccountRequiredError
from lianpu.http.audited import Action, audited
from lianpu.http.problems import RequestId, problems

router = APIRouter(prefix="/api/v1/users/me", tags=["accounts"])


@router.get("", dependencies=[audited(Action.ACCOUNT_READ, gathered=True), requires(Scope.ACCOUNT)])
async def get_me(accounts: AccountsDep, principal: PrincipalDep, request_id: RequestId) -> UserOnlyAnswer:
    """Who this credential stands for, and what it may do."""
    if not principal.is_user:
        return UserOnlyAnswer(user=UserAnswer.of_principal(principal), request_id=request_id)
    user = await accounts.users.get(principal.id)
    return UserOnlyAnswer(user=UserAnswer.of(user, principal.scopes), request_id=request_id)


@router.put(
    "", dependencies=[audited(Action.ACCOUNT_UPDATE), requires(Scope.ACCOUNT)], responses=problems(400, 403, 409, 422)
)
async def rename_me(
    body: OwnProfileFields, accounts: AccountsDep, principal: PrincipalDep, request_id: RequestId
) -> UserOnlyAnswer:
    """Take another name."""
    user = await accounts.users.update(_own_id(principal), UserChange(name=body.name))
    return UserOnlyAnswer(user=UserAnswer.of(user, principal.scopes), request_id=request_id)


@router.put(
    "/password",
    dependencies=[audited(Action.ACCOUNT_PASSWORD), requires(Scope.ACCOUNT)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(400, 403, 422, 429, 503),
)
async def change_my_password(
    body: NewPasswordFields, request: Request, accounts: AccountsDep, principal: PrincipalDep
) -> Response:
    """Change the password; all other logins end."""
    await accounts.logins.change_password(
        await accounts.users.get(_own_id(principal)),
        body.current_password.get_secret_value(),
        body.new_password.get_secret_value(),
        caller_of(request),
        keep=principal.credential_id,
    )
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/sessions", dependencies=[audited(Action.ACCOUNT_SESSIONS, gathered=True), requires(Scope.ACCOUNT)])
async def list_my_sessions(accounts: AccountsDep, principal: PrincipalDep, request_id: RequestId) -> SessionsAnswer:
    """One's logins, the one used last first."""
    sessions = [SessionAnswer.of(login, principal) for login in await accounts.sessions.list(principal.id)]
    return SessionsAnswer(sessions=sessions, request_id=request_id)


@router.delete(
    "/sessions",
    dependencies=[audited(Action.ACCOUNT_END_SESSION), requires(Scope.ACCOUNT)],
    status_code=status.HTTP_204_NO_CONTENT,
)
async def end_my_other_sessions(accounts: AccountsDep, principal: PrincipalDep) -> Response:
    """End all logins but the one that makes this call."""
    await accounts.sessions.end_others(principal.id, principal.credential_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.delete(
    "/sessions/{session_id}",
    dependencies=[audited(Action.ACCOUNT_END_SESSION), requires(Scope.ACCOUNT)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
async def end_my_session(session_id: str, accounts: AccountsDep, principal: PrincipalDep) -> Response:
    """End one login; its access token stops at once."""
    await accounts.sessions.end(principal.id, session_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _own_id(principal: Principal) -> str:
    if not principal.is_user:
        raise AccountRequiredError(f"{principal.name} belongs to no user.")
    return principal.id
