"""Logging in: alike for whoever fails, slower and slower for who guesses, and no more at once than one by one."""

import asyncio
import logging
from typing import Any

import pytest

from lianpu.accounts import throttle
from lianpu.accounts.accounts import Accounts
from lianpu.accounts.models import User
from lianpu.accounts.passwords import HashCost
from lianpu.accounts.roles import Role
from lianpu.accounts.sessions import Caller
from lianpu.accounts.users import UserChange
from lianpu.errors import FieldsInvalidError, LockedOutError, LoginFailedError, RateLimitedError, TokenRevokedError
from lianpu.http.audited import AuditNote
from tests.accounts.conftest import CALLER, PASSWORD, OpenAccounts, logged_in

pytestmark = pytest.mark.anyio
NEW = "another good password"
FREE = throttle.BY_NAME_AND_ADDRESS.free


async def tried(accounts: Accounts, name: str, password: str, address: str = CALLER.address) -> Any:
    """What a login says: its answer, or its error."""
    try:
        return await accounts.logins.log_in(name, password, Caller(address), AuditNote())
    except (LoginFailedError, RateLimitedError) as error:
        return error


async def end_locks(accounts: Accounts) -> None:
    """As if the time had gone by."""
    storage: Any = accounts.counters._local
    for key in [key for key in storage.storage if "/lock/" in key]:
        await storage.clear(key)


async def test_R_ACC_1_name_is_found_however_it_is_typed(accounts: Accounts, ada: User) -> None:
    note = AuditNote()
    await accounts.logins.log_in("ＡＤＡ ", PASSWORD, CALLER, note)
    assert note.actor == ("user", ada.id, "Ada")
    assert (await accounts.users.get(ada.id)).last_login_at is not None


async def test_R_ACC_4_failures_do_not_tell_their_reason(accounts: Accounts, ada: User, bob: User) -> None:
    await accounts.users.update(bob.id, UserChange(is_active=False))
    failures = [
        await tried(accounts, "ada", "wrong password"),
        await tried(accounts, "bob", PASSWORD),
        await tried(accounts, "nobody", PASSWORD),
        await tried(accounts, "", ""),
        await tried(accounts, "ada", ""),
        await tried(accounts, "x" * 300, PASSWORD),
    ]
    assert {type(failure) for failure in failures} == {LoginFailedError}
    assert len({failure.detail for failure in failures}) == 1


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_R_ACC_4_guessing_locks_out_longer_and_longer(accounts: Accounts, ada: User, name: str) -> None:
    for _ in range(FREE):
        assert isinstance(await tried(accounts, name, "wrong password"), LoginFailedError)
    waits: list[int | None] = []
    for _ in range(7):
        locked = await tried(accounts, name, PASSWORD)
        assert isinstance(locked, LockedOutError)
        assert (locked.code, locked.status) == ("locked_out", 429)
        waits.append(locked.retry_after_s)
        await end_locks(accounts)
        assert isinstance(await tried(accounts, name, "wrong password"), LoginFailedError)
    assert waits == [30, 60, 120, 240, 480, 900, 900]
    # Only this name from this address.
    if name == "nobody":
        await logged_in(accounts, "ada")
    else:
        assert not isinstance(await tried(accounts, "ada", PASSWORD, "198.51.100.7"), Exception)


async def test_R_ACC_4_success_clears_what_was_counted(accounts: Accounts, ada: User) -> None:
    for _ in range(4):
        for _ in range(FREE - 1):
            assert isinstance(await tried(accounts, "ada", "wrong password"), LoginFailedError)
        await logged_in(accounts, "ada")
    await end_locks(accounts)
    # The last free one may be right, too.
    await logged_in(accounts, "ada")


async def test_R_ACC_4_many_guesses_at_once_are_no_more_than_one_by_one(accounts: Accounts, ada: User) -> None:
    said = await asyncio.gather(*(tried(accounts, "ada", f"wrong password {number}") for number in range(40)))
    assert [type(one) for one in said].count(LoginFailedError) == FREE
    assert isinstance(await tried(accounts, "ada", PASSWORD), LockedOutError)


@pytest.mark.parametrize("address", ["192.0.2.66", "2001:db8::{:x}"])
async def test_R_ACC_4_one_address_that_tries_many_names_is_locked_out(
    accounts: Accounts, ada: User, address: str
) -> None:
    for number in range(throttle.BY_ADDRESS.free):
        failed = await tried(accounts, f"user {number}", "wrong password", address.format(number))
        assert isinstance(failed, LoginFailedError)
    assert isinstance(await tried(accounts, "ada", PASSWORD, address.format(999)), LockedOutError)
    await logged_in(accounts, "ada")


async def test_R_ACC_4_own_account_does_not_wash_an_address_clean(accounts: Accounts, ada: User, bob: User) -> None:
    """Logging in to one's own account in between does not buy more guesses at other names."""
    said: list[type] = []
    for number in range(throttle.BY_ADDRESS.free + 10):
        said.append(type(await tried(accounts, f"user {number}", "wrong password")))
        await tried(accounts, "bob", PASSWORD)
    assert said.count(LoginFailedError) == throttle.BY_ADDRESS.free
    assert said[-1] is LockedOutError


async def test_R_ACC_4_name_that_is_tried_from_many_addresses_is_locked_out_late_and_briefly(
    accounts: Accounts, ada: User
) -> None:
    for number in range(throttle.BY_NAME.free):
        failed = await tried(accounts, "ada", "wrong password", f"198.51.{number}.1")
        assert isinstance(failed, LoginFailedError)
    locked = await tried(accounts, "ada", PASSWORD, "203.0.113.1")
    assert isinstance(locked, LockedOutError)
    assert locked.retry_after_s == 30
    assert throttle.BY_NAME.lock_s(10_000) == 300


