"""The first administrator: one link, one use, one administrator."""

import asyncio

import pytest
from sqlalchemy import text

from lianpu.accounts.accounts import Accounts
from lianpu.accounts.models import User
from lianpu.accounts.roles import Role
from lianpu.database.session import Database
from lianpu.errors import FieldsInvalidError, SetupTokenError, UserExistsError
from tests.accounts.conftest import PASSWORD, OpenAccounts, logged_in

pytestmark = pytest.mark.anyio


async def test_R_ACC_3_link_makes_the_first_administrator_once(accounts: Accounts) -> None:
    assert await accounts.setup.is_needed()
    token = await accounts.setup.new_token()
    assert token is not None
    user = await accounts.setup.make_administrator(token, "Ada", PASSWORD)
    assert (user.role, user.must_change_password) == (Role.ADMIN, False)
    await logged_in(accounts, "ada")
    assert not await accounts.setup.is_needed()
    with pytest.raises(SetupTokenError):
        await accounts.setup.make_administrator(token, "Eve", PASSWORD)
    assert await accounts.setup.new_token() is None


async def test_R_ACC_3_token_is_not_stored_and_no_other_one_works(accounts: Accounts, database: Database) -> None:
    first = await accounts.setup.new_token()
    token = await accounts.setup.new_token()
    assert first is not None
    assert token is not None
    async with database.session() as session:
        rows = (await session.execute(text("SELECT digest FROM setup_tokens"))).scalars().all()
        assert len(rows) == 1
        assert token not in rows[0]
    for wrong in (first, "", "x" * 43, token.lower(), rows[0]):
        with pytest.raises(SetupTokenError):
            await accounts.setup.make_administrator(wrong, "Eve", PASSWORD)
    await accounts.setup.make_administrator(token, "Ada", PASSWORD)


async def test_R_ACC_3_nothing_works_where_no_link_was_made(accounts: Accounts) -> None:
    for wrong in ("", "None", "x"):
        with pytest.raises(SetupTokenError):
            await accounts.setup.make_administrator(wrong, "Eve", PASSWORD)


async def test_R_ACC_3_poor_password_or_taken_name_leaves_the_link_good(accounts: Accounts) -> None:
    await accounts.users.create("Bob", PASSWORD, Role.VIEWER, must_change_password=False)
    token = await accounts.setup.new_token()
    assert token is not None
    with pytest.raises(FieldsInvalidError):
        await accounts.setup.make_administrator(token, "Ada", "short")
    with pytest.raises(UserExistsError):
        await accounts.setup.make_administrator(token, "bob", PASSWORD)
    await accounts.setup.make_administrator(token, "Ada", PASSWORD)


async def test_R_ACC_3_link_used_twice_at_once_makes_one_administrator(open_accounts: OpenAccounts) -> None:
    nodes = [open_accounts() for _ in range(5)]
    token = await nodes[0].setup.new_token()
    assert token is not None
    done = await asyncio.gather(
        *(node.setup.make_administrator(token, f"admin {n}", PASSWORD) for n, node in enumerate(nodes)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["SetupTokenError"] * 4 + ["User"]
    assert len(await nodes[0].users.list()) == 1


async def test_R_ACC_3_administrator_made_otherwise_voids_the_link(accounts: Accounts, bob: User) -> None:
    token = await accounts.setup.new_token()
    assert token is not None
    await accounts.users.create("Ada", PASSWORD, Role.ADMIN, must_change_password=False)
    with pytest.raises(SetupTokenError):
        await accounts.setup.make_administrator(token, "Eve", PASSWORD)
