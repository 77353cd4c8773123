"""R-STR 2 over HTTP: nothing is read that may not be, and passwords are shown nowhere."""

import asyncio
import json
import socket
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.streams.conftest import OpenStreams
from tests.api.streams.server import PATH, StreamServer, code_of
from tests.streams.clips import made_clip
from tests.streams.video_server import bait, video_server

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]


SECRETS = ("geheim", "tok3n")


async def test_R_STR_2_credentials_are_shown_nowhere(
    open_streams: OpenStreams, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    texts: list[str] = []

    async def read(answer: httpx2.Response) -> None:
        texts.append(answer.text + str(answer.headers))

    with bait() as silent:
        path = f"://admin:geheim@127.0.0.1:{silent.port}/live?token=tok3n"
        async with open_streams(streams__networks=["127.0.0.0/8"]) as server:
            home = server.platform.settings.home
            for scheme in ("rtsp", "http"):
                stream = await server.start(scheme + path, permanent=True)
                assert stream["source"] == f"{scheme}://***@127.0.0.1:{silent.port}/live?token=***"
                texts.append(json.dumps(stream))
                await read(await server.client.get(f"{PATH}/{stream['stream_id']}"))
            while not silent.held:
                await asyncio.sleep(0.02)
            for body in (
                {"source": f"ftp{path}"},
                {"source": f"rtsp{path}", "lifetime_minutes": -5},
                {"source": f"rtsp{path}", "unknown": 1},
                {"source": f"rtsp{path}" + "x" * 5000},
                {"source": f"rtsp{path.replace('127.0.0.1', '10.0.0.1')}"},
                {"source": f"rtsp{path.replace('127.0.0.1', 'no such host')}"},
            ):
                refused = await server.client.post(f"{PATH}/start", json=body)
                assert refused.status_code == 422
                await read(refused)
            for over in ("", "/audit", "?ended=true"):
                await read(await server.client.get(PATH + over if over != "/audit" else "/api/v1/audit?limit=500"))
        stored = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    out = capfd.readouterr()
    everything = [*texts, caplog.text, out.out, out.err, stored.decode("latin-1")]
    for secret in SECRETS:
        assert [text for text in everything if secret in text] == []
    assert "stream.start" in texts[-2]
    with sqlite3.connect(home / "lianpu.db") as connection:
        assert connection.execute("SELECT count(*) FROM streams WHERE shown LIKE '%***@%'").fetchone() == (2,)


NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "inside.example": ["10.1.2.3"],
    "half.example": ["93.184.216.34", "10.1.2.3"],
    "metadata.google.internal": ["169.254.169.254"],
}
REFUSED = (
    "file:///etc/passwd",
    "file:known.mp4",
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "link.mp4",
    "folder/../../secret.mp4",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://localhost:{port}/",
    "rtsp://LOCALHOST:{port}/a",
    "http://localhost.:{port}/",
    "http://127.0.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "rtsp://user:pass@inside.example:{port}/",
    "http://public.example@127.0.0.1:{port}/",
    "http://half.example:{port}/",
    "0",
    "7",
    "99999999999999999999",
    "-1",
    "concat:/etc/passwd|/etc/hosts",
    "subfile,,start,0,end,100,,:/etc/passwd",
    "subfile:/etc/passwd",
    "crypto:/etc/passwd",
    "data:video/mp4;base64,AAAA",
    "tcp://127.0.0.1:{port}",
    "udp://127.0.0.1:{port}",
    "pipe:0",
    "ftp://127.0.0.1:{port}/a",
    "gopher://127.0.0.1:{port}/a",
    "unix:/var/run/docker.sock",
    "hls+http://127.0.0.1:{port}/",
    "http:///etc/passwd",
    "http://127.0.0.1\\@public.example:{port}/",
    "http://a b:{port}/",
    "",
    "\u0000",
    "/dev/video0",
)