async def test_R_ACC_4_what_is_counted_shows_no_name(accounts: Accounts, ada: User) -> None:
    """People type their password where the name belongs."""
    await tried(accounts, "my secret password", "")
    storage: Any = accounts.counters._local
    assert storage.storage
    assert "secret" not in str(dict(storage.storage))


async def test_R_ACC_4_rate_of_logins_is_limited_too(open_accounts: OpenAccounts) -> None:
    accounts = open_accounts(limits__login="3/day")
    await accounts.users.create("Ada", PASSWORD, Role.ADMIN, must_change_password=False)
    for _ in range(3):
        await logged_in(accounts, "ada")
    refused = await tried(accounts, "ada", PASSWORD)
    assert type(refused) is RateLimitedError


async def test_R_ACC_1_cost_that_grew_is_taken_over_at_the_next_login(open_accounts: OpenAccounts) -> None:
    ada = await open_accounts().users.create("Ada", PASSWORD, Role.ADMIN, must_change_password=False)
    dearer = open_accounts(hash_cost=HashCost(iterations=2, memory_kib=16, lanes=1))
    await tried(dearer, "ada", "wrong password")
    assert (await dearer.users.get(ada.id)).password_hash == ada.password_hash
    await logged_in(dearer, "ada")
    assert "m=16,t=2,p=1" in (await dearer.users.get(ada.id)).password_hash
    await logged_in(dearer, "ada")
    await logged_in(open_accounts(), "ada")


async def test_R_ACC_1_two_logins_at_once_are_two_sessions(accounts: Accounts, ada: User) -> None:
    tokens = await asyncio.gather(*(logged_in(accounts, "ada") for _ in range(4)))
    assert len({token.refresh_token for token in tokens}) == 4
    assert len(await accounts.sessions.list(ada.id)) == 4


async def test_R_ACC_1_login_under_way_while_the_password_is_reset_fails(
    accounts: Accounts, ada: User, bob: User
) -> None:
    verify = accounts.passwords.verify

    class Slow:
        """The password changes while the old one is being verified."""

        async def verify(self, password: str, hashed: str | None) -> Any:
            verified = await verify(password, hashed)
            await accounts.users.update(bob.id, UserChange(password=NEW))
            return verified

    logins: Any = accounts.logins
    logins._passwords = Slow()
    assert isinstance(await tried(accounts, "bob", PASSWORD), LoginFailedError)
    assert await accounts.sessions.list(bob.id) == []


async def test_R_ACC_1_own_password_is_changed_with_the_current_one(accounts: Accounts, ada: User, bob: User) -> None:
    here, there = await logged_in(accounts, "bob"), await logged_in(accounts, "bob")
    keep = (await accounts.authentication.principal_of(here.access_token)).credential_id

    async def changed(current: str, new: str) -> str:
        try:
            user = await accounts.users.get(bob.id)
            await accounts.logins.change_password(user, current, new, CALLER, keep=keep)
        except FieldsInvalidError as error:
            return f"{error.errors[0].field}: {error.errors[0].code}"
        return "done"

    assert await changed("wrong password", NEW) == "current_password: password_wrong"
    assert await changed(PASSWORD, PASSWORD) == "new_password: password_unchanged"
    assert await changed(PASSWORD, "short") == "new_password: password_too_short"
    assert await changed(PASSWORD, "this is bob's") == "new_password: password_holds_name"
    assert await changed(PASSWORD, NEW) == "done"
    await accounts.authentication.principal_of(here.access_token)
    with pytest.raises(TokenRevokedError):
        await accounts.authentication.principal_of(there.access_token)
    assert isinstance(await tried(accounts, "bob", PASSWORD), LoginFailedError)
    await logged_in(accounts, "bob", NEW)


async def test_R_ACC_1_password_of_two_changes_at_once_is_the_first_ones(
    accounts: Accounts, ada: User, bob: User
) -> None:
    user = await accounts.users.get(bob.id)
    done = await asyncio.gather(
        *(accounts.logins.change_password(user, PASSWORD, f"{NEW} {n}", CALLER, keep=None) for n in range(3)),
        return_exceptions=True,
    )
    assert [type(one) for one in done].count(FieldsInvalidError) == 2
    [kept] = [number for number, one in enumerate(done) if one is None]
    await logged_in(accounts, "bob", f"{NEW} {kept}")


async def test_R_ACC_4_guessing_the_current_password_locks_out(accounts: Accounts, ada: User) -> None:
    """A stolen access token does not help to find the password."""
    for _ in range(FREE):
        with pytest.raises(FieldsInvalidError):
            await accounts.logins.change_password(ada, "wrong password", NEW, CALLER, keep=None)
    with pytest.raises(LockedOutError):
        await accounts.logins.change_password(ada, PASSWORD, NEW, CALLER, keep=None)


async def test_R_ACC_1_changed_by_its_user_it_need_not_be_changed_again(accounts: Accounts, ada: User) -> None:
    eve = await accounts.users.create("Eve", PASSWORD, Role.VIEWER, must_change_password=True)
    await accounts.logins.change_password(eve, PASSWORD, NEW, CALLER, keep=None)
    assert not (await accounts.users.get(eve.id)).must_change_password
    assert (await logged_in(accounts, "eve", NEW)).scopes == (await accounts.users.get(eve.id)).scopes


async def test_R_ACC_4_lock_outs_are_logged_without_name_or_password(
    accounts: Accounts, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(FREE + 1):
            await tried(accounts, "ada-or-a-password", "wrong password")
    assert "logins are locked out" in caplog.text
    logged = str([record.__dict__ for record in caplog.records if record.name.startswith("lianpu")])
    assert "ada-or-a-password" not in logged
    assert "wrong password" not in logged
