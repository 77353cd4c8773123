"""API keys: shown once, found by their prefix, never more than their owner, stopped at once."""

import asyncio
import contextlib
import hmac
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from lianpu.accounts.accounts import Accounts
from lianpu.accounts.keys import KeyDraft
from lianpu.accounts.models import ApiKey, User
from lianpu.accounts.principal import PrincipalKind
from lianpu.accounts.roles import SCOPES_OF, Role, Scope
from lianpu.accounts.users import UserChange
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import (
    AccountRequiredError,
    ApiKeyError,
    ApiKeyNotFoundError,
    FieldsInvalidError,
    ScopeMissingError,
    TokenError,
    UserNotFoundError,
)
from tests.accounts.conftest import PASSWORD, OpenAccounts, principal

pytestmark = pytest.mark.anyio
CAMERA = KeyDraft("camera", frozenset({Scope.GALLERY_RECOGNISE, Scope.GALLERY_ENROL}), None)


async def made(accounts: Accounts, name: str = "bob", draft: KeyDraft = CAMERA) -> tuple[str, str]:
    """Id and text of a new key of that user."""
    owned, key = await accounts.keys.create(draft, await principal(accounts, name))
    return owned.key.id, key


async def is_refused(accounts: Accounts, key: str) -> bool:
    try:
        await accounts.authentication.principal_of(key)
    except ApiKeyError:
        return True
    return False


async def _change(database: Database, key_id: str, **values: object) -> None:
    async with database.session() as session:
        key = await session.get(ApiKey, key_id)
        assert key is not None
        for name, value in values.items():
            setattr(key, name, value)
        await session.commit()


async def test_R_ACC_1_key_acts_for_its_user_within_its_scopes(accounts: Accounts, ada: User, bob: User) -> None:
    key_id, key = await made(accounts)
    who = await accounts.authentication.principal_of(key)
    assert (who.kind, who.id, who.name, who.credential_id) == (PrincipalKind.API_KEY, bob.id, "Bob", key_id)
    assert who.scopes == CAMERA.scopes
    assert not who.may(Scope.ACCOUNT)


async def test_R_ACC_1_only_a_digest_of_the_key_is_stored(
    accounts: Accounts, ada: User, bob: User, database: Database
) -> None:
    _, key = await made(accounts)
    async with database.session() as session:
        stored = str((await session.execute(text("SELECT * FROM api_keys"))).all())
    assert key not in stored
    assert key.rpartition("_")[2] not in stored
    assert key.split("_")[1] in stored


async def test_R_ACC_1_wrong_keys_are_refused_alike(accounts: Accounts, ada: User, bob: User) -> None:
    _, key = await made(accounts)
    changed = key[:-1] + ("a" if key[-1] != "a" else "b")
    other_prefix = key.replace(key.split("_")[1], "x" * 10)
    said: set[str] = set()
    for wrong in (changed, other_prefix, key[:-1], "lianpu_", "", "\ud800", key.upper()):
        with pytest.raises(ApiKeyError) as refused:
            await accounts.authentication.principal_of(wrong)
        said.add(refused.value.detail)
    assert len(said) == 1


async def test_R_ACC_1_key_of_another_installation_is_refused(
    accounts: Accounts, open_accounts: OpenAccounts, ada: User, bob: User
) -> None:
    _, key = await made(accounts)
    other = open_accounts(accounts__secret="the secret of another installation".replace(" ", "-"))
    assert await is_refused(other, key)
    assert not await is_refused(accounts, key)


async def test_R_ACC_1_revoked_expired_and_disabled_stop_at_once(
    accounts: Accounts, ada: User, bob: User, database: Database
) -> None:
    key_id, key = await made(accounts)
    await _change(database, key_id, expires_at=now_utc() + timedelta(minutes=1))
    assert not await is_refused(accounts, key)
    await _change(database, key_id, expires_at=now_utc() - timedelta(seconds=1))
    assert await is_refused(accounts, key)
    await _change(database, key_id, expires_at=None)
    await accounts.users.update(bob.id, UserChange(is_active=False))
    assert await is_refused(accounts, key)
    await accounts.users.update(bob.id, UserChange(is_active=True))
    assert not await is_refused(accounts, key)
    await accounts.keys.revoke(key_id, await principal(accounts, "bob"))
    assert await is_refused(accounts, key)
    assert await accounts.keys.list(bob.id) == []


async def test_R_ACC_2_key_never_exceeds_the_present_role_of_its_owner(
    accounts: Accounts, ada: User, bob: User
) -> None:
    _, key = await made(accounts)
    await accounts.users.update(bob.id, UserChange(role=Role.VIEWER))
    assert (await accounts.authentication.principal_of(key)).scopes == {Scope.GALLERY_RECOGNISE}
    await accounts.users.update(bob.id, UserChange(role=Role.ADMIN))
    assert (await accounts.authentication.principal_of(key)).scopes == CAMERA.scopes
    await accounts.users.update(bob.id, UserChange(password="another good password"))
    assert (await accounts.authentication.principal_of(key)).scopes == frozenset()


