"""deploy/nginx in front of a real server: what goes through, how, and what stays behind."""

import asyncio
import json
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from websockets.asyncio.client import connect

from lianpu.api.app import create_app
from lianpu.api.body_limit import BodyLimit
from lianpu.engines.image import encode_jpeg
from lianpu.settings import load_settings
from tests.crash.server import API_KEY, CrashingServer
from tests.deploy.proxy import DEPLOY, NEEDS_NGINX, Proxy, check, configure, running
from tests.enhance.server import PLAIN
from tests.streams.clips import made_clip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), NEEDS_NGINX]
HEADERS = {"X-API-Key": API_KEY}
ENHANCE = "/api/v1/enhance"
SECURITY = ("content-security-policy", "x-content-type-options", "referrer-policy", "strict-transport-security")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, translated_packs: Path) -> Iterator[CrashingServer]:
    folder = tmp_path_factory.mktemp("behind")
    clips = folder / "clips"
    clips.mkdir()
    (clips / "square.mp4").write_bytes(made_clip("mp4", 300))
    shutil.copytree(translated_packs, folder / "home" / "cache" / "packs")
    environment = {
        "LIANPU_SERVER__TRUSTED_PROXIES": "127.0.0.1",
        "LIANPU_STREAMS__FOLDERS": str(clips),
        "LIANPU_LOGGING__LEVEL": "info",
    }
    one = CrashingServer(folder / "home", environment, folder / "server.log")
    one.start()
    yield one
    one.stop()


@pytest.fixture
def proxy(server: CrashingServer, tmp_path: Path) -> Iterator[Proxy]:
    with running(configure(tmp_path, [server.port])) as one:
        yield one


@pytest.fixture
def client(proxy: Proxy) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=proxy.url, headers=HEADERS, verify=proxy.trust, trust_env=False, timeout=60) as one:
        yield one


def test_R_OPS_2_configuration_is_valid(tmp_path: Path) -> None:
    checked = check(configure(tmp_path, [8000, 8001]))
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


def test_R_OPS_2_configuration_of_the_container_is_valid(tmp_path: Path) -> None:
    proxy = configure(tmp_path, [8000])
    text = (DEPLOY / "compose" / "nginx.conf").read_text(encoding="utf-8")
    places = {
        "/tmp/": f"{tmp_path}/",
        "/etc/nginx/lianpu/": f"{tmp_path}/lianpu/",
        "/run/secrets/tls_certificate": f"{tmp_path}/certificate.pem",
        "/run/secrets/tls_key": f"{tmp_path}/key.pem",
    }
    for old, new in places.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "nginx.conf").write_text(text, encoding="utf-8")
    checked = check(proxy)
    assert checked.returncode == 0, checked.stderr


def test_R_OPS_2_planted_mistake_is_seen(tmp_path: Path) -> None:
    checked = check(configure(tmp_path, [8000], {"proxy_read_timeout 300s": "proxy_read_timeout often"}))
    assert checked.returncode == 1


def test_R_OPS_2_answers_pass_with_their_headers_once(proxy: Proxy, client: httpx2.Client) -> None:
    answer = client.get("/api/status", headers={"X-Request-ID": "my-own-id"})
    assert answer.status_code == 200
    assert answer.headers.get_list("x-request-id") == ["my-own-id"]
    for name in SECURITY:
        assert len(answer.headers.get_list(name)) == 1, name
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    # Nobody has a version of nginx to look up weaknesses of.
    assert page.headers["server"] == "nginx"
    plain = httpx2.get(f"http://127.0.0.1:{proxy.http_port}/gallery", headers={"Host": "localhost"}, trust_env=False)
    assert (plain.status_code, plain.headers["location"]) == (308, "https://localhost/gallery")


def test_R_ACC_3_server_sees_the_caller_and_no_address_that_he_claims(
    proxy: Proxy, client: httpx2.Client, server: CrashingServer
) -> None:
    transport = httpx2.HTTPTransport(verify=proxy.trust, local_address="127.0.0.7")
    with httpx2.Client(base_url=proxy.url, transport=transport) as elsewhere:
        wrong = {"grant_type": "password", "username": "nobody", "password": "wrong wrong wrong"}
        claimed = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
        refused = elsewhere.post("/api/v1/users/token", data=wrong, headers=claimed)
    assert refused.status_code == 401
    assert len(refused.headers.get_list("strict-transport-security")) == 1
    entries = client.get("/api/v1/audit", params={"action": "account.login"}).json()["events"]
    assert "127.0.0.7" in json.dumps(entries)
    assert "203.0.113.9" not in json.dumps(entries)


