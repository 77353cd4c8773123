"""R-STR 10 over HTTP: what viewers see is kept as a file, on request, within limits, and gone after its time."""

import asyncio
import json
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest

from lianpu.database.base import now_utc
from lianpu.streams.recording import recordings as recordings_module
from tests.api.calls import enrol
from tests.api.logins import PASSWORD, bearer, create_user
from tests.api.streams.conftest import SIDE, OpenStreams
from tests.api.streams.server import PATH, Stream, StreamServer, code_of, left_behind

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60), pytest.mark.slow]
NOBODY = "00000000-0000-0000-0000-000000000000"


async def record(server: StreamServer, stream: Stream) -> dict[str, Any]:
    answer = await server.client.post(f"{PATH}/{stream['stream_id']}/record")
    assert answer.status_code == 201, answer.text
    return answer.json()["recording"]


async def recordings(server: StreamServer, **wanted: str) -> list[dict[str, Any]]:
    answer = await server.client.get(f"{PATH}/recordings", params=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()["recordings"]


async def until(server: StreamServer, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The newest recording, once it is so."""
    while not condition(newest := (await recordings(server))[0]):
        await asyncio.sleep(0.02)
    return newest


def folder(server: StreamServer) -> Path:
    return server.platform.settings.home / "streams" / "recordings"


async def test_R_STR_10_a_stream_is_recorded_with_its_names_stopped_and_downloaded(
    server: StreamServer, astronaut_photo: bytes, tmp_path: Path
) -> None:
    await enrol(server.client, astronaut_photo, name="Eileen")
    stream = await server.start("known.mp4", loop=True, name="Gate")
    await server.until_events(stream, kind="person_appeared")
    begun = await record(server, stream)
    assert (begun["stream_id"], begun["ended_at"], begun["video_url"]) == (stream["stream_id"], None, None)
    assert code_of(await server.client.post(f"{PATH}/{stream['stream_id']}/record")) == (409, "recording_state")
    one = f"{PATH}/recordings/{begun['recording_id']}"
    assert code_of(await server.client.get(f"{one}/video")) == (409, "recording_state")
    assert code_of(await server.client.delete(one)) == (409, "recording_state")
    # Nobody watches: it is drawn all the same.
    await until(server, lambda newest: newest["frames"] > 10)
    ended = (await server.client.post(f"{PATH}/{stream['stream_id']}/record/stop")).json()["recording"]
    assert (ended["end_reason"], ended["stream_name"], ended["dropped"]) == ("stopped", "Gate", 0)
    assert ended["bytes"] > 0
    assert code_of(await server.client.post(f"{PATH}/{stream['stream_id']}/record/stop")) == (409, "recording_state")
    assert (await server.get(stream))["state"] == "running"

    video = await server.client.get(ended["video_url"])
    assert (video.status_code, video.headers["content-type"]) == (200, "video/mp4")
    part = await server.client.get(ended["video_url"], headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, video.content[:10])
    (tmp_path / "a.mp4").write_bytes(video.content)
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == ended["frames"]
    assert frames[0].shape == (SIDE, SIDE, 3)
    # The box of a known face is green, and nothing in the clip is.
    green = [(one[..., 1] - one[..., 0] > 50) & (one[..., 1] - one[..., 2] > 50) for one in frames]
    assert max(int(one.sum()) for one in green) > 100

    file = folder(server) / f"{begun['recording_id']}.mp4"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert (await server.client.delete(one)).status_code == 204
    assert await recordings(server) == []
    assert not any(folder(server).iterdir())
    assert code_of(await server.client.get(f"{one}/video")) == (404, "recording_not_found")


async def test_R_STR_10_a_recording_ends_with_its_stream_and_outlives_it(server: StreamServer) -> None:
    stream, other = await server.start("nobody.mp4", loop=True), await server.start("nobody.mp4", loop=True)
    for one in (stream, other):
        await record(server, one)
    await until(server, lambda newest: newest["frames"] > 3)
    await asyncio.sleep(0.3)
    await server.stop(stream)
    [ended] = await recordings(server, stream_id=stream["stream_id"])
    assert ended["end_reason"] == "stream_ended"
    assert (await server.client.get(ended["video_url"])).status_code == 200
    assert sorted(left_behind()) == [f"stream-{other['stream_id']}", f"stream-{other['stream_id']}-recording"]
    assert code_of(await server.client.post(f"{PATH}/{stream['stream_id']}/record")) == (409, "stream_state")
    assert code_of(await server.client.post(f"{PATH}/{NOBODY}/record")) == (404, "stream_not_found")


async def test_R_STR_10_recordings_survive_the_server_and_a_crash_is_told(open_streams: OpenStreams) -> None:
    async with open_streams() as server:
        await record(server, await server.start("nobody.mp4", loop=True))
        begun = await until(server, lambda newest: newest["frames"] > 3)
    assert left_behind("recordings") == []
    record_file = folder(server) / f"{begun['recording_id']}.json"
    async with open_streams() as server:
        [kept] = await recordings(server)
        assert kept["end_reason"] == "stream_ended"
        # As it is written when a recording begins: a kill leaves it so.
        values = json.loads(record_file.read_text()) | {"ended_at": None, "end_reason": None}
        record_file.write_text(json.dumps(values))
        [crashed] = await recordings(server)
        assert (crashed["end_reason"], crashed["bytes"]) == ("interrupted", kept["bytes"])
        assert (await server.client.get(crashed["video_url"])).status_code == 200
        # A record that cannot be read hides no other one.
        (folder(server) / f"{NOBODY}.json").write_text("{")
        assert len(await recordings(server)) == 1
        assert (await server.client.delete(f"{PATH}/recordings/{crashed['recording_id']}")).status_code == 204


async def test_R_STR_10_sizes_are_limited_and_old_ones_go(
    open_streams: OpenStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"streams__recordings__max_bytes": 1 << 20, "streams__recordings__max_total_bytes": 1 << 20}
    async with open_streams(**limits) as server:
        stream = await server.start("nobody.mp4", loop=True)
        monkeypatch.setattr(server.platform.recordings, "_max_bytes", 2000)
        await record(server, stream)
        small = await until(server, lambda newest: newest["ended_at"] is not None)
        assert small["end_reason"] == "size_limit"
        (folder(server) / f"{small['recording_id']}.mp4").write_bytes(b"\0" * (1 << 20))
        assert code_of(await server.client.post(f"{PATH}/{stream['stream_id']}/record")) == (409, "recordings_full")
        assert len(await recordings(server)) == 1

        later = now_utc() + timedelta(days=8)
        monkeypatch.setattr(recordings_module, "now_utc", lambda: later)
        clearing = asyncio.create_task(server.platform.recordings.run_clearing())
        while await recordings(server):
            await asyncio.sleep(0.02)
        clearing.cancel()
        assert not any(folder(server).iterdir())


@pytest.mark.parametrize("name", ["..%2F..%2Flianpu.db", "x", "0" * 36, "%2e%2e", NOBODY.upper().replace("0", "A")])
async def test_R_STR_10_only_recordings_are_read_and_deleted(server: StreamServer, name: str) -> None:
    for method, path in (("GET", f"{PATH}/recordings/{name}/video"), ("DELETE", f"{PATH}/recordings/{name}")):
        answer = await server.client.request(method, path)
        assert answer.status_code in {404, 405}, answer.text


async def test_R_STR_10_viewers_may_watch_recordings_and_not_make_them(server: StreamServer) -> None:
    await create_user(server.client, "ada", role="viewer")
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    token = (await server.nobody.post("/api/v1/users/token", data=form)).json()["access_token"]
    stream = await server.start("nobody.mp4", loop=True)
    path = f"{PATH}/{stream['stream_id']}/record"
    assert code_of(await server.nobody.post(path, headers=bearer(token))) == (403, "scope_missing")
    assert (await server.nobody.get(f"{PATH}/recordings", headers=bearer(token))).status_code == 200
    assert code_of(await server.nobody.get(f"{PATH}/recordings")) == (401, "authentication_required")