@pytest.fixture
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Names stand for what `NAMES` says; who connects anywhere else than to this machine is noted, and refused."""
    elsewhere: list[object] = []
    real_connect, real_lookup = socket.socket.connect, socket.getaddrinfo

    def lookup(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        addresses = NAMES.get(str(host).rstrip(".").lower())
        if addresses is None:
            return real_lookup(host, port, *args, **{**options, "flags": socket.AI_NUMERICHOST})
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def checked(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1"}:
            elsewhere.append(address)
            raise ConnectionRefusedError
        real_connect(self, address)

    def checked_ex(self: socket.socket, address: Any) -> int:
        elsewhere.append(address)
        return 111

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket.socket, "connect", checked)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_ex)
    return elsewhere


async def test_R_STR_2_what_may_not_be_read_is_refused_before_any_connection(
    open_streams: OpenStreams, tmp_path: Path, only_loopback: list[object]
) -> None:
    folder = tmp_path / "videos"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "secret.mp4").write_bytes(made_clip("mp4", 3))
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "fine.mp4").write_bytes(made_clip("mp4", 3))
    with bait() as trap:
        async with open_streams(streams__folders=[str(folder)], streams__webcams=[1]) as server:
            for source in REFUSED:
                body = {"source": source.replace("{port}", str(trap.port))}
                answer = await server.client.post(f"{PATH}/start", json=body)
                assert code_of(answer) == (422, "source_refused"), source
                assert "root:" not in answer.text
            assert code_of(await server.client.post(f"{PATH}/start", json={})) == (422, "validation_failed")
            fine = await server.start("fine.mp4", paced=False)
            await server.until(fine, lambda one: one["state"] == "ended")
            assert (await server.client.get(PATH, params={"ended": True})).json()["ended"][0]["source"] == "fine.mp4"
        assert trap.visits == []
    assert only_loopback == []


async def test_R_STR_2_a_redirect_or_playlist_leads_nowhere_else(open_streams: OpenStreams) -> None:
    """The camera itself may be read from; what it points at may not."""
    with bait() as trap, video_server() as camera:
        # Another name for this machine: allowed is the camera's name alone.
        camera.redirects["/to-private"] = f"http://127.0.0.2:{trap.port}/"
        camera.redirects["/to-file"] = "file:///etc/passwd"
        playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
        camera.files["/to-inside.m3u8"] = playlist.format(f"http://127.0.0.2:{trap.port}/a.ts").encode()
        camera.files["/to-file.m3u8"] = playlist.format("file:///etc/passwd").encode()
        async with open_streams(streams__networks=["127.0.0.1/32"]) as server:
            for path in ("/to-private", "/to-file", "/to-inside.m3u8", "/to-file.m3u8"):
                stream = await server.start(f"http://127.0.0.1:{camera.port}{path}")
                found = await server.until(stream, lambda one: one["state"] not in {"connecting", "running"})
                if path in camera.redirects:
                    assert (found["state"], found["end_reason"]) == ("failed", "refused"), path
                else:
                    await server.stop(stream)
        assert trap.visits == []


async def test_R_ACC_4_streams_are_in_the_audit_log_with_who_and_without_the_source(server: StreamServer) -> None:
    stream = await server.start("nobody.mp4", loop=True)
    await anext(server.pictures(stream))
    await server.stop(stream)
    answer = await server.client.get("/api/v1/audit", params={"target": stream["stream_id"]})
    events = {event["action"]: event for event in answer.json()["events"]}
    assert {"stream.start", "stream.watch", "stream.stop"} <= events.keys()
    assert {event["actor"]["kind"] for event in events.values()} == {"configured_key"}
    assert "nobody.mp4" not in answer.text


async def test_R_STR_5_where_liveness_cannot_be_judged_nothing_is_named(open_streams: OpenStreams) -> None:
    async with open_streams(liveness__mode="enforce") as server:
        answer = await server.client.post(f"{PATH}/start", json={"source": "known.mp4"})
        assert code_of(answer) == (503, "pack_incomplete")
