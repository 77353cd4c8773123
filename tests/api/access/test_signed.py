"""Signed addresses stand for a credential on one path of one kind of route, and only while that credential is good."""

from urllib.parse import urlsplit

import pytest
from sqlalchemy import update

from lianpu.accounts.accounts import Accounts
from lianpu.accounts.models import ApiKey, LoginSession, User
from lianpu.accounts.roles import Role, Scope
from lianpu.database.base import now_utc
from tests.api.access.asgi import Answer, call
from tests.api.access.conftest import House
from tests.api.access.table import Row, read_table
from tests.api.access.test_matrix import filled

pytestmark = pytest.mark.anyio
ROWS = [row for row in read_table() if row.method != "WS" and not row.is_open]
SIGNED = [row for row in ROWS if row.by_signature]
FEED = "/api/v1/stream/feed/00000000-0000-7000-8000-000000000000"
LET_THROUGH = 404  # there is no such stream


async def signed(house: House, credential: str | None, path: str, lifetime_s: float = 60) -> str:
    accounts: Accounts = house.app.state.accounts
    principal = await accounts.authentication.principal_of(credential or "")
    return accounts.addresses.signed(path, principal, lifetime_s=lifetime_s)


async def get(house: House, address: str, method: str = "GET") -> Answer:
    parts = urlsplit(address)
    return await call(house.app, method, parts.path, query=parts.query)


def test_R_STR_1_there_is_such_a_route() -> None:
    feeds = ["GET /api/v1/stream/feed/{stream_id}", "GET /api/v1/swap/live/{live_id}/feed"]
    assert [row.call for row in SIGNED] == feeds


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
async def test_R_ACC_2_a_signed_address_opens_only_what_the_table_says(house: House, row: Row) -> None:
    assert row.scope is not None
    address = await signed(house, house.keys[row.scope, True].credential, filled(row.path))
    assert (await get(house, address, row.method)).status == (LET_THROUGH if row.by_signature else 401)


async def test_R_ACC_2_a_signature_of_another_path_or_moment_or_holder_opens_nothing(house: House) -> None:
    address = await signed(house, house.callers["viewer"].credential, FEED)
    assert (await get(house, address)).status == LET_THROUGH
    other = FEED.replace("8000", "8001")
    for wrong, status in (
        (FEED, 401),
        (address.replace(FEED, other), 403),
        (address.replace("holder=", "holder=x"), 403),
        (address.replace("expires=", "expires=9"), 403),
        (address.replace("signature=", "signature=0"), 403),
        (f"{FEED}?signature=", 403),
        (f"{FEED}?expires=9999999999&holder=configured_key%3Aconfigured&signature={'0' * 64}", 403),
        (await signed(house, house.callers["viewer"].credential, FEED, lifetime_s=-1), 403),
        # A path that no signature opens.
        (await signed(house, house.callers["viewer"].credential, "/api/v1/stream"), 401),
    ):
        answer = await get(house, wrong)
        assert answer.status == status, (wrong, answer)
        assert answer.code == ("authentication_required" if status == 401 else "signature_invalid")


async def test_R_ACC_1_a_signed_address_ends_with_the_login_or_key_that_asked_for_it(house: House) -> None:
    async def change(statement: object) -> None:
        async with house.app.state.platform.database.session() as session:
            await session.execute(statement)  # type: ignore[call-overload]
            await session.commit()

    login = await house.credentials.login(await house.credentials.user("watcher", Role.VIEWER))
    owner = await house.credentials.user("watcher-by-key", Role.VIEWER)
    key_id, key = await house.credentials.key(owner, frozenset({Scope.STREAMS_READ}))
    other_id, other = await house.credentials.key(owner, frozenset({Scope.ACCOUNT}))
    by_login, by_key = await signed(house, login.token, FEED), await signed(house, key, FEED)
    assert (await get(house, by_login)).status == (await get(house, by_key)).status == LET_THROUGH
    assert (await get(house, await signed(house, other, FEED))).status == 403, "the key lacks the scope"

    await change(update(LoginSession).where(LoginSession.id == login.session_id).values(revoked_at=now_utc()))
    assert (await get(house, by_login)).code == "token_revoked"
    await change(update(ApiKey).where(ApiKey.id == other_id).values(scopes=[Scope.STREAMS_READ.value]))
    assert (await get(house, by_key)).status == LET_THROUGH
    await change(update(User).where(User.id == owner).values(is_active=False))
    assert (await get(house, by_key)).code == "api_key_invalid"
    await change(update(User).where(User.id == owner).values(is_active=True))
    await change(update(ApiKey).where(ApiKey.id == key_id).values(revoked_at=now_utc()))
    assert (await get(house, by_key)).code == "api_key_invalid"


async def test_R_ACC_1_a_signature_does_not_stand_in_for_a_bad_credential(house: House) -> None:
    parts = urlsplit(await signed(house, house.callers["admin"].credential, FEED))
    bad = house.callers["token expired"].headers
    assert (await call(house.app, "GET", FEED, bad, query=parts.query)).status == 401
