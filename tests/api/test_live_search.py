"""R-STR-9: frames of a client, searched as they come over a real server; told when something changed."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect

from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.settings import Settings
from lianpu.streams.live import connection as connection_module
from tests.api.calls import enrol
from tests.api.conftest import API_KEY
from tests.api.live_client import SEARCH, Message, address, closing, connected, heard, jpeg
from tests.api.logins import PASSWORD, TOKEN, create_user
from tests.api.streams.server import StreamServer, serving_streams

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
UNLIMITED = dict.fromkeys(("limits__per_client", "limits__per_user", "limits__login"))


@pytest.fixture
def open_server(settings_for: Callable[..., Settings]) -> Callable[..., Any]:
    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[StreamServer]:
        async with serving_streams(settings_for(server__api_key=API_KEY, **UNLIMITED, **overrides)) as server:
            yield server
            while server.platform.live.mailboxes.open_count:
                await asyncio.sleep(0.01)

    return opened


@pytest.fixture
async def server(open_server: Callable[..., Any]) -> AsyncIterator[StreamServer]:
    async with open_server() as one:
        yield one


@pytest.fixture(scope="module")
def astronaut(astronaut_photo: bytes) -> bytes:
    return jpeg(astronaut_photo)


@pytest.fixture(scope="module")
def stranger(portraits: list[bytes]) -> bytes:
    return jpeg(portraits[0])


@pytest.fixture(scope="module")
def moved_astronaut(astronaut_photo: bytes) -> bytes:
    """The face is a fifth of its own size further left."""
    pixels = decode_image(astronaut_photo).pixels
    return encode_jpeg(np.ascontiguousarray(pixels[:, 25:]), quality=90)


async def sent(websocket: ClientConnection, frame: bytes, *, until: Callable[[Message], bool]) -> Message:
    """Send the frame again and again, as a camera that stands still, until a result is as it should be."""

    async def send() -> None:
        while True:
            await websocket.send(frame)
            await asyncio.sleep(0.1)

    sending = asyncio.create_task(send())
    try:
        while not until(result := await heard(websocket, "result")):
            pass
        return result
    finally:
        sending.cancel()


async def enrolled(server: StreamServer, photo: bytes, name: str, person_id: str) -> None:
    answer = await enrol(server.client, photo, name=name, person_id=person_id)
    assert answer.status_code == 201, answer.text


def names(result: Message) -> list[str | None]:
    return [face["name"] for face in result["faces"]]


async def test_R_STR_9_a_face_is_named_followed_and_told_once(
    server: StreamServer, astronaut_photo: bytes, astronaut: bytes, moved_astronaut: bytes, blank_photo: bytes
) -> None:
    await enrolled(server, astronaut_photo, "Eileen", "e1")
    found = (await server.client.post("/api/v1/search", files={"image": ("a.jpg", astronaut)})).json()["faces"][0]
    async with connected(server, SEARCH) as websocket:
        await websocket.send(astronaut)
        first = await heard(websocket, "result")
        [face] = first["faces"]
        assert (first["frame"], first["dropped"], first["image"]) == (1, 0, {"width": 512, "height": 512})
        assert (face["person_id"], face["name"], face["is_match"], face["state"]) == ("e1", "Eileen", True, "known")
        assert face["score"] == pytest.approx(found["matches"][0]["score"], abs=1e-3)
        assert face["box"] == pytest.approx(found["box"], abs=1)
        assert face["box_normalized"] == pytest.approx(found["box_normalized"], abs=0.01)
        # The same picture again says nothing new; the next message is about the one after it.
        for frame in (astronaut, astronaut, moved_astronaut):
            await websocket.send(frame)
            while server.platform.queue.numbers.running or server.platform.queue.numbers.waiting:
                await asyncio.sleep(0.01)
        second = await heard(websocket, "result")
        assert second["image"] == {"width": 487, "height": 512}
        assert [(one["track"], one["name"]) for one in second["faces"]] == [(face["track"], "Eileen")]
        assert second["faces"][0]["box"]["x"] < face["box"]["x"]
        gone = await sent(websocket, jpeg(blank_photo), until=lambda result: not result["faces"])
        assert gone["frame"] > second["frame"]


async def test_R_STR_9_who_is_enrolled_renamed_or_deleted_is_told_on_the_same_connection(
    server: StreamServer, astronaut_photo: bytes, astronaut: bytes
) -> None:
    async with connected(server, SEARCH) as websocket:
        unknown = await sent(websocket, astronaut, until=lambda result: result["faces"][0]["state"] == "unknown")
        assert (unknown["faces"][0]["person_id"], unknown["faces"][0]["is_match"]) == (None, False)
        await enrolled(server, astronaut_photo, "Eileen", "e1")
        named = await sent(websocket, astronaut, until=lambda result: names(result) == ["Eileen"])
        assert named["faces"][0]["track"] == unknown["faces"][0]["track"]
        assert (await server.client.patch("/api/v1/faces/e1", json={"name": "艾琳"})).status_code == 200
        # Nothing has to be sent for that.
        assert names(await heard(websocket, "result")) == ["艾琳"]
        assert (await server.client.delete("/api/v1/faces/e1")).status_code == 200
        assert names(await heard(websocket, "result")) == [None]


async def test_R_STR_9_a_newer_frame_takes_the_place_of_one_that_waits(
    server: StreamServer, astronaut: bytes, stranger: bytes, blank_photo: bytes
) -> None:
    async with connected(server, SEARCH) as websocket:
        for _ in range(40):
            await websocket.send(stranger)
        await websocket.send(astronaut)
        result = await heard(websocket, "result")
        while result["frame"] < 41:
            result = await heard(websocket, "result")
        assert result["dropped"] > 30
        assert result["image"] == {"width": 512, "height": 512}


async def test_R_STR_9_the_address_says_which_pack_threshold_and_liveness(
    server: StreamServer, astronaut_photo: bytes, astronaut: bytes
) -> None:
    await enrolled(server, astronaut_photo, "Eileen", "e1")
    async with connected(server, f"{SEARCH}?pack=dlib&threshold=1") as websocket:
        await websocket.send(astronaut)
        assert names(await heard(websocket, "result")) == [None]
    for query, ending in (
        ("pack=nothing", (4404, "pack_not_found")),
        ("threshold=2", (4400, "validation_failed")),
        ("threshold=nan", (4400, "validation_failed")),
        ("liveness_mode=perhaps", (4400, "validation_failed")),
        ("top_k=3", (4400, "validation_failed")),
        # There is no pack that judges.
        ("liveness_mode=enforce", (1011, "pack_incomplete")),
    ):
        async with connect(address(server, f"{SEARCH}?{query}&token={API_KEY}"), proxy=None) as websocket:
            assert await closing(websocket) == ending, query


async def test_R_STR_9_frames_that_cannot_be_used_are_told_and_the_next_one_counts(
    open_server: Callable[..., Any], astronaut: bytes, astronaut_photo: bytes
) -> None:
    large = encode_jpeg(np.full((800, 800, 3), 90, np.uint8))
    bad = (
        (b"", "image_empty"),
        (b"nonsense", "image_format_unsupported"),
        (astronaut_photo, "image_format_unsupported"),
        (astronaut[: len(astronaut) // 2], "image_damaged"),
        (large, "image_too_large"),
    )
    async with open_server(live__max_frame_pixels=600_000) as server, connected(server, SEARCH) as websocket:
        for number, (frame, code) in enumerate(bad):
            await websocket.send(frame)
            problem = await heard(websocket, "problem")
            assert (problem["code"], problem["frame"]) == (code, 2 * number + 1)
            await websocket.send(astronaut)
            assert len((await heard(websocket, "result"))["faces"]) == 1


async def test_R_STR_9_a_frame_may_be_so_large_and_a_stranger_may_send_no_large_message(
    server: StreamServer, astronaut: bytes
) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (900, 900, 3), dtype=np.uint8)
    frame = encode_jpeg(noise, quality=80)
    assert len(frame) > 500_000
    async with connected(server, SEARCH) as websocket:
        await websocket.send(frame)
        assert (await heard(websocket, "result"))["image"] == {"width": 900, "height": 900}
        await websocket.send(bytes(2_097_153))
        assert (await closing(websocket))[0] == 1009
    async with connect(address(server, SEARCH), proxy=None) as websocket:
        await websocket.send(frame)
        assert (await closing(websocket))[0] == 1009
    async with connect(address(server, SEARCH), proxy=None) as websocket:
        await websocket.send(astronaut[:1000])
        assert await closing(websocket) == (4400, "malformed_request")


async def test_R_STR_9_heartbeats_tell_the_counts_and_nothing_else_comes(
    open_server: Callable[..., Any], astronaut: bytes
) -> None:
    async with open_server(push__heartbeat_s=0.1) as server, connected(server, SEARCH) as websocket:
        assert await heard(websocket, "heartbeat") == {"type": "heartbeat", "received": 0, "dropped": 0}
        await websocket.send(astronaut)
        await heard(websocket, "result")
        kinds = {json.loads(await websocket.recv())["type"] for _ in range(3)}
        assert kinds == {"heartbeat"}
        assert (await heard(websocket, "heartbeat"))["received"] == 1


async def test_R_ACC_1_a_login_that_is_ended_ends_the_connection(open_server: Callable[..., Any]) -> None:
    async with open_server(push__heartbeat_s=0.1) as server:
        user_id = await create_user(server.client, "wendy")
        given = {"grant_type": "password", "username": "wendy", "password": PASSWORD}
        token = (await server.nobody.post(TOKEN, data=given)).json()["access_token"]
        async with connected(server, SEARCH, key=token) as websocket:
            await server.client.put(f"/api/v1/users/{user_id}", json={"is_active": False})
            assert await closing(websocket) == (4401, "token_revoked")


async def test_R_ACC_4_one_user_has_so_many_live_searches(open_server: Callable[..., Any]) -> None:
    async with open_server(live__max_connections=1) as server:
        async with connected(server, SEARCH), connect(address(server, SEARCH), proxy=None) as second:
            await second.send(json.dumps({"type": "auth", "token": API_KEY}))
            assert await closing(second) == (4429, "too_many_connections")
        while server.platform.live.mailboxes.open_count:
            await asyncio.sleep(0.01)
        async with connected(server, SEARCH):
            pass


async def test_R_STR_9_a_client_that_takes_nothing_is_let_go(
    server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "SLOW_S", 0.05)

    async def never(*_: Any) -> None:
        await asyncio.sleep(3600)

    async with connected(server, SEARCH) as websocket:
        monkeypatch.setattr(connection_module, "send_text", never)
        await websocket.send(b"x")
        assert await closing(websocket) == (4008, "slow_consumer")


async def test_R_STR_9_the_server_says_that_it_stops(server: StreamServer) -> None:
    async with connected(server, SEARCH) as websocket:
        server.platform.live.close()
        assert await closing(websocket) == (1012, "server_stops")


async def test_R_ACC_4_a_live_search_is_recorded_when_it_begins_and_with_whom_it_found(
    server: StreamServer, astronaut_photo: bytes, astronaut: bytes
) -> None:
    await enrolled(server, astronaut_photo, "Eileen", "e1")
    async with connected(server, SEARCH) as websocket:
        await websocket.send(astronaut)
        await heard(websocket, "result")
        begun = await recorded(server)
        assert [(entry["status"], entry["detail"]["pack"]) for entry in begun] == [(101, "dlib@1")]
        assert begun[0]["actor"]["name"] == "server.api_key"
    while len(entries := await recorded(server)) < 2:
        await asyncio.sleep(0.01)
    detail = entries[-1]["detail"]
    assert (detail["frames"], [one["person_id"] for one in detail["persons"]]) == (1, ["e1"])
    assert "Eileen" not in json.dumps(entries)


async def recorded(server: StreamServer) -> list[Message]:
    """Oldest first."""
    answer = await server.client.get("/api/v1/audit", params={"action": "face.live_search"})
    assert answer.status_code == 200, answer.text
    return answer.json()["events"][::-1]


async def test_R_STR_9_liveness_is_judged_where_the_address_asks_for_it(
    settings_for: Callable[..., Settings], kit_packs: Path, home: Path, astronaut_photo: bytes, astronaut: bytes
) -> None:
    shutil.copytree(kit_packs, home / "packs")
    settings = settings_for(server__api_key=API_KEY, packs__default="kit", liveness__threshold=0.999999, **UNLIMITED)
    async with serving_streams(settings) as server:
        await enrolled(server, astronaut_photo, "Eileen", "e1")
        for mode, name, is_live in (("off", "Eileen", None), ("observe", "Eileen", False), ("enforce", None, False)):
            async with connected(server, f"{SEARCH}?liveness_mode={mode}") as websocket:
                await websocket.send(astronaut)
                [face] = (await heard(websocket, "result"))["faces"]
                assert (face["name"], face["is_live"]) == (name, is_live), mode
