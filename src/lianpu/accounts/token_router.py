"""`/api/v1/users/token`: logging in, staying logged in, logging out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, status
from pydantic import SecretStr

from lianpu.accounts.access import open_to_all
from lianpu.accounts.accounts import AccountsDep
from lianpu.accounts.refresh_cookie import RefreshCookie, clear_cookie, set_cookie
from lianpu.accounts.sessions import Caller
from lianpu.accounts.token_schemas import GrantType, RevocationForm, TokenAnswer, TokenForm
from lianpu.errors import AuthenticationRequiredError
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.client_address import client_address
from lianpu.http.problems import RequestId, problems

TOKEN_PATH = "/api/v1/users/token"  # noqa: S105 (a path)
REVOCATION_PATH = f"{TOKEN_PATH}/revoke"
router = APIRouter(prefix=TOKEN_PATH, tags=["accounts"])


@router.post(
    "", dependencies=[audited(Action.ACCOUNT_LOGIN), open_to_all()], responses=problems(400, 401, 422, 429, 503)
)
async def get_token(
    form: Annotated[TokenForm, Form()],
    request: Request,
    response: Response,
    accounts: AccountsDep,
    note: AuditNoteDep,
    request_id: RequestId,
    cookie: RefreshCookie = None,
) -> TokenAnswer:
    """Log in by password, or refresh a login (OAuth 2.0).

    A refresh token is good once: the answer brings the next one. One that comes again ends the login.
    """
    if form.grant_type is GrantType.PASSWORD:
        password = form.password.get_secret_value()
        tokens = await accounts.logins.log_in(form.username, password, caller_of(request), note)
    else:
        tokens = await accounts.sessions.refresh(_given(form.refresh_token, cookie), note)
    if form.wants_cookie:
        set_cookie(request, response, tokens)
    response.headers["Cache-Control"] = "no-store"
    return TokenAnswer.of(tokens, request_id, in_cookie=form.wants_cookie)


@router.post(
    "/revoke",
    dependencies=[audited(Action.ACCOUNT_LOGOUT), open_to_all()],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(400, 422, 429),
)
async def revoke_token(
    form: Annotated[RevocationForm, Form()],
    request: Request,
    accounts: AccountsDep,
    note: AuditNoteDep,
    cookie: RefreshCookie = None,
) -> Response:
    """Log out: end the login of a refresh token, and its access tokens with it (RFC 7009)."""
    if form.token is not None or cookie:
        await accounts.sessions.revoke(_given(form.token, cookie), note)
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    clear_cookie(request, response)
    return response


def _given(token: SecretStr | None, cookie: str | None) -> str:
    given = cookie if token is None else token.get_secret_value()
    if not given:
        raise AuthenticationRequiredError("There is neither a refresh token nor its cookie: log in.")
    return given


def caller_of(request: Request) -> Caller:
    return Caller(client_address(request.scope), request.headers.get("user-agent", ""))
