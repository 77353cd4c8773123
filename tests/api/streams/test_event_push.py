"""R-STR-8: the events of streams as they come, over WebSocket and Server-Sent Events, resumed where they broke off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import delete
from websockets.asyncio.client import ClientConnection, connect

from lianpu.streams.events import EventKind, Noticed
from lianpu.streams.models import StreamEvent
from tests.api.calls import enrol
from tests.api.conftest import API_KEY
from tests.api.live_client import Message, address, closing, connected, heard
from tests.api.streams.conftest import OpenStreams
from tests.api.streams.server import Stream, StreamServer
from tests.api.test_push_events import Stream as EventSource

pytestmark = pytest.mark.anyio
EVENTS = "/api/v1/ws/streams"
STREAMED = "/api/v1/stream/events"


def noticed(track: int) -> Noticed:
    return Noticed(EventKind.UNKNOWN_APPEARED, None, None, track, None, 0.5, None, None)


async def keep(server: StreamServer, stream: Stream, *tracks: int) -> None:
    await server.platform.streams.events.keep(stream["stream_id"], [noticed(track) for track in tracks])


async def told(websocket: ClientConnection, count: int) -> list[Message]:
    return [await heard(websocket, "event") for _ in range(count)]


@asynccontextmanager
async def resumed(server: StreamServer, last_event_id: int, path: str = EVENTS) -> AsyncIterator[ClientConnection]:
    async with connect(address(server, path), proxy=None) as websocket:
        await websocket.send(json.dumps({"type": "auth", "token": API_KEY, "last_event_id": last_event_id}))
        assert json.loads(await websocket.recv())["type"] == "ready"
        yield websocket


async def test_R_STR_8_who_appears_in_a_stream_is_pushed_as_the_list_has_it(
    server: StreamServer, astronaut_photo: bytes
) -> None:
    await enrol(server.client, astronaut_photo, name="Eileen", person_id="e1")
    async with connected(server, EVENTS) as websocket:
        stream = await server.start("known.mp4", paced=False)
        first, second = await told(websocket, 2)
        assert [one["event"]["kind"] for one in (first, second)] == ["person_appeared", "person_left"]
        assert [one["event_id"] for one in (first, second)] == [1, 2]
        assert [first["event"], second["event"]] == await server.until_events(stream, 2)
        crop = await server.client.get(first["event"]["crop_url"])
        assert crop.content.startswith(b"\xff\xd8")


async def test_R_STR_8_who_breaks_off_gets_everything_once_and_in_order(server: StreamServer) -> None:
    one, other = await server.start("push:"), await server.start("push:")
    await keep(server, one, 1, 2)
    async with resumed(server, 0) as websocket:
        assert [message["event"]["track"] for message in await told(websocket, 2)] == [1, 2]
        await keep(server, other, 3)
        assert [message["event_id"] for message in await told(websocket, 1)] == [3]
    await keep(server, one, 4, 5)
    async with resumed(server, 3) as websocket:
        await keep(server, other, 6)
        assert [message["event_id"] for message in await told(websocket, 3)] == [4, 5, 6]
    async with resumed(server, 0, f"{EVENTS}?stream_id={other['stream_id']}") as websocket:
        await keep(server, one, 7)
        await keep(server, other, 8)
        assert [message["event_id"] for message in await told(websocket, 3)] == [3, 6, 8]
    for stream in (one, other):
        await server.stop(stream)


async def test_R_STR_8_events_of_several_streams_at_once_have_numbers_without_gaps(server: StreamServer) -> None:
    streams = [await server.start("push:") for _ in range(4)]
    async with connected(server, EVENTS) as websocket:
        await asyncio.gather(*(keep(server, stream, 1, 2, 3) for stream in streams for _ in range(5)))
        assert [message["event_id"] for message in await told(websocket, 60)] == list(range(1, 61))
    for stream in streams:
        await server.stop(stream)


async def test_R_STR_8_who_was_away_too_long_is_told_to_read_anew(server: StreamServer) -> None:
    stream = await server.start("push:")
    await keep(server, stream, 1, 2, 3)
    async with server.platform.database.session() as session:
        await session.execute(delete(StreamEvent).where(StreamEvent.sequence <= 2))
        await session.commit()
    for place, is_reset in ((0, True), (1, True), (2, False), (3, False), (9, True)):
        async with resumed(server, place) as websocket:
            if is_reset:
                assert json.loads(await websocket.recv()) == {"type": "reset", "last_event_id": 3}
            elif place == 2:
                assert (await told(websocket, 1))[0]["event_id"] == 3
    await server.stop(stream)


async def test_R_STR_8_numbers_go_on_after_a_restart(open_streams: OpenStreams) -> None:
    async with open_streams() as server:
        await keep(server, await server.start("push:"), 1)
    async with open_streams() as server:
        stream = await server.start("push:")
        await keep(server, stream, 2)
        async with resumed(server, 0) as websocket:
            assert [message["event_id"] for message in await told(websocket, 2)] == [1, 2]
        await server.stop(stream)


async def test_R_STR_8_a_slow_listener_is_let_go_and_can_resume(open_streams: OpenStreams) -> None:
    async with open_streams(push__queue_events=2) as server:
        stream = await server.start("push:")
        async with connected(server, EVENTS) as websocket:
            # More than may wait, in one commit: the listener has no turn in between.
            await keep(server, stream, 1, 2, 3, 4)
            assert await closing(websocket) == (4008, "slow_consumer")
        async with resumed(server, 0) as websocket:
            assert len(await told(websocket, 4)) == 4
        await server.stop(stream)


async def test_R_STR_8_the_same_comes_as_server_sent_events(server: StreamServer) -> None:
    stream = await server.start("push:")
    await keep(server, stream, 1, 2)
    query = f"{STREAMED}?token={API_KEY}&last_event_id=1&stream_id={stream['stream_id']}"
    async with server.nobody.stream("GET", query) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        source = EventSource(response)
        assert (await source.next()).type == "ready"
        event = await source.next()
        assert (event.type, event.last_event_id, event.data["event"]["track"]) == ("event", "2", 2)
        await keep(server, stream, 3)
        assert (await source.next()).data["event"]["track"] == 3
        server.platform.live.close()
        assert (await source.next()).data == {"type": "closed", "code": 1012, "reason": "server_stops"}
    assert (await server.nobody.get(STREAMED)).status_code == 401
    await server.stop(stream)
