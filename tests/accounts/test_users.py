"""Users: unique names, one administrator at all times, and what a change ends."""

import asyncio

import pytest
from sqlalchemy import text

from lianpu.accounts.accounts import Accounts
from lianpu.accounts.keys import KeyDraft
from lianpu.accounts.models import User
from lianpu.accounts.roles import Role, Scope
from lianpu.accounts.users import UserChange
from lianpu.database.session import Database
from lianpu.errors import (
    ApiKeyError,
    FieldsInvalidError,
    LastAdminError,
    TokenError,
    TokenRevokedError,
    UserExistsError,
    UserNotFoundError,
)
from tests.accounts.conftest import PASSWORD, OpenAccounts, logged_in, principal

pytestmark = pytest.mark.anyio
DEMOTED = UserChange(role=Role.VIEWER)
DISABLED = UserChange(is_active=False)


async def test_R_ACC_1_names_are_taken_once(accounts: Accounts, ada: User, bob: User) -> None:
    for name in ("Ada", "ADA", "ａｄａ"):
        with pytest.raises(UserExistsError):
            await accounts.users.create(name, PASSWORD, Role.VIEWER, must_change_password=False)
    with pytest.raises(UserExistsError):
        await accounts.users.update(bob.id, UserChange(name="aDA"))
    assert [user.name for user in await accounts.users.list()] == ["Ada", "Bob"]
    assert (await accounts.users.update(ada.id, UserChange(name="ADA"))).name == "ADA"
    made = await asyncio.gather(
        *(accounts.users.create("eve", PASSWORD, Role.VIEWER, must_change_password=False) for _ in range(5)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in made) == ["User", *["UserExistsError"] * 4]


async def test_R_ACC_2_last_administrator_stays(accounts: Accounts, ada: User, bob: User) -> None:
    for change in (DEMOTED, DISABLED):
        with pytest.raises(LastAdminError):
            await accounts.users.update(ada.id, change)
    with pytest.raises(LastAdminError):
        await accounts.users.delete(ada.id)
    assert (await accounts.users.get(ada.id)).is_active
    # One who is disabled is none.
    await accounts.users.update(bob.id, UserChange(role=Role.ADMIN, is_active=False))
    with pytest.raises(LastAdminError):
        await accounts.users.update(ada.id, DEMOTED)
    await accounts.users.update(bob.id, UserChange(is_active=True))
    assert (await accounts.users.update(ada.id, DEMOTED)).role == Role.VIEWER


@pytest.mark.parametrize("change", [DEMOTED, DISABLED, None], ids=["demote", "disable", "delete"])
async def test_R_ACC_2_one_administrator_stays_also_when_all_go_at_once(
    open_accounts: OpenAccounts, change: UserChange | None
) -> None:
    nodes = [open_accounts() for _ in range(6)]
    admins = [
        await node.users.create(f"admin {number}", PASSWORD, Role.ADMIN, must_change_password=False)
        for number, node in enumerate(nodes)
    ]
    done = await asyncio.gather(
        *(
            node.users.delete(user.id) if change is None else node.users.update(user.id, change)
            for node, user in zip(nodes, admins, strict=True)
        ),
        return_exceptions=True,
    )
    assert [type(one) for one in done if isinstance(one, Exception)] == [LastAdminError]
    left = [user for user in await nodes[0].users.list() if user.role == Role.ADMIN and user.is_active]
    assert len(left) == 1


@pytest.mark.parametrize(
    "change",
    [UserChange(role=Role.VIEWER), UserChange(is_active=False), UserChange(password="another good password")],
    ids=["role", "state", "password"],
)
async def test_R_ACC_1_change_of_rights_ends_all_sessions(
    accounts: Accounts, ada: User, bob: User, change: UserChange
) -> None:
    tokens = [await logged_in(accounts, "bob"), await logged_in(accounts, "bob")]
    mine = await logged_in(accounts, "ada")
    await accounts.users.update(bob.id, change)
    for token in tokens:
        with pytest.raises(TokenRevokedError):
            await accounts.authentication.principal_of(token.access_token)
    await accounts.authentication.principal_of(mine.access_token)


async def test_R_ACC_1_other_changes_end_nothing(accounts: Accounts, ada: User, bob: User) -> None:
    token = (await logged_in(accounts, "bob")).access_token
    await accounts.users.update(bob.id, UserChange(name="Robert", role=Role.OPERATOR, is_active=True))
    assert (await accounts.authentication.principal_of(token)).name == "Robert"


async def test_R_ACC_1_new_password_must_be_good_and_changed_by_its_user(
    accounts: Accounts, ada: User, bob: User
) -> None:
    with pytest.raises(FieldsInvalidError):
        await accounts.users.update(bob.id, UserChange(password="this is bob's"))
    with pytest.raises(FieldsInvalidError):
        await accounts.users.update(bob.id, UserChange(name="Robert", password="this is robert's"))
    changed = await accounts.users.update(bob.id, UserChange(password="another good password"))
    assert changed.must_change_password
    tokens = await logged_in(accounts, "bob", "another good password")
    assert tokens.scopes == {Scope.ACCOUNT}
    assert (await accounts.authentication.principal_of(tokens.access_token)).scopes == {Scope.ACCOUNT}


async def test_R_ACC_1_deletion_takes_all_that_is_the_users(
    accounts: Accounts, ada: User, bob: User, database: Database
) -> None:
    gone: list[tuple[str, bool]] = []

    async def take_along(user_id: str) -> None:
        # Nothing new can be made while it runs.
        gone.append((user_id, (await accounts.users.get(user_id)).is_active))

    accounts.users.on_deletion(take_along)
    token = (await logged_in(accounts, "bob")).access_token
    draft = KeyDraft("camera", frozenset({Scope.IMAGES}), None)
    _, key = await accounts.keys.create(draft, await principal(accounts, "bob"))
    await accounts.users.delete(bob.id)
    assert gone == [(bob.id, False)]
    with pytest.raises(TokenError):
        await accounts.authentication.principal_of(token)
    with pytest.raises(ApiKeyError):
        await accounts.authentication.principal_of(key)
    async with database.session() as session:
        for table in ("login_sessions", "api_keys"):
            query = text(f"SELECT count(*) FROM {table} WHERE user_id = :user")
            assert (await session.execute(query, {"user": bob.id})).scalar() == 0
    for call in (accounts.users.get(bob.id), accounts.users.delete(bob.id), accounts.users.update(bob.id, DEMOTED)):
        with pytest.raises(UserNotFoundError):
            await call


async def test_R_ACC_1_deletion_that_fails_half_way_can_be_repeated(accounts: Accounts, ada: User, bob: User) -> None:
    failures = [OSError("the disk"), None]

    async def take_along(_: str) -> None:
        failure = failures.pop(0)
        if failure is not None:
            raise failure

    accounts.users.on_deletion(take_along)
    with pytest.raises(OSError, match="the disk"):
        await accounts.users.delete(bob.id)
    assert not (await accounts.users.get(bob.id)).is_active
    await accounts.users.delete(bob.id)
    assert [user.name for user in await accounts.users.list()] == ["Ada"]