async def test_R_ACC_2_nobody_makes_a_key_that_may_more(accounts: Accounts, ada: User, bob: User) -> None:
    with pytest.raises(ScopeMissingError) as refused:
        await made(accounts, "bob", KeyDraft("x", frozenset({Scope.IMAGES, Scope.USERS_MANAGE}), None))
    assert refused.value.context == {"required_scope": "users:manage"}
    with pytest.raises(ScopeMissingError):
        await made(accounts, "bob", KeyDraft("x", frozenset({Scope.IMAGES}), None, user_id=ada.id))
    with pytest.raises(FieldsInvalidError) as beyond:
        await made(accounts, "ada", KeyDraft("x", frozenset({Scope.AUDIT_READ}), None, user_id=bob.id))
    assert [error.code for error in beyond.value.errors] == ["scope_beyond"]
    with pytest.raises(UserNotFoundError):
        await made(accounts, "ada", KeyDraft("x", frozenset({Scope.IMAGES}), None, user_id="nobody"))
    _, key = await made(accounts, "ada", KeyDraft("x", frozenset({Scope.IMAGES}), None, user_id=bob.id))
    assert (await accounts.authentication.principal_of(key)).id == bob.id


async def test_R_ACC_2_key_that_expires_makes_none_that_outlives_it(accounts: Accounts, ada: User) -> None:
    scopes = frozenset({Scope.ACCOUNT})
    _, key = await made(accounts, "ada", KeyDraft("x", scopes, 10))
    who = await accounts.authentication.principal_of(key)
    for days in (None, 11):
        with pytest.raises(FieldsInvalidError):
            await accounts.keys.create(KeyDraft("y", scopes, days), who)
    await accounts.keys.create(KeyDraft("y", scopes, 9), who)
    with pytest.raises(ScopeMissingError):
        await accounts.keys.create(KeyDraft("y", frozenset({Scope.IMAGES}), 9), who)


async def test_R_ACC_1_keys_of_others_are_not_there(accounts: Accounts, ada: User, bob: User) -> None:
    key_id, key = await made(accounts, "ada")
    with pytest.raises(ApiKeyNotFoundError):
        await accounts.keys.revoke(key_id, await principal(accounts, "bob"))
    assert not await is_refused(accounts, key)
    bobs, _ = await made(accounts, "bob")
    admin = await principal(accounts, "ada")
    await accounts.keys.revoke(bobs, admin)
    for missing in (bobs, "nothing"):
        with pytest.raises(ApiKeyNotFoundError):
            await accounts.keys.revoke(missing, admin)
    assert [owned.key.id for owned in await accounts.keys.list(None)] == [key_id]


async def test_R_ACC_1_last_use_is_noted(accounts: Accounts, ada: User, bob: User, database: Database) -> None:
    key_id, key = await made(accounts)

    async def last_used() -> datetime | None:
        return (await accounts.keys.list(bob.id))[0].key.last_used_at

    assert await last_used() is None
    await asyncio.gather(*(accounts.authentication.principal_of(key) for _ in range(5)))
    first = await last_used()
    assert first is not None
    await accounts.authentication.principal_of(key)
    assert await last_used() == first
    await _change(database, key_id, last_used_at=first - timedelta(minutes=2))
    await accounts.authentication.principal_of(key)
    again = await last_used()
    assert again is not None
    assert again > first


async def test_R_ACC_3_configured_key_and_local_commands_have_no_account(open_accounts: OpenAccounts) -> None:
    accounts = open_accounts(server__api_key="a-key-of-the-settings")
    who = await accounts.authentication.principal_of("a-key-of-the-settings")
    local = await accounts.authentication.principal_of(accounts.tokens.issue_local("root"))
    for one in (who, local):
        assert (one.is_user, one.role, one.scopes) == (False, Role.ADMIN, SCOPES_OF[Role.ADMIN])
        with pytest.raises(AccountRequiredError):
            await accounts.keys.create(CAMERA, one)
    assert local.name == "local:root"
    for wrong in ("a-key-of-the-setting", "a-key-of-the-settings ", "A-key-of-the-settings"):
        assert await is_refused(accounts, wrong)
    other = open_accounts(accounts__secret="the-secret-of-another-installation")
    with pytest.raises(TokenError):
        await accounts.authentication.principal_of(other.tokens.issue_local("root"))


async def test_R_ACC_1_digests_are_compared_in_constant_time(
    accounts: Accounts, ada: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `hmac.compare_digest`, whatever is secret: keys, the configured one, refresh and set-up tokens."""
    compared: list[str] = []
    compare = hmac.compare_digest

    def watched(one: str | bytes, other: str | bytes) -> bool:
        compared.append("compared")
        return compare(one, other)  # type: ignore[type-var]

    _, key = await made(accounts)
    token = accounts.tokens.issue(bob.id, "none")
    monkeypatch.setattr(hmac, "compare_digest", watched)
    for credential in (key, key[:-1] + "x", token):
        before = len(compared)
        with contextlib.suppress(ApiKeyError, TokenError):
            await accounts.authentication.principal_of(credential)
        assert len(compared) > before
    for call in (
        accounts.setup.make_administrator("x", "Eve", PASSWORD),
        accounts.sessions.refresh("a.1.b", None),  # type: ignore[arg-type]
    ):
        before = len(compared)
        with pytest.raises(Exception, match=r"set-up link|refresh token"):
            await call
        assert len(compared) > before
