"""Accounts over a database of their own, without HTTP; passwords are hashed as cheaply as Argon2id goes."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from lianpu.accounts.accounts import Accounts, accounts_of
from lianpu.accounts.models import User
from lianpu.accounts.passwords import HashCost
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Role
from lianpu.accounts.sessions import Caller
from lianpu.database.session import Database
from lianpu.http.audited import AuditNote
from lianpu.settings import load_settings

CHEAP = HashCost(iterations=1, memory_kib=8, lanes=1)
PASSWORD = "correct horse battery staple"
CALLER = Caller("192.0.2.1", "Mozilla/5.0")
OpenAccounts = Callable[..., Accounts]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def open_accounts(tmp_path: Path, database: Database) -> OpenAccounts:
    """`open_accounts(accounts__registration="open")`: as another node over the same database and home would."""

    def opened(*, hash_cost: HashCost = CHEAP, **overrides: Any) -> Accounts:
        values = {key.replace("__", "."): value for key, value in overrides.items()}
        limits = {"limits.login": None, "home": str(tmp_path)}
        settings = load_settings({**limits, **values}, environment={}, folder=tmp_path).settings
        return accounts_of(settings, database, hash_cost=hash_cost)

    return opened


@pytest.fixture
def accounts(open_accounts: OpenAccounts) -> Accounts:
    return open_accounts()


@pytest.fixture
async def ada(accounts: Accounts) -> User:
    """An administrator."""
    return await accounts.users.create("Ada", PASSWORD, Role.ADMIN, must_change_password=False)


@pytest.fixture
async def bob(accounts: Accounts) -> User:
    """An operator."""
    return await accounts.users.create("Bob", PASSWORD, Role.OPERATOR, must_change_password=False)


async def logged_in(accounts: Accounts, name: str, password: str = PASSWORD) -> Any:
    return await accounts.logins.log_in(name, password, CALLER, AuditNote())


async def principal(accounts: Accounts, name: str) -> Principal:
    return await accounts.authentication.principal_of((await logged_in(accounts, name)).access_token)