def test_R_ENH_7_body_limits_are_those_of_the_app(proxy: Proxy, tmp_path: Path) -> None:
    app = create_app(load_settings({"home": str(tmp_path / "home")}).settings)
    [limits] = [item.kwargs for item in app.user_middleware if item.cls is BodyLimit]
    by_path: dict[str, Any] = {"/api/v1/faces": limits["max_bytes"], **limits["by_path"]}
    assert len(by_path) > 10
    for path, max_bytes in by_path.items():
        # Told by the head alone. Nobody is logged in: what nginx lets pass is refused by the server.
        assert announced(proxy, path, max_bytes)[0] in {204, 400, 401, 405, 422}, path
        status, body = announced(proxy, path, max_bytes + 1)
        assert (status, json.loads(body)["code"]) == (413, "upload_too_large"), path
        assert set(json.loads(body)) == {"type", "title", "status", "detail", "code", "request_id", "errors"}


def announced(proxy: Proxy, path: str, size_bytes: int) -> tuple[int, bytes]:
    """What is answered to the head of a POST with so large a body, of which little comes."""
    with encrypted(proxy) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size_bytes}\r\nConnection: close\r\n"
        connection.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\na=b".encode())
        if path.startswith("/api/v1/users/"):
            # Open to anybody, and so read to the end.
            connection.sendall(b"&" * (min(size_bytes, 65536) - 3))
        return read_answer(connection)


def encrypted(proxy: Proxy) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", proxy.https_port), timeout=30)
    return proxy.trust.wrap_socket(plain, server_hostname="localhost")


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    held = b""
    while b"\r\n\r\n" not in held:
        held += connection.recv(65536) or pytest.fail(f"no answer: {held!r}")
    head, _, body = held.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0].partition(b":")[2]):
        body += connection.recv(65536) or pytest.fail("the answer is cut off")
    return int(head.split(b" ", 2)[1]), body


