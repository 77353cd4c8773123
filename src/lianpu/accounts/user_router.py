"""`/api/v1/users`: the first administrator, registration, and users as administrators see them."""

from fastapi import APIRouter, Request, Response, status

from lianpu.accounts.access import OptionalPrincipalDep, PrincipalDep, open_to_all, requires
from lianpu.accounts.accounts import AccountsDep
from lianpu.accounts.principal import PrincipalKind
from lianpu.accounts.roles import Scope
from lianpu.accounts.schemas import (
    NewUserFields,
    SetupAnswer,
    SetupFields,
    UserAnswer,
    UserFields,
    UserOnlyAnswer,
    UsersAnswer,
)
from lianpu.accounts.users import UserChange
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.client_address import client_address
from lianpu.http.problems import RequestId, problems

USERS_PATH = "/api/v1/users/"
SETUP_PATH = "/api/v1/users/setup"
router = APIRouter(prefix="/api/v1/users", tags=["accounts"])


@router.get("/setup", dependencies=[open_to_all()], responses=problems(429))
async def get_setup(accounts: AccountsDep, request_id: RequestId) -> SetupAnswer:
    """Whether there is an administrator, and who may make an account."""
    return SetupAnswer(
        setup_needed=await accounts.setup.is_needed(),
        registration="open" if accounts.registration.is_open else "closed",
        password_min_chars=accounts.passwords.min_chars,
        request_id=request_id,
    )


@router.post(
    "/setup",
    dependencies=[audited(Action.ACCOUNT_SETUP), open_to_all()],
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 403, 409, 422, 429, 503),
)
async def set_up(
    body: SetupFields, request: Request, accounts: AccountsDep, note: AuditNoteDep, request_id: RequestId
) -> UserOnlyAnswer:
    """Make the first administrator, with the token of the link that the server printed at its start."""
    await accounts.rate_limits.count_login(client_address(request.scope))
    user = await accounts.setup.make_administrator(
        body.setup_token.get_secret_value(), body.name, body.password.get_secret_value()
    )
    note.acts_as(PrincipalKind.USER, user.id, user.name)
    return UserOnlyAnswer(user=UserAnswer.of(user), request_id=request_id)


@router.post(
    "/",
    dependencies=[audited(Action.USER_CREATE), open_to_all()],
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 401, 403, 409, 422, 429, 503),
)
async def create_user(
    body: NewUserFields,
    request: Request,
    accounts: AccountsDep,
    by: OptionalPrincipalDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> UserOnlyAnswer:
    """Make a user: administrators any, anybody a viewer where registration is open (`accounts.registration`)."""
    user = await accounts.registration.register(
        body.name,
        body.password.get_secret_value(),
        body.role,
        must_change_password=body.must_change_password,
        by=by,
        address=client_address(request.scope),
    )
    note.about(user.id, role=user.role)
    return UserOnlyAnswer(user=UserAnswer.of(user), request_id=request_id)


@router.get("/", dependencies=[audited(Action.USER_LIST), requires(Scope.USERS_MANAGE)])
async def list_users(accounts: AccountsDep, request_id: RequestId) -> UsersAnswer:
    """All users, by name."""
    return UsersAnswer(users=[UserAnswer.of(user) for user in await accounts.users.list()], request_id=request_id)


@router.get(
    "/{user_id}", dependencies=[audited(Action.USER_READ), requires(Scope.USERS_MANAGE)], responses=problems(404)
)
async def get_user(user_id: str, accounts: AccountsDep, request_id: RequestId) -> UserOnlyAnswer:
    return UserOnlyAnswer(user=UserAnswer.of(await accounts.users.get(user_id)), request_id=request_id)


@router.put(
    "/{user_id}",
    dependencies=[audited(Action.USER_UPDATE), requires(Scope.USERS_MANAGE)],
    responses=problems(400, 404, 409, 422, 503),
)
async def update_user(
    user_id: str,
    body: UserFields,
    accounts: AccountsDep,
    principal: PrincipalDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> UserOnlyAnswer:
    """Change a user. A new role, grant, state or password ends all logins of the user at once.

    `last_admin`: no active administrator would be left.
    """
    password = None if body.password is None else body.password.get_secret_value()
    granted = None if body.granted_scopes is None else frozenset(body.granted_scopes)
    change = UserChange(
        body.name, body.role, granted, body.is_active, password, must_change_password=user_id != principal.id
    )
    note.about(
        user_id,
        role=body.role,
        granted=None if granted is None else sorted(granted),
        is_active=body.is_active,
        is_renamed=body.name is not None,
        is_password_new=password is not None,
    )
    return UserOnlyAnswer(user=UserAnswer.of(await accounts.users.update(user_id, change)), request_id=request_id)


@router.delete(
    "/{user_id}",
    dependencies=[audited(Action.USER_DELETE), requires(Scope.USERS_MANAGE)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404, 409),
)
async def delete_user(user_id: str, accounts: AccountsDep) -> Response:
    """Delete a user with all logins, API keys and images."""
    await accounts.users.delete(user_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
