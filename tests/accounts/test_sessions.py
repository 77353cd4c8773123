"""Sessions: refresh tokens are good once, a stolen one ends its session, two tabs do not."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from lianpu.accounts.accounts import Accounts
from lianpu.accounts.models import LoginSession, User
from lianpu.accounts.sessions import GRACE, SESSIONS_AT_MOST, Caller
from lianpu.accounts.tokens import RefreshToken, RefreshTokens
from lianpu.accounts.users import UserChange
from lianpu.database.session import Database
from lianpu.errors import SessionNotFoundError, TokenError, TokenExpiredError, TokenRevokedError
from lianpu.http.audited import AuditNote
from tests.accounts.conftest import CALLER, PASSWORD, logged_in

pytestmark = pytest.mark.anyio


async def refreshed(accounts: Accounts, token: str) -> Any:
    return await accounts.sessions.refresh(token, AuditNote())


async def _age(database: Database, by: timedelta) -> None:
    """As if everything had happened so much earlier."""
    async with database.session() as session:
        for login in (await session.scalars(LoginSession.__table__.select().with_only_columns(LoginSession.id))).all():
            found = await session.get(LoginSession, login)
            assert found is not None
            found.used_at, found.expires_at = found.used_at - by, found.expires_at - by
        await session.commit()


async def _is_good(accounts: Accounts, access_token: str) -> bool:
    try:
        await accounts.authentication.principal_of(access_token)
    except TokenRevokedError:
        return False
    return True


async def test_R_ACC_1_each_refresh_token_is_good_once(accounts: Accounts, ada: User, database: Database) -> None:
    first = await logged_in(accounts, "ada")
    second = await refreshed(accounts, first.refresh_token)
    third = await refreshed(accounts, second.refresh_token)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert await _is_good(accounts, third.access_token)
    assert len(await accounts.sessions.list(ada.id)) == 1


async def test_R_ACC_1_stolen_refresh_token_ends_its_session(
    accounts: Accounts, ada: User, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    first, beside = await logged_in(accounts, "ada"), await logged_in(accounts, "ada")
    second = await refreshed(accounts, first.refresh_token)
    await _age(database, GRACE + timedelta(seconds=1))
    with caplog.at_level(logging.WARNING), pytest.raises(TokenRevokedError):
        await refreshed(accounts, first.refresh_token)
    with pytest.raises(TokenRevokedError):
        await refreshed(accounts, second.refresh_token)
    assert not await _is_good(accounts, second.access_token)
    assert await _is_good(accounts, beside.access_token)
    assert "a refresh token came again after it was used" in caplog.text
    assert first.refresh_token not in str([record.__dict__ for record in caplog.records])


async def test_R_ACC_1_older_generation_is_theft_at_any_time(accounts: Accounts, ada: User) -> None:
    first = await logged_in(accounts, "ada")
    third = await refreshed(accounts, (await refreshed(accounts, first.refresh_token)).refresh_token)
    with pytest.raises(TokenRevokedError):
        await refreshed(accounts, first.refresh_token)
    assert not await _is_good(accounts, third.access_token)


async def test_R_ACC_1_two_tabs_that_refresh_at_once_stay_logged_in(accounts: Accounts, ada: User) -> None:
    first = await logged_in(accounts, "ada")
    answers = await asyncio.gather(*(refreshed(accounts, first.refresh_token) for _ in range(8)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert answers[0].refresh_token != first.refresh_token
    for answer in answers:
        assert await _is_good(accounts, answer.access_token)
    assert await _is_good(accounts, (await refreshed(accounts, answers[3].refresh_token)).access_token)


async def test_R_ACC_1_expiry_moves_on_with_use(accounts: Accounts, ada: User, database: Database) -> None:
    tokens = await logged_in(accounts, "ada")
    for _ in range(3):
        await _age(database, timedelta(days=20))
        tokens = await refreshed(accounts, tokens.refresh_token)
        assert tokens.refresh_expires_in_s == 30 * 24 * 3600
    await _age(database, timedelta(days=31))
    with pytest.raises(TokenExpiredError):
        await refreshed(accounts, tokens.refresh_token)
    with pytest.raises(TokenExpiredError):
        await accounts.authentication.principal_of(tokens.access_token)
    assert await accounts.sessions.list(ada.id) == []


async def test_R_ACC_1_logging_out_ends_the_session_at_once(accounts: Accounts, ada: User) -> None:
    tokens, beside = await logged_in(accounts, "ada"), await logged_in(accounts, "ada")
    await accounts.sessions.revoke(tokens.refresh_token, AuditNote())
    assert not await _is_good(accounts, tokens.access_token)
    assert await _is_good(accounts, beside.access_token)
    with pytest.raises(TokenRevokedError):
        await refreshed(accounts, tokens.refresh_token)
    for token in (tokens.refresh_token, "of nobody", tokens.access_token):
        await accounts.sessions.revoke(token, AuditNote())


async def test_R_ACC_1_token_of_a_session_that_never_was_is_refused(
    accounts: Accounts, ada: User, database: Database
) -> None:
    tokens = await logged_in(accounts, "ada")
    genuine: RefreshTokens = accounts.sessions._refresh_tokens
    for token in (RefreshToken("nobody", 1), RefreshToken(genuine.read(tokens.refresh_token).session_id, 2)):
        with pytest.raises(TokenError):
            await refreshed(accounts, genuine.issue(token))
    assert await _is_good(accounts, tokens.access_token)


async def test_R_ACC_1_disabled_user_cannot_refresh(accounts: Accounts, ada: User, bob: User) -> None:
    tokens = await logged_in(accounts, "bob")
    await accounts.users.update(bob.id, UserChange(is_active=False))
    with pytest.raises(TokenRevokedError):
        await refreshed(accounts, tokens.refresh_token)
    await accounts.users.update(bob.id, UserChange(is_active=True))
    with pytest.raises(TokenRevokedError):
        await refreshed(accounts, tokens.refresh_token)


async def test_R_ACC_1_sessions_are_listed_and_ended_by_their_user(accounts: Accounts, ada: User, bob: User) -> None:
    tokens = [await logged_in(accounts, "ada") for _ in range(3)]
    ids = [accounts.sessions._refresh_tokens.read(token.refresh_token).session_id for token in tokens]
    await refreshed(accounts, tokens[0].refresh_token)
    listed = await accounts.sessions.list(ada.id)
    assert [login.id for login in listed] == [ids[0], ids[2], ids[1]]
    assert {login.client for login in listed} == {"192.0.2.1 Mozilla/5.0"}
    with pytest.raises(SessionNotFoundError):
        await accounts.sessions.end(bob.id, ids[0])
    await accounts.sessions.end(ada.id, ids[0])
    assert [await _is_good(accounts, token.access_token) for token in tokens] == [False, True, True]
    await accounts.sessions.end_others(ada.id, ids[1])
    assert [await _is_good(accounts, token.access_token) for token in tokens] == [False, True, False]


async def test_R_ACC_1_sessions_used_longest_ago_give_way(accounts: Accounts, ada: User, database: Database) -> None:
    first = await logged_in(accounts, "ada")
    async with database.session() as session:
        for _ in range(SESSIONS_AT_MOST - 1):
            await accounts.sessions.open(session, ada, CALLER)
        await session.commit()
    assert await _is_good(accounts, first.access_token)
    await logged_in(accounts, "ada")
    assert not await _is_good(accounts, first.access_token)
    assert len(await accounts.sessions.list(ada.id)) == SESSIONS_AT_MOST


async def test_R_ACC_1_ended_sessions_are_cleared_away(accounts: Accounts, ada: User, database: Database) -> None:
    tokens = await logged_in(accounts, "ada")
    await _age(database, timedelta(days=61))
    await logged_in(accounts, "ada")
    async with database.session() as session:
        assert (await session.execute(text("SELECT count(*) FROM login_sessions"))).scalar() == 1
    with pytest.raises(TokenError):
        await refreshed(accounts, tokens.refresh_token)


async def test_R_ACC_1_nothing_of_a_token_or_password_is_stored(
    accounts: Accounts, ada: User, database: Database
) -> None:
    tokens = await refreshed(accounts, (await logged_in(accounts, "ada")).refresh_token)
    async with database.session() as session:
        for table in ("users", "login_sessions"):
            stored = str((await session.execute(text(f"SELECT * FROM {table}"))).all())
            for secret in (PASSWORD, tokens.refresh_token, tokens.refresh_token[-43:], tokens.access_token):
                assert secret not in stored


def test_R_ACC_1_what_a_browser_calls_itself_is_cut_and_cleaned() -> None:
    assert str(Caller("192.0.2.1", "a\nb\x1b[31m" + "c" * 500)) == ("192.0.2.1 ab[31m" + "c" * 500)[:200]