def multipart(content: bytes, *fields: tuple[str, str], tail: bool = True) -> bytes:
    """Fields first, then the photo."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields
    ]
    parts.append(b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n' + content)
    return b"".join(parts) + (b"\r\n--b--\r\n" if tail else b"")


def head_of(path: str, size_bytes: int) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {API_KEY}\r\nContent-Length: {size_bytes}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n\r\n"
    ).encode()


def large_photo() -> bytes:
    pixels = np.random.default_rng(7).integers(0, 255, (1500, 2400, 3), dtype=np.uint8)
    return encode_jpeg(pixels, quality=92)


def send_slowly(proxy: Proxy, photo: bytes) -> tuple[int, bytes, set[str]]:
    """The answer to an enhancement, and what nginx had written down while it came in."""
    seen: set[str] = set()
    body = multipart(photo, *PLAIN.items(), ("enhancement_level", "1"))
    with encrypted(proxy) as connection:
        connection.sendall(head_of(ENHANCE, len(body)))
        for place in range(0, len(body), 256 * 1024):
            connection.sendall(body[place : place + 256 * 1024])
            seen |= proxy.temporary_files()
        status, answer = read_answer(connection)
    return status, answer, seen


def test_R_ENH_6_photo_is_never_written_down_by_the_proxy(proxy: Proxy, client: httpx2.Client) -> None:
    photo = large_photo()
    assert len(photo) > 2_000_000
    status, answer, written = send_slowly(proxy, photo)
    assert status in {200, 202}, answer
    assert written == set()
    submitted = json.loads(answer)
    address = f"{ENHANCE}/{submitted['enhancement']['enhancement_id']}"
    while client.get(address).json()["enhancement"]["status"] in {"pending", "processing"}:
        time.sleep(0.1)
    token = submitted["retrieval_token"]
    with client.stream("GET", f"{address}/result", params={"token": token}) as result:
        assert result.status_code == 200
        size_bytes = 0
        for chunk in result.iter_raw(65536):
            size_bytes += len(chunk)
            assert proxy.temporary_files() == set()
    assert size_bytes > 1_000_000
    assert client.get(f"{address}/result", params={"token": token}).status_code == 410
    assert token not in proxy.written()


def test_R_ENH_6_a_proxy_that_buffers_is_seen(server: CrashingServer, tmp_path: Path) -> None:
    changed = {"proxy_request_buffering off;": "proxy_request_buffering on;"}
    with running(configure(tmp_path, [server.port], changed)) as buffering:
        _, _, written = send_slowly(buffering, large_photo())
    assert written == {"client_body"}


def test_R_ENH_6_upload_reaches_the_server_while_it_is_being_sent(proxy: Proxy) -> None:
    """The server refuses a field that it does not know as soon as it reads it: long before the photo has come."""
    body = multipart(b"\xff\xd8" + bytes(200_000), ("sharper", "please"), tail=False)
    with encrypted(proxy) as connection:
        connection.sendall(head_of(ENHANCE, 15_000_000))
        connection.sendall(body)
        status, answer = read_answer(connection)
    assert (status, json.loads(answer)["code"]) == (422, "validation_failed")


def test_R_ACC_4_logins_are_slowed_down_before_they_reach_the_server(proxy: Proxy, client: httpx2.Client) -> None:
    wrong = {"grant_type": "password", "username": "nobody", "password": "wrong wrong wrong"}
    answers = [client.post("/api/v1/users/token", data=wrong) for _ in range(16)]
    refused = [answer for answer in answers if answer.status_code == 429 and answer.headers["server"] == "nginx"]
    assert refused
    assert refused[-1].json()["code"] in {"rate_limited", "locked_out"}
    assert "limiting requests" in proxy.written()
    assert client.get("/api/status").status_code == 200


@pytest.mark.anyio
async def test_R_INF_3_websocket_passes_and_leaves_no_token(proxy: Proxy) -> None:
    address = f"wss://localhost:{proxy.https_port}/api/v1/ws/jobs?token={API_KEY}"
    async with connect(address, ssl=proxy.trust, proxy=None) as told, caller(proxy) as client:
        assert json.loads(await asyncio.wait_for(told.recv(), 30))["type"] == "ready"
        job_id = await started_job(client)
        assert json.loads(await asyncio.wait_for(told.recv(), 30))["job"]["job_id"] == job_id
    assert "/api/v1/ws/jobs" in await written(proxy, "/api/v1/ws/jobs")
    assert API_KEY not in proxy.written()


@pytest.mark.anyio
async def test_R_INF_3_server_sent_events_come_one_by_one(proxy: Proxy) -> None:
    address = f"/api/v1/jobs/events?token={API_KEY}"
    async with caller(proxy) as client, caller(proxy, headers={}) as page, page.stream("GET", address) as stream:
        lines = stream.aiter_lines()
        await until(lines, "event: ready")
        for _ in range(3):
            job_id = await started_job(client)
            # The connection stays open: what a buffer kept would not be there.
            await until(lines, job_id)
    assert API_KEY not in await written(proxy, "/api/v1/jobs/events")


@pytest.mark.anyio
async def test_R_STR_1_motion_jpeg_passes_picture_by_picture(proxy: Proxy, server: CrashingServer) -> None:
    source = str(server.home.parent / "clips" / "square.mp4")
    async with caller(proxy) as client, caller(proxy, headers={}) as page:
        answer = await client.post("/api/v1/stream/start", json={"source": source, "loop": True})
        assert answer.status_code == 201, answer.text
        stream = answer.json()["stream"]
        async with page.stream("GET", stream["feed_url"]) as feed:
            assert feed.headers["content-type"].startswith("multipart/x-mixed-replace")
            seen = b""
            async with asyncio.timeout(60):
                async for chunk in feed.aiter_raw():
                    seen += chunk
                    if seen.count(b"\xff\xd8\xff") >= 4:
                        break
        stopped = await client.post("/api/v1/stream/stop", json={"stream_id": stream["stream_id"]})
        assert stopped.status_code == 200
    signature = stream["feed_url"].partition("?")[2]
    assert signature
    assert signature not in await written(proxy, "/api/v1/stream/feed")
    assert proxy.temporary_files() == set()


def caller(proxy: Proxy, headers: dict[str, str] | None = None) -> httpx2.AsyncClient:
    given = HEADERS if headers is None else headers
    return httpx2.AsyncClient(base_url=proxy.url, headers=given, verify=proxy.trust, trust_env=False, timeout=30)


async def started_job(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/api/v1/gallery/check", json={"repair": False})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job"]["job_id"])


async def until(lines: Any, wanted: str) -> None:
    async with asyncio.timeout(30):
        async for line in lines:
            if wanted in line:
                return
    pytest.fail(f"the stream ended without {wanted!r}")


async def written(proxy: Proxy, path: str) -> str:
    """The logs, once this call is in them: it is written down at its end."""
    while path not in (logged := await asyncio.to_thread(proxy.written)):
        await asyncio.sleep(0.05)
    return logged


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
