"""R-STR-2: a browser's frames as the source of a stream, over a real server."""

import asyncio
import json

import pytest
from websockets.asyncio.client import ClientConnection, connect

from lianpu.streams import source_thread
from tests.api.calls import enrol
from tests.api.conftest import API_KEY
from tests.api.live_client import Message, address, closing, connected, heard, jpeg
from tests.api.streams.conftest import OpenStreams
from tests.api.streams.server import Stream, StreamServer

pytestmark = pytest.mark.anyio
NOBODY = "00000000-0000-7000-8000-000000000000"


def path(stream: Stream) -> str:
    return f"/api/v1/stream/push/{stream['stream_id']}"


async def pushed(websocket: ClientConnection, frame: bytes, count: int = 1) -> Message:
    """So many times, each after the answer to the one before."""
    ack: Message = {}
    for _ in range(count):
        await websocket.send(frame)
        ack = await heard(websocket, "ack")
    return ack


async def test_R_STR_2_who_is_in_pushed_frames_is_named_shown_and_kept_as_an_event(
    server: StreamServer, astronaut_photo: bytes
) -> None:
    await enrol(server.client, astronaut_photo, name="Eileen", person_id="e1")
    stream = await server.start("push:", detect_every=1, name="Browser")
    assert (stream["source"], stream["state"]) == ("push:", "connecting")
    frame = jpeg(astronaut_photo)
    async with connected(server, path(stream)) as websocket:

        async def push() -> None:
            while True:
                await pushed(websocket, frame)
                await asyncio.sleep(0.02)

        pushing = asyncio.create_task(push())
        [event] = await server.until_events(stream, kind="person_appeared")
        assert (event["person_id"], event["person_name"]) == ("e1", "Eileen")
        shown = (await server.client.get(f"/api/v1/stream/{stream['stream_id']}/snapshot")).content
        assert shown.startswith(b"\xff\xd8")
        assert (await server.get(stream))["state"] == "running"
        pushing.cancel()
    await server.stop(stream)


async def test_R_STR_4_a_stream_waits_for_who_pushed_it_and_keeps_its_id(
    server: StreamServer, astronaut_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_thread, "FIRST_WAIT_S", 0.05)
    stream, frame = await server.start("push:"), jpeg(astronaut_photo)
    async with connected(server, path(stream)) as websocket:
        assert await pushed(websocket, frame) == {"type": "ack", "frame": 1, "dropped": 0}
        await server.until(stream, lambda found: found["state"] == "running")
    lost = await server.until(stream, lambda found: found["state"] == "reconnecting")
    assert lost["reason"] == "Whoever pushed its frames has gone."
    async with connected(server, path(stream)) as websocket:
        await pushed(websocket, frame)
        await server.until(stream, lambda found: found["state"] == "running")
        await websocket.send(b"nonsense")
        assert (await heard(websocket, "problem"))["code"] == "image_format_unsupported"
        assert (await heard(websocket, "ack"))["frame"] == 2
        assert (await pushed(websocket, frame))["frame"] == 3
        async with connected(server, path(stream)):
            assert await closing(websocket) == (4409, "replaced")
    await server.stop(stream)


async def test_R_STR_3_the_end_of_the_stream_ends_the_connection(server: StreamServer) -> None:
    stream = await server.start("push:")
    async with connected(server, path(stream)) as websocket:
        await server.stop(stream)
        assert await closing(websocket) == (4410, "stream_over")


async def test_R_STR_2_only_streams_that_take_frames_get_them(server: StreamServer) -> None:
    file, over = await server.start("nobody.mp4", loop=True), await server.start("push:")
    await server.stop(over)
    for stream_id, ending in (
        (file["stream_id"], (4409, "stream_state")),
        (over["stream_id"], (4409, "stream_state")),
        (NOBODY, (4404, "stream_not_found")),
    ):
        uri = address(server, f"/api/v1/stream/push/{stream_id}?token={API_KEY}")
        async with connect(uri, proxy=None) as websocket:
            assert await closing(websocket) == ending
    await server.stop(file)


async def test_R_STR_2_a_pushed_stream_that_is_permanent_waits_again_after_a_restart(
    open_streams: OpenStreams, astronaut_photo: bytes
) -> None:
    async with open_streams() as server:
        stream = await server.start("push:", permanent=True, lifetime_minutes=-1)
    async with open_streams() as server:
        async with connected(server, path(stream)) as websocket:
            await pushed(websocket, jpeg(astronaut_photo))
            await server.until(stream, lambda found: found["state"] == "running")
        await server.stop(stream)


async def test_R_ACC_4_who_pushes_is_recorded_when_he_begins_and_when_he_has_ended(
    server: StreamServer, astronaut_photo: bytes
) -> None:
    stream = await server.start("push:")
    async with connected(server, path(stream)) as websocket:
        await pushed(websocket, jpeg(astronaut_photo), count=2)
    found: list[Message] = []
    while len(found) < 2:
        answer = await server.client.get("/api/v1/audit", params={"action": "stream.push"})
        found = answer.json()["events"][::-1]
    assert [entry["status"] for entry in found] == [101, 200]
    assert {entry["target"] for entry in found} == {stream["stream_id"]}
    assert found[-1]["detail"] == {"frames": 2, "dropped": 0}
    await server.stop(stream)


async def test_R_STR_2_a_stranger_pushes_nothing(server: StreamServer) -> None:
    stream = await server.start("push:")
    async with connect(address(server, path(stream)), proxy=None) as websocket:
        await websocket.send(json.dumps({"type": "auth", "token": "of-nobody"}))
        assert (await closing(websocket))[0] == 4401
    assert (await server.get(stream))["state"] == "connecting"
    await server.stop(stream)
