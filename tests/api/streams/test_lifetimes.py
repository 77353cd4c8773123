"""R-STR 3 and 4 over HTTP: a stream ends for a reason, comes back where it should, and leaves nothing behind."""

import asyncio
import sqlite3

import pytest

from lianpu.streams import streams as streams_module
from lianpu.streams.running import StreamRuns
from tests.api.streams.conftest import OpenStreams
from tests.api.streams.server import PATH, StreamServer, code_of, left_behind
from tests.streams.clips import made_clip
from tests.streams.video_server import video_server

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60), pytest.mark.slow]


async def test_R_STR_3_a_stream_ends_by_its_lifetime_unless_it_has_none(server: StreamServer) -> None:
    short = await server.start("nobody.mp4", loop=True, lifetime_minutes=0.01)
    forever = await server.start("nobody.mp4", loop=True, lifetime_minutes=-1)
    assert (forever["lifetime_minutes"], forever["expires_at"]) == (-1, None)
    over = await server.until(short, lambda one: one["state"] == "ended")
    assert over["end_reason"] == "expired"
    assert left_behind() == [f"stream-{forever['stream_id']}"]
    await server.until(forever, lambda one: one["state"] == "running")

    path = f"{PATH}/{forever['stream_id']}/extend"
    longer = (await server.client.post(path, json={"lifetime_minutes": 60})).json()["stream"]
    assert longer["expires_at"] > longer["started_at"]
    assert longer["lifetime_minutes"] == 60
    assert (await server.client.post(path, json={"lifetime_minutes": -1})).json()["stream"]["expires_at"] is None
    for wrong in (0, -2, 1e9):
        assert code_of(await server.client.post(path, json={"lifetime_minutes": wrong})) == (422, "validation_failed")
    await server.client.post(path, json={"lifetime_minutes": 0.001})
    assert (await server.until(forever, lambda one: one["state"] == "ended"))["end_reason"] == "expired"
    assert left_behind("nobody.mp4") == []


async def test_R_STR_3_the_reaper_ends_what_a_timer_missed(
    open_streams: OpenStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_module, "REAPER_S", 0.05)
    monkeypatch.setattr(StreamRuns, "set_expiry", lambda self, running: None)
    async with open_streams() as server:
        stream = await server.start("nobody.mp4", loop=True, lifetime_minutes=0.005)
        over = await server.until(stream, lambda one: one["state"] == "ended")
        assert over["end_reason"] == "expired"


async def test_R_STR_3_end_of_file_and_stop_leave_nothing(server: StreamServer) -> None:
    stream = await server.start("nobody.mp4", paced=False)
    assert (await server.until(stream, lambda one: one["state"] == "ended"))["end_reason"] == "end_of_file"
    for _ in range(5):
        await server.stop(await server.start("nobody.mp4", loop=True))
    assert left_behind("nobody.mp4") == []


async def test_R_STR_3_the_server_stops_although_somebody_watches(open_streams: OpenStreams) -> None:
    async with open_streams() as server:
        stream = await server.start("nobody.mp4", loop=True)
        pictures = server.pictures(stream)
        await anext(pictures)
        server.uvicorn.should_exit = True
        # The feed ends in order: its last chunk is told.
        async for _ in pictures:
            pass
    assert left_behind("nobody.mp4") == []


async def test_R_STR_3_permanent_streams_come_back_with_the_server(open_streams: OpenStreams) -> None:
    async with open_streams() as server:
        kept = await server.start("nobody.mp4", name="Gate", loop=True, permanent=True, lifetime_minutes=-1)
        short = await server.start("nobody.mp4", loop=True, permanent=True, lifetime_minutes=5)
        other = await server.start("nobody.mp4", loop=True)
        stopped = await server.start("nobody.mp4", loop=True, permanent=True)
        await server.stop(stopped)
        database = server.platform.settings.home / "lianpu.db"
    assert left_behind("nobody.mp4") == []
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE streams SET expires_at = started_at WHERE id = ?", (short["stream_id"],))
    async with open_streams() as server:
        again = await server.until(kept, lambda one: one["state"] == "running")
        same = ("stream_id", "name", "source", "started_at", "lifetime_minutes", "permanent")
        assert {key: again[key] for key in same} == {key: kept[key] for key in same}
        assert (await server.get(other))["end_reason"] == "shutdown"
        assert (await server.get(short))["end_reason"] == "expired"
        assert (await server.get(stopped))["end_reason"] == "stopped"
        assert (await server.client.get(PATH)).json()["active_streams_count"] == 1


async def test_R_STR_3_no_more_streams_than_the_settings_say(open_streams: OpenStreams) -> None:
    async with open_streams(streams__max_active=2) as server:
        body = {"source": "nobody.mp4", "loop": True}
        answers = await asyncio.gather(*(server.client.post(f"{PATH}/start", json=body) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_streams"}


async def test_R_STR_4_a_source_that_goes_away_is_waited_for_under_the_same_id(
    open_streams: OpenStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianpu.streams.source_thread.FIRST_WAIT_S", 0.1)
    monkeypatch.setattr("lianpu.streams.source_thread.LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr("lianpu.streams.runner.SNAPSHOT_S", 0.1)
    with video_server() as camera:
        camera.gives_parts = False
        camera.files["/feed"] = made_clip("mpegts", 30)
        async with open_streams(streams__networks=["127.0.0.0/8"]) as server:
            stream = await server.start(f"http://admin:geheim@127.0.0.1:{camera.port}/feed")
            lost = await server.until(stream, lambda one: one["state"] == "reconnecting")
            assert "geheim" not in lost["reason"]
            del camera.files["/feed"]
            await server.until(stream, lambda one: "404" in (one["reason"] or ""))
            assert code_of(await server.client.get(f"{PATH}/{stream['stream_id']}/snapshot")) == (409, "stream_state")
            # A viewer who leaves while there is no picture is noticed.
            waiting = asyncio.create_task(anext(server.pictures(stream)))
            await server.until(stream, lambda one: one["health"]["viewers"] == 1)
            waiting.cancel()
            await server.until(stream, lambda one: one["health"]["viewers"] == 0)
            camera.files["/feed"] = made_clip("mpegts", 30)
            await server.until(stream, lambda one: one["state"] == "running")
