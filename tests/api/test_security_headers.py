"""What every answer tells a browser: nothing that it does not need, and nothing to be kept that is somebody's."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lianpu.api import console
from lianpu.errors import SettingsError
from lianpu.settings import load_settings

pytestmark = pytest.mark.anyio
NOTHING = "default-src 'none'"
PAGES = ("/", "/gallery", "/docs", "/redoc")
OTHERS = ("/health", "/openapi.json", "/docs/start.js", "/api/status", "/api/v1/faces", "/api/v1/none", "/assets/none")


def policy(answer: httpx2.Response) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: sources for name, _, sources in parts}


@pytest.fixture
def built_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the console only the page, as the build leaves it."""
    source = Path(__file__).parents[2] / "console" / "index.html"
    folder = tmp_path / "console"
    folder.mkdir()
    (folder / "index.html").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(console.mount_console, "__defaults__", (folder,))
    return folder


@pytest.mark.usefixtures("built_console")
async def test_R_ACC_3_every_answer_carries_the_headers(client: httpx2.AsyncClient) -> None:
    for path in (*PAGES, *OTHERS):
        for method in ("GET", "DELETE"):
            answer = await client.request(method, path)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "camera=(self), microphone=(), geolocation=()" in answer.headers["permissions-policy"]
            assert answer.headers["cache-control"]
            assert "strict-transport-security" not in answer.headers
            assert "access-control-allow-origin" not in answer.headers
            found = policy(answer)
            shared = {"object-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}
            assert shared.items() <= found.items()
            assert not re.search(
                r"\*|https?:|unsafe-eval|script-src[^;]*unsafe", answer.headers["content-security-policy"]
            )


@pytest.mark.usefixtures("built_console")
async def test_R_WEB_1_only_pages_may_run_scripts(client: httpx2.AsyncClient) -> None:
    for path in PAGES:
        assert policy(await client.get(path))["script-src"] == "'self'", path
    for path in OTHERS:
        found = policy(await client.get(path))
        assert found["default-src"] == "'none'", path
        assert "script-src" not in found, path
    refused = await client.get("/api/v1/faces", headers={"Host": "evil.example"})
    assert policy(refused)["default-src"] == "'none'"


@pytest.mark.usefixtures("built_console")
async def test_R_WEB_1_styles_of_the_console_carry_the_nonce_of_the_answer(client: httpx2.AsyncClient) -> None:
    nonces: set[str] = set()
    for path in ("/", "/index.html", "/gallery"):
        answer = await client.get(path)
        (nonce,) = re.findall(r'<meta name="style-nonce" nonce="([\w-]{22})" />', answer.text)
        assert policy(answer)["style-src"] == f"'self' 'nonce-{nonce}'"
        assert console.NONCE_PLACE not in answer.text
        assert "etag" not in answer.headers
        nonces.add(nonce)
    assert len(nonces) == 3


async def test_R_ACC_3_answers_of_the_api_are_not_kept(client: httpx2.AsyncClient, portraits: list[bytes]) -> None:
    files = {"image": ("a.jpg", portraits[0])}
    person = (await client.post("/api/v1/faces", data={"name": "Ada"}, files=files)).json()["person"]["person_id"]
    for path in ("/api/status", "/api/v1/faces", f"/api/v1/faces/{person}", "/api/v1/jobs", "/api/v1/faces/none"):
        assert (await client.get(path)).headers["cache-control"] == "no-store", path
    thumbnail = await client.get(f"/api/v1/faces/{person}/thumbnail")
    assert thumbnail.headers["cache-control"].startswith("private")
    assert thumbnail.headers["vary"] == "Authorization, X-API-Key"


async def test_R_ACC_3_https_is_insisted_upon_only_where_there_is_https(client: httpx2.AsyncClient) -> None:
    secure = await client.get("https://127.0.0.1/health")
    assert secure.headers["strict-transport-security"] == "max-age=31536000"
    # Nobody is believed who only says so.
    claimed = await client.get("/health", headers={"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" not in claimed.headers


async def test_R_ACC_3_pages_of_other_sites_are_let_in_by_name_alone(open_client: Any) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}
    asked["Access-Control-Request-Headers"] = "authorization, content-type"
    foreign = {**asked, "Origin": "https://evil.example"}
    async with open_client(server__cors_origins=["https://App.example"]) as client:
        preflight = await client.options("/api/v1/faces/x", headers={**asked, "X-API-Key": ""})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in preflight.headers
        refused = await client.options("/api/v1/faces/x", headers=foreign)
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers

        changed = await client.delete("/api/v1/faces/x", headers={"Origin": "https://app.example"})
        assert changed.json()["code"] == "person_not_found"
        assert changed.headers["access-control-allow-origin"] == "https://app.example"
        assert changed.headers["vary"] == "Origin"
        wrong = await client.get("/api/v1/faces", headers={"Origin": "https://app.example", "X-API-Key": "wrong"})
        assert (wrong.status_code, wrong.headers["access-control-allow-origin"]) == (401, "https://app.example")
        for origin in ("https://evil.example", "http://app.example", "https://app.example.evil.example", "null"):
            refused = await client.delete("/api/v1/faces/x", headers={"Origin": origin})
            assert (refused.status_code, refused.json()["code"]) == (403, "foreign_origin"), origin
            assert "access-control-allow-origin" not in refused.headers


async def test_R_ACC_3_without_the_setting_no_other_site_is_let_in(client: httpx2.AsyncClient) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET", "X-API-Key": ""}
    preflight = await client.options("/api/v1/faces", headers=asked)
    assert preflight.status_code == 401
    assert not [name for name in preflight.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "origin", ["*", "https://*.example", "https://a.example/", "app.example", "null", "https://u@a"]
)
def test_R_ACC_3_only_whole_origins_can_be_named(tmp_path: Path, origin: str) -> None:
    with pytest.raises(SettingsError, match="is no origin"):
        load_settings({"server.cors_origins": [origin]}, environment={}, folder=tmp_path)


@pytest.mark.parametrize("host", ["[::1", "[", "a b", "@", "127.0.0.1]", ""])
async def test_R_ACC_3_a_host_that_is_none_is_refused(client: httpx2.AsyncClient, host: str) -> None:
    refused = await client.get("/api/v1/faces", headers={"Host": host})
    assert (refused.status_code, refused.json()["code"]) == (403, "foreign_host")
    mangled = await client.delete("/api/v1/faces/x", headers={"Origin": f"http://{host}"})
    assert (mangled.status_code, mangled.json()["code"]) == (403, "foreign_origin")
