"""How many calls one client and one user may make, and who counts as one client."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from lianpu.accounts.roles import Role
from lianpu.api.app import create_app
from lianpu.api.serving import Server
from lianpu.settings import Settings
from tests.api.conftest import CHEAP_HASHES, OpenClient
from tests.api.logins import PASSWORD, TOKEN, anonymous, bearer, create_user, log_in

pytestmark = pytest.mark.anyio


def said(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def at(client: httpx2.AsyncClient, address: str) -> httpx2.AsyncClient:
    """The same server, called from another address, without a credential."""
    app: Any = client._transport.app  # type: ignore[attr-defined]
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
    return httpx2.AsyncClient(transport=transport, base_url=client.base_url)


async def test_R_ACC_4_calls_without_a_credential_are_limited_by_client(open_client: OpenClient) -> None:
    async with open_client(limits__per_client="5/day") as client, at(client, "192.0.2.1") as one:
        answers = [await one.get("/api/v1/faces") for _ in range(7)]
        assert [said(answer) for answer in answers] == [(401, "authentication_required")] * 5 + [
            (429, "rate_limited")
        ] * 2
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 24 * 3600
        assert answers[-1].headers["x-request-id"] == answers[-1].json()["request_id"]
        assert said(await one.get("/api/v1/users/setup")) == (429, "rate_limited")
        # Neither pages nor the probe of a load balancer are counted.
        assert (await one.get("/health/live")).status_code == 200
        assert (await one.get("/")).status_code == 200
        async with at(client, "192.0.2.2") as other:
            assert said(await other.get("/api/v1/faces")) == (401, "authentication_required")


async def test_R_ACC_4_so_are_calls_with_credentials_that_are_not_good(open_client: OpenClient) -> None:
    async with open_client(limits__per_client="5/day") as client, at(client, "192.0.2.1") as one:
        await create_user(client, "bob")
        wrong = [{"X-API-Key": "lianpu_x"}, bearer("a.b.c"), {"X-API-Key": f"lianpu_{'x' * 10}_{'y' * 43}"}]
        answers = [await one.get("/api/v1/faces", headers=wrong[n % 3]) for n in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        # Who shares the address with a guesser is not kept out with him.
        bob = await log_in(client, "bob")
        for _ in range(3):
            assert (await one.get("/api/v1/faces", headers=bob.headers)).status_code == 200


async def test_R_ACC_4_calls_of_one_user_are_limited_over_all_credentials(open_client: OpenClient) -> None:
    async with open_client(limits__per_user="8/day") as client:
        await create_user(client, "bob")
        await create_user(client, "eve")
        bob, eve = await log_in(client, "bob"), await log_in(client, "eve")
        async with at(client, "192.0.2.1") as here, at(client, "192.0.2.2") as there:
            key = await here.post("/api/v1/keys", json={"name": "x", "scopes": ["gallery:read"]}, headers=bob.headers)
            again = await log_in(client, "bob")
            for headers in (bob.headers, again.headers, bearer(key.json()["secret"]), bob.headers, again.headers):
                assert (await there.get("/api/v1/faces", headers=headers)).status_code == 200
            for headers in (bob.headers, again.headers, bearer(key.json()["secret"])):
                refused = await here.get("/api/v1/faces", headers=headers)
                assert said(refused) == (429, "rate_limited")
                assert int(refused.headers["retry-after"]) >= 1
            assert (await here.get("/api/v1/faces", headers=eve.headers)).status_code == 200


async def test_R_ACC_4_logins_are_limited_by_client(open_client: OpenClient) -> None:
    async with open_client(limits__login="3/day", accounts__registration="open") as client, at(client, "::1") as one:
        await create_user(client, "bob")
        form = {"grant_type": "password", "username": "bob", "password": PASSWORD}
        first = await one.post(TOKEN, data=form)
        assert first.status_code == 200
        assert (await one.post("/api/v1/users/", json={"name": "eve", "password": PASSWORD})).status_code == 201
        body = {"setup_token": "x", "name": "eve", "password": PASSWORD}
        assert said(await one.post("/api/v1/users/setup", json=body)) == (403, "setup_token_invalid")
        assert said(await one.post(TOKEN, data=form)) == (429, "rate_limited")
        new = {"name": "mallory", "password": PASSWORD}
        assert said(await one.post("/api/v1/users/", json=new)) == (429, "rate_limited")
        assert said(await one.post("/api/v1/users/setup", json=body)) == (429, "rate_limited")
        # Staying logged in is no login.
        refresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
        assert (await one.post(TOKEN, data=refresh)).status_code == 200


async def test_R_ACC_4_limits_may_be_off(open_client: OpenClient) -> None:
    off = {"limits__per_client": None, "limits__per_user": None, "limits__login": None}
    async with open_client(**off) as client, anonymous(client) as nobody:
        assert {(await nobody.get("/api/v1/faces")).status_code for _ in range(350)} == {401}


async def test_R_ACC_4_headers_do_not_make_another_client(open_client: OpenClient) -> None:
    async with open_client(limits__per_client="3/day") as client, at(client, "192.0.2.1") as one:
        for number in range(3):
            await one.get("/api/v1/faces", headers={"X-Forwarded-For": f"198.51.100.{number}"})
        forged = await one.get(
            "/api/v1/faces", headers={"X-Forwarded-For": "198.51.100.9", "X-Real-IP": "198.51.100.9"}
        )
        assert said(forged) == (429, "rate_limited")


@pytest.mark.parametrize(("proxy", "is_trusted"), [("10.1.2.3", True), ("192.0.2.1", False)])
async def test_R_ACC_4_only_a_trusted_proxy_says_who_calls(
    settings_for: Callable[..., Settings], proxy: str, is_trusted: bool
) -> None:
    """As the server runs it, with uvicorn's own reading of these headers."""
    settings = settings_for(limits__per_client="1/day", server__trusted_proxies="10.0.0.0/8,127.0.0.1")
    app = create_app(settings, hash_cost=CHEAP_HASHES)
    server = Server(app, trusted_proxies=settings.server.trusted_proxies)
    server.config.load()
    served: Any = server.config.loaded_app
    async with app.router.lifespan_context(app):
        await app.state.accounts.users.create("bob", PASSWORD, Role.VIEWER, must_change_password=False)
        transport = httpx2.ASGITransport(served, client=(proxy, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            forwarded = [f"198.51.100.{number}" for number in range(3)]
            answers = [await client.get("/api/v1/faces", headers={"X-Forwarded-For": one}) for one in forwarded]
            assert [answer.status_code for answer in answers] == [401, *[401 if is_trusted else 429] * 2]
            # A client that writes the header itself comes before what the proxy adds, and is not believed.
            forged = await client.get("/api/v1/faces", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.0"})
            assert forged.status_code == 429
            if is_trusted:
                form = {"grant_type": "password", "username": "bob", "password": PASSWORD, "refresh_cookie": "true"}
                headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.77"}
                login = await client.post(TOKEN, data=form, headers=headers)
                assert "secure" in login.headers["set-cookie"].lower()
                session = bearer(login.json()["access_token"])
                sessions = await client.get("/api/v1/users/me/sessions", headers=session)
                assert sessions.json()["sessions"][0]["client"].startswith("198.51.100.77 ")
