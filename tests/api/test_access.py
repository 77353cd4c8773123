"""Who may call: credentials, foreign hosts, foreign origins; and what is open. Every route: `access/`."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from lianpu.api.app import create_app
from lianpu.compreface.dialect import is_compreface
from lianpu.settings import Settings
from tests.api.conftest import OpenClient
from tests.api.logins import PASSWORD, TOKEN, anonymous, bearer, create_user, log_in

pytestmark = pytest.mark.anyio
KEY = "k" * 32


PATHS = ("/api/v1/faces", "/api/v1/models", "/api/status", "/api/v1/anything")


@pytest.mark.parametrize("key", [None, KEY], ids=["no configured key", "a configured key"])
async def test_R_ACC_3_every_api_route_wants_a_credential(
    settings_for: Callable[..., Settings], key: str | None
) -> None:
    app = create_app(settings_for(server__api_key=key))
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as nobody,
    ):
        for path in PATHS:
            refused = await nobody.get(path)
            assert (refused.status_code, refused.json()["code"]) == (401, "authentication_required")
            assert refused.headers["www-authenticate"] == "Bearer"
            assert refused.headers["x-request-id"]
        for wrong in ("wrong" * 5, "", "schlüssel".encode()):
            refused = await nobody.get("/api/v1/faces", headers={"X-API-Key": wrong})
            assert (refused.status_code, refused.json()["code"]) == (401, "api_key_invalid")
        for scheme in ("Basic", "Token", ""):
            refused = await nobody.get("/api/v1/faces", headers={"Authorization": f"{scheme} {KEY}"})
            assert (refused.status_code, refused.json()["code"]) == (401, "authentication_required")
        assert (await nobody.get("/health")).status_code == 200


async def test_R_ACC_3_configured_key_opens_every_route(open_client: OpenClient) -> None:
    async with open_client(server__api_key=KEY) as client, anonymous(client) as nobody:
        for headers in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer  {KEY}"}):
            assert [(await nobody.get(path, headers=headers)).status_code for path in PATHS] == [200, 200, 200, 404]


async def test_R_ACC_1_access_token_opens_what_its_role_may(
    client: httpx2.AsyncClient,
) -> None:
    await create_user(client, "bob")
    bob = await log_in(client, "bob")
    async with anonymous(client) as nobody:
        assert [(await nobody.get(path, headers=bob.headers)).status_code for path in PATHS] == [200, 200, 200, 404]
        refused = await nobody.delete("/api/v1/faces/x", headers=bob.headers)
        assert (refused.status_code, refused.json()["required_scope"]) == (403, "gallery:enrol")
        changed = await nobody.get("/api/v1/faces", headers=bearer(bob.access_token[:-3] + "xyz"))
        assert (changed.status_code, changed.json()["code"]) == (401, "token_invalid")


async def test_R_ACC_1_expired_access_token_says_so(open_client: OpenClient) -> None:
    """A client then asks for a new one by the refresh token, and tries again."""
    async with open_client(accounts__access_token_minutes=0.00001) as client, anonymous(client) as nobody:
        await create_user(client, "bob")
        form = {"grant_type": "password", "username": "bob", "password": PASSWORD}
        access = (await nobody.post(TOKEN, data=form)).json()["access_token"]
        # Its moment is kept in whole seconds.
        while (answer := await nobody.get("/api/v1/faces", headers=bearer(access))).status_code == 200:
            await asyncio.sleep(0.05)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


async def test_R_ACC_3_foreign_host_name_is_refused(client: httpx2.AsyncClient) -> None:
    """DNS rebinding: a page of evil.example that points its own name at this machine."""
    refused = await client.get("/api/v1/faces", headers={"Host": "evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "foreign_host")
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert (await client.get("/api/v1/faces", headers={"Host": host})).status_code == 200


async def test_R_ACC_3_foreign_page_may_not_change_anything(client: httpx2.AsyncClient) -> None:
    refused = await client.delete("/api/v1/faces/x", headers={"Origin": "https://evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "foreign_origin")
    null = await client.delete("/api/v1/faces/x", headers={"Origin": "null"})
    assert null.status_code == 403
    own = await client.delete("/api/v1/faces/x", headers={"Origin": "http://127.0.0.1"})
    assert own.json()["code"] == "person_not_found"


async def test_R_OPS_5_documentation_is_served_without_the_internet(client: httpx2.AsyncClient) -> None:
    for page in ("/docs", "/redoc", "/docs/start.js"):
        text = (await client.get(page)).text
        assert "http://" not in text
        assert "https://" not in text
    document = (await client.get("/openapi.json")).json()
    assert document["paths"]["/api/v1/search"]["post"]["requestBody"]["content"].keys() == {
        "multipart/form-data",
        "application/json",
        "image/*",
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["tags"], (method, path)
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and (int(status) != 503 or not path.startswith("/health")):
                    shape = "application/json" if is_compreface(path) else "application/problem+json"
                    assert shape in answer["content"], (method, path, status)


async def test_R_OPS_5_request_id_of_the_caller_is_kept_when_plain(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/api/v1/faces", headers={"X-Request-ID": "job-7.a"})
    assert kept.json()["request_id"] == kept.headers["x-request-id"] == "job-7.a"
    replaced = await client.get("/api/v1/faces", headers={"X-Request-ID": "a\tb" + "c" * 80})
    assert len(replaced.headers["x-request-id"]) == 36
