"""Accounts over HTTP: from the first administrator to revoked keys, as browsers and machines meet them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.api.conftest import OpenClient
from tests.api.logins import PASSWORD, TOKEN, Login, anonymous, bearer, create_user, log_in

pytestmark = pytest.mark.anyio
USERS = "/api/v1/users/"
ME = "/api/v1/users/me"
KEYS = "/api/v1/keys"
SETUP = "/api/v1/users/setup"
NEW = "another good password"


@pytest.fixture
async def nobody(client: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """The server of `client`, without a credential."""
    async with anonymous(client) as one:
        yield one


@pytest.fixture
async def ada(client: httpx2.AsyncClient) -> Login:
    """An administrator."""
    await create_user(client, "Ada", "admin")
    return await log_in(client, "ada")


@pytest.fixture
async def bob(client: httpx2.AsyncClient, ada: Login) -> Login:
    """An operator."""
    await create_user(client, "Bob", "operator")
    return await log_in(client, "bob")


def said(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def password_form(name: str, password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
    return {"grant_type": "password", "username": name, "password": password, **fields}


def refresh_form(token: str | None = None) -> dict[str, Any]:
    return {"grant_type": "refresh_token", **({} if token is None else {"refresh_token": token})}


async def test_R_ACC_3_first_administrator_by_the_one_time_link(
    client: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    before = (await nobody.get(SETUP)).json()
    assert before.items() >= {"setup_needed": True, "registration": "closed", "password_min_chars": 10}.items()
    token = await client.platform.accounts.setup.new_token()  # type: ignore[attr-defined]
    body = {"setup_token": token, "name": "Ada", "password": PASSWORD}
    assert said(await nobody.post(SETUP, json={**body, "setup_token": "x" * 43})) == (403, "setup_token_invalid")
    assert said(await nobody.post(SETUP, json={**body, "password": "short"})) == (422, "validation_failed")
    done = await asyncio.gather(*(nobody.post(SETUP, json={**body, "name": f"Ada {n}"}) for n in range(3)))
    assert sorted(answer.status_code for answer in done) == [201, 403, 403]
    user = next(answer.json()["user"] for answer in done if answer.status_code == 201)
    assert (user["role"], user["must_change_password"], user["is_active"]) == ("admin", False, True)
    assert (await nobody.get(SETUP)).json()["setup_needed"] is False
    assert said(await nobody.post(SETUP, json=body)) == (403, "setup_token_invalid")
    login = await log_in(client, user["name"])
    assert (await nobody.get(USERS, headers=login.headers)).status_code == 200


async def test_R_ACC_1_login_gives_a_short_token_and_what_it_may(nobody: httpx2.AsyncClient, bob: Login) -> None:
    answer = await nobody.post(TOKEN, data=password_form("bob"))
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    tokens = answer.json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["refresh_expires_in"]) == ("bearer", 900, 30 * 24 * 3600)
    assert "gallery:enrol" in tokens["scope"].split()
    assert "users:manage" not in tokens["scope"].split()
    me = (await nobody.get(ME, headers=bearer(tokens["access_token"]))).json()["user"]
    assert me["name"] == "Bob"
    assert me["scopes"] == sorted(tokens["scope"].split())
    assert me["last_login_at"] is not None


async def test_R_ACC_1_oauth_clients_are_understood(nobody: httpx2.AsyncClient, bob: Login) -> None:
    """They send fields that mean nothing here, and a missing one is told as a problem."""
    extra = password_form("bob", scope="openid", client_id="app", client_secret="")
    assert (await nobody.post(TOKEN, data=extra)).status_code == 200
    assert said(await nobody.post(TOKEN, data={"username": "bob", "password": PASSWORD})) == (422, "validation_failed")
    assert said(await nobody.post(TOKEN, data={"grant_type": "client_credentials"})) == (422, "validation_failed")
    assert said(await nobody.post(TOKEN, data=refresh_form())) == (401, "authentication_required")
    assert said(await nobody.post(TOKEN, data=password_form("bob", "wrong password"))) == (401, "login_failed")
    assert said(await nobody.post(TOKEN, json=password_form("bob"))) == (422, "validation_failed")


async def test_R_ACC_1_refresh_token_rotates_and_a_used_one_ends_the_login(
    nobody: httpx2.AsyncClient, bob: Login
) -> None:
    tokens = [bob.refresh_token]
    for _ in range(2):
        answer = await nobody.post(TOKEN, data=refresh_form(tokens[-1]))
        assert answer.status_code == 200, answer.text
        tokens.append(answer.json()["refresh_token"])
    access = answer.json()["access_token"]
    assert len(set(tokens)) == 3
    assert (await nobody.get(ME, headers=bearer(access))).status_code == 200
    assert said(await nobody.post(TOKEN, data=refresh_form(tokens[0]))) == (401, "token_revoked")
    assert said(await nobody.get(ME, headers=bearer(access))) == (401, "token_revoked")
    assert said(await nobody.post(TOKEN, data=refresh_form(tokens[-1]))) == (401, "token_revoked")
    for wrong in ("x", tokens[-1] + "x", "a.1.b"):
        assert said(await nobody.post(TOKEN, data=refresh_form(wrong))) == (401, "token_invalid")


async def test_R_ACC_1_two_tabs_refresh_at_once(nobody: httpx2.AsyncClient, bob: Login) -> None:
    answers = await asyncio.gather(*(nobody.post(TOKEN, data=refresh_form(bob.refresh_token)) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_R_ACC_1_browser_keeps_its_refresh_token_in_a_cookie(
    client: httpx2.AsyncClient, bob: Login, scheme: str
) -> None:
    async with httpx2.AsyncClient(transport=client._transport, base_url=f"{scheme}://127.0.0.1") as browser:
        answer = await browser.post(TOKEN, data=password_form("bob", refresh_cookie="true"))
        assert answer.json()["refresh_token"] is None
        cookie = answer.headers["set-cookie"]
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert cookie.startswith("lianpu_refresh=")
        assert {"httponly", "samesite=strict", "path=/api/v1/users/token", f"max-age={30 * 24 * 3600}"} <= attributes
        assert ("secure" in attributes) == (scheme == "https")
        assert not any(part.startswith("domain") for part in attributes)

        first = browser.cookies["lianpu_refresh"]
        refreshed = await browser.post(TOKEN, data=refresh_form())
        assert refreshed.status_code == 200, refreshed.text
        assert refreshed.json()["refresh_token"] is None
        assert browser.cookies["lianpu_refresh"] != first
        # Only to the path of tokens: no other request carries it.
        sent = browser.build_request("GET", ME)
        assert "cookie" not in sent.headers
        access = bearer(refreshed.json()["access_token"])
        assert (await browser.get(ME, headers=access)).status_code == 200

        out = await browser.post(f"{TOKEN}/revoke")
        assert out.status_code == 204
        assert "lianpu_refresh" not in browser.cookies
        assert said(await browser.get(ME, headers=access)) == (401, "token_revoked")
        assert said(await browser.post(TOKEN, data=refresh_form())) == (401, "authentication_required")


async def test_R_ACC_1_page_of_another_site_cannot_use_the_cookie(client: httpx2.AsyncClient, bob: Login) -> None:
    """Browsers do not send it (SameSite=Strict); where one did, its Origin gives the page away."""
    async with anonymous(client) as browser:
        await browser.post(TOKEN, data=password_form("bob", refresh_cookie="true"))
        for origin in ("https://evil.example", "http://127.0.0.1:9999", "null"):
            for path, form in ((TOKEN, refresh_form()), (f"{TOKEN}/revoke", {})):
                assert said(await browser.post(path, data=form, headers={"Origin": origin})) == (403, "foreign_origin")
        own = {"Origin": "http://127.0.0.1"}
        assert (await browser.post(TOKEN, data=refresh_form(), headers=own)).status_code == 200


async def test_R_ACC_1_logging_out_never_fails(nobody: httpx2.AsyncClient, bob: Login) -> None:
    for token in (bob.refresh_token, bob.refresh_token, "of nobody", ""):
        assert (await nobody.post(f"{TOKEN}/revoke", data={"token": token})).status_code == 204
    assert said(await nobody.get(ME, headers=bob.headers)) == (401, "token_revoked")


async def test_R_ACC_4_guessing_is_locked_out_with_retry_after(nobody: httpx2.AsyncClient, bob: Login) -> None:
    for name in ("bob", "nobody"):
        answers = [await nobody.post(TOKEN, data=password_form(name, "wrong password")) for _ in range(6)]
        assert [said(answer) for answer in answers] == [(401, "login_failed")] * 5 + [(429, "locked_out")]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 30
        assert said(await nobody.post(TOKEN, data=password_form(name))) == (429, "locked_out")


async def test_R_ACC_1_registration_is_closed_unless_opened(open_client: OpenClient) -> None:
    body = {"name": "eve", "password": PASSWORD}
    async with open_client() as client, anonymous(client) as nobody:
        assert said(await nobody.post(USERS, json=body)) == (403, "registration_closed")
        await create_user(client, "bob", "operator")
        bob = await log_in(client, "bob")
        assert said(await nobody.post(USERS, json=body, headers=bob.headers)) == (403, "registration_closed")
    async with open_client(accounts__registration="open") as client, anonymous(client) as nobody:
        assert (await nobody.get(SETUP)).json()["registration"] == "open"
        assert said(await nobody.post(USERS, json={**body, "role": "admin"})) == (401, "authentication_required")
        wanted = await nobody.post(USERS, json={**body, "role": "admin"}, headers=bob.headers)
        assert said(wanted) == (403, "scope_missing")
        made = await nobody.post(USERS, json={**body, "must_change_password": True})
        assert made.status_code == 201, made.text
        assert made.json()["user"].items() >= {"role": "viewer", "must_change_password": False}.items()
        assert said(await nobody.post(USERS, json={**body, "name": "EVE"})) == (409, "user_exists")
        assert (await log_in(client, "eve")).user_id == made.json()["user"]["user_id"]


async def test_R_ACC_1_password_chosen_by_an_administrator_must_be_changed(
    client: httpx2.AsyncClient, nobody: httpx2.AsyncClient, ada: Login
) -> None:
    body = {"name": "Eve", "password": PASSWORD, "role": "operator"}
    made = await nobody.post(USERS, json=body, headers=ada.headers)
    assert made.json()["user"]["must_change_password"] is True
    eve = await log_in(client, "eve")
    assert (await nobody.get(ME, headers=eve.headers)).json()["user"]["scopes"] == ["account"]
    assert said(await nobody.get("/api/v1/faces", headers=eve.headers)) == (403, "scope_missing")
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert (await nobody.put(f"{ME}/password", json=change, headers=eve.headers)).status_code == 204
    assert (await nobody.get("/api/v1/faces", headers=eve.headers)).status_code == 200


async def test_R_ACC_1_own_name_and_password(
    client: httpx2.AsyncClient, nobody: httpx2.AsyncClient, bob: Login
) -> None:
    renamed = await nobody.put(ME, json={"name": " Robert "}, headers=bob.headers)
    assert renamed.json()["user"]["name"] == "Robert"
    assert said(await nobody.put(ME, json={"name": "ADA"}, headers=bob.headers)) == (409, "user_exists")
    for wrong in ({"name": ""}, {"name": "a\u0000b"}, {"name": "x" * 65}, {"role": "admin", "name": "x"}):
        assert said(await nobody.put(ME, json=wrong, headers=bob.headers)) == (422, "validation_failed")
    beside = await log_in(client, "robert")
    wrong_one = await nobody.put(
        f"{ME}/password", json={"current_password": "wrong", "new_password": NEW}, headers=bob.headers
    )
    assert [error["code"] for error in wrong_one.json()["errors"]] == ["password_wrong"]
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert (await nobody.put(f"{ME}/password", json=change, headers=bob.headers)).status_code == 204
    assert (await nobody.get(ME, headers=bob.headers)).status_code == 200
    assert said(await nobody.get(ME, headers=beside.headers)) == (401, "token_revoked")
    await log_in(client, "robert", NEW)


async def test_R_ACC_1_sessions_are_seen_and_ended(
    client: httpx2.AsyncClient, nobody: httpx2.AsyncClient, ada: Login, bob: Login
) -> None:
    beside, third = await log_in(client, "bob"), await log_in(client, "bob")
    listed = (await nobody.get(f"{ME}/sessions", headers=bob.headers)).json()["sessions"]
    assert len(listed) == 3
    assert [one["is_current"] for one in listed].count(True) == 1
    assert all(one["client"].startswith("127.0.0.1") for one in listed)
    current = next(one["session_id"] for one in listed if one["is_current"])
    of_third = (await nobody.get(f"{ME}/sessions", headers=third.headers)).json()["sessions"]
    other = next(one["session_id"] for one in of_third if one["is_current"])
    assert said(await nobody.delete(f"{ME}/sessions/{other}", headers=ada.headers)) == (404, "session_not_found")
    assert (await nobody.delete(f"{ME}/sessions/{other}", headers=bob.headers)).status_code == 204
    assert said(await nobody.get(ME, headers=third.headers)) == (401, "token_revoked")
    assert (await nobody.delete(f"{ME}/sessions", headers=bob.headers)).status_code == 204
    assert said(await nobody.get(ME, headers=beside.headers)) == (401, "token_revoked")
    left = (await nobody.get(f"{ME}/sessions", headers=bob.headers)).json()["sessions"]
    assert [one["session_id"] for one in left] == [current]


async def test_R_ACC_2_administrators_manage_users(nobody: httpx2.AsyncClient, ada: Login, bob: Login) -> None:
    users = (await nobody.get(USERS, headers=ada.headers)).json()["users"]
    assert [(user["name"], user["role"]) for user in users] == [("Ada", "admin"), ("Bob", "operator")]
    path = f"{USERS}{bob.user_id}"
    assert (await nobody.get(path, headers=ada.headers)).json()["user"]["name"] == "Bob"
    changed = await nobody.put(path, json={"role": "viewer"}, headers=ada.headers)
    assert changed.json()["user"]["role"] == "viewer"
    assert said(await nobody.get(ME, headers=bob.headers)) == (401, "token_revoked")
    assert said(await nobody.put(path, json={"password": "short"}, headers=ada.headers)) == (422, "validation_failed")
    assert said(await nobody.put(path, json={"role": "king"}, headers=ada.headers)) == (422, "validation_failed")
    own = f"{USERS}{ada.user_id}"
    for change in ({"role": "viewer"}, {"is_active": False}):
        assert said(await nobody.put(own, json=change, headers=ada.headers)) == (409, "last_admin")
    assert said(await nobody.delete(own, headers=ada.headers)) == (409, "last_admin")
    assert (await nobody.delete(path, headers=ada.headers)).status_code == 204
    for call in (nobody.get(path, headers=ada.headers), nobody.delete(path, headers=ada.headers)):
        assert said(await call) == (404, "user_not_found")


async def test_R_ACC_2_others_do_not(nobody: httpx2.AsyncClient, ada: Login, bob: Login) -> None:
    path = f"{USERS}{ada.user_id}"
    for call in (
        nobody.get(USERS, headers=bob.headers),
        nobody.get(path, headers=bob.headers),
        nobody.put(path, json={"role": "viewer"}, headers=bob.headers),
        nobody.delete(path, headers=bob.headers),
        nobody.get(KEYS, params={"everybody": True}, headers=bob.headers),
    ):
        refused = await call
        assert said(refused) == (403, "scope_missing")
        assert refused.json()["required_scope"] == "users:manage"
    for call in (nobody.get(USERS), nobody.get(ME), nobody.get(KEYS), nobody.delete(path)):
        assert said(await call) == (401, "authentication_required")


async def test_R_ACC_1_disabled_user_is_stopped_at_once(nobody: httpx2.AsyncClient, ada: Login, bob: Login) -> None:
    made = await nobody.post(KEYS, json={"name": "cam", "scopes": ["gallery:read"]}, headers=bob.headers)
    key = {"X-API-Key": made.json()["secret"]}
    assert (await nobody.get("/api/v1/faces", headers=key)).status_code == 200
    await nobody.put(f"{USERS}{bob.user_id}", json={"is_active": False}, headers=ada.headers)
    assert said(await nobody.get("/api/v1/faces", headers=key)) == (401, "api_key_invalid")
    assert said(await nobody.get("/api/v1/faces", headers=bob.headers)) == (401, "token_revoked")
    assert said(await nobody.post(TOKEN, data=refresh_form(bob.refresh_token))) == (401, "token_revoked")
    assert said(await nobody.post(TOKEN, data=password_form("bob"))) == (401, "login_failed")


async def test_R_ACC_1_keys_are_shown_once_scoped_and_revoked(
    nobody: httpx2.AsyncClient, ada: Login, bob: Login
) -> None:
    body = {"name": "door camera", "scopes": ["gallery:recognise"], "expires_in_days": 30}
    made = await nobody.post(KEYS, json=body, headers=bob.headers)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    key, secret = made.json()["key"], made.json()["secret"]
    assert secret.startswith(f"lianpu_{key['prefix']}_")
    assert key.items() >= {"name": "door camera", "scopes": ["gallery:recognise"], "user_name": "Bob"}.items()
    listed = await nobody.get(KEYS, headers=bob.headers)
    assert [one["key_id"] for one in listed.json()["keys"]] == [key["key_id"]]
    assert secret not in listed.text
    for headers in ({"X-API-Key": secret}, bearer(secret)):
        assert said(await nobody.get("/api/v1/faces", headers=headers)) == (403, "scope_missing")
        assert said(await nobody.get(KEYS, headers=headers)) == (403, "scope_missing")
    assert (await nobody.get(KEYS, headers=ada.headers)).json()["keys"] == []
    everybody = await nobody.get(KEYS, params={"everybody": True}, headers=ada.headers)
    assert [one["user_name"] for one in everybody.json()["keys"]] == ["Bob"]
    assert everybody.json()["keys"][0]["last_used_at"] is not None
    assert (await nobody.delete(f"{KEYS}/{key['key_id']}", headers=bob.headers)).status_code == 204
    assert said(await nobody.get("/api/v1/faces", headers=bearer(secret))) == (401, "api_key_invalid")
    assert said(await nobody.delete(f"{KEYS}/{key['key_id']}", headers=bob.headers)) == (404, "api_key_not_found")


async def test_R_ACC_2_keys_reach_no_further_than_who_makes_them(
    nobody: httpx2.AsyncClient, ada: Login, bob: Login
) -> None:
    for scopes, expected in (
        (["users:manage"], (403, "scope_missing")),
        ([], (422, "validation_failed")),
        (["everything"], (422, "validation_failed")),
    ):
        assert said(await nobody.post(KEYS, json={"name": "x", "scopes": scopes}, headers=bob.headers)) == expected
    for days in (0, -1, 10**6, "soon"):
        body = {"name": "x", "scopes": ["images"], "expires_in_days": days}
        assert said(await nobody.post(KEYS, json=body, headers=bob.headers)) == (422, "validation_failed")
    body = {"name": "x", "scopes": ["images"]}
    theirs = await nobody.post(KEYS, json={**body, "user_id": ada.user_id}, headers=bob.headers)
    assert said(theirs) == (403, "scope_missing")
    given = await nobody.post(KEYS, json={**body, "user_id": bob.user_id}, headers=ada.headers)
    assert given.json()["key"]["user_name"] == "Bob"
    mine = await nobody.post(KEYS, json=body, headers=ada.headers)
    hidden = await nobody.delete(f"{KEYS}/{mine.json()['key']['key_id']}", headers=bob.headers)
    assert said(hidden) == (404, "api_key_not_found")
    assert (await nobody.delete(f"{KEYS}/{given.json()['key']['key_id']}", headers=ada.headers)).status_code == 204


async def test_R_ACC_3_configured_key_has_no_account(client: httpx2.AsyncClient) -> None:
    me = (await client.get(ME)).json()["user"]
    assert (me["user_id"], me["name"], me["role"]) == (None, "server.api_key", "admin")
    assert (await client.get(f"{ME}/sessions")).json()["sessions"] == []
    assert (await client.get(KEYS)).json()["keys"] == []
    assert said(await client.put(ME, json={"name": "x"})) == (403, "account_required")
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert said(await client.put(f"{ME}/password", json=change)) == (403, "account_required")
    assert said(await client.post(KEYS, json={"name": "x", "scopes": ["images"]})) == (403, "account_required")


@pytest.mark.parametrize(
    "body",
    [b'{"name": "\\ud800", "password": "\\ud800\\ud800\\ud800"}', b'{"name": 1, "password": []}', b"[]", b"", b"\xff"],
    ids=repr,
)
async def test_R_ACC_1_odd_bodies_are_refused(client: httpx2.AsyncClient, body: bytes) -> None:
    answer = await client.post(USERS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] in {"malformed_request", "bad_request", "validation_failed"}


async def test_R_ACC_1_bodies_that_anybody_may_send_are_small(nobody: httpx2.AsyncClient) -> None:
    for path in (TOKEN, f"{TOKEN}/revoke", USERS, SETUP):
        answer = await nobody.post(path, content=b"x" * 70_000, headers={"Content-Type": "application/json"})
        assert said(answer) == (413, "upload_too_large")


async def test_R_ACC_2_deleting_a_user_takes_what_is_his(
    client: httpx2.AsyncClient, nobody: httpx2.AsyncClient, ada: Login, bob: Login
) -> None:
    made = await nobody.post(KEYS, json={"name": "x", "scopes": ["images"]}, headers=bob.headers)
    assert (await nobody.delete(f"{USERS}{bob.user_id}", headers=ada.headers)).status_code == 204
    assert said(await nobody.get(ME, headers=bob.headers)) == (401, "token_invalid")
    assert said(await nobody.get(ME, headers=bearer(made.json()["secret"]))) == (401, "api_key_invalid")
    assert (await client.get(KEYS, params={"everybody": True})).json()["keys"] == []
    await create_user(client, "Bob")
