"""Who may call: API key, foreign hosts, foreign origins; and what is open."""

from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio
KEY = "k" * 32


async def test_R_ACC_3_with_a_key_every_api_route_wants_it(open_client: Any) -> None:
    async with open_client(server__api_key=KEY) as client:
        for path in ("/api/v1/faces", "/api/v1/models", "/api/status", "/api/v1/anything"):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (401, "api_key_required")
            assert refused.headers["www-authenticate"] == "Bearer"
            assert refused.headers["x-request-id"]
        assert (await client.get("/api/v1/faces", headers={"X-API-Key": "wrong" * 5})).status_code == 401
        assert (await client.get("/api/v1/faces", headers={"X-API-Key": "schlüssel".encode()})).status_code == 401
        assert (await client.get("/api/v1/faces", headers={"X-API-Key": KEY})).status_code == 200
        assert (await client.get("/api/v1/faces", headers={"Authorization": f"Bearer {KEY}"})).status_code == 200
        assert (await client.get("/health")).status_code == 200


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
                if int(status) >= 400 and path != "/health" and not path.startswith("/health/"):
                    assert "application/problem+json" in answer["content"], (method, path, status)


async def test_R_OPS_5_request_id_of_the_caller_is_kept_when_plain(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/api/v1/faces", headers={"X-Request-ID": "job-7.a"})
    assert kept.json()["request_id"] == kept.headers["x-request-id"] == "job-7.a"
    replaced = await client.get("/api/v1/faces", headers={"X-Request-ID": "a\tb" + "c" * 80})
    assert len(replaced.headers["x-request-id"]) == 36
