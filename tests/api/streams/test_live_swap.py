"""R-SWP 2-4: a face on a running stream: labelled frames alone, seen by who started it, gone with the consent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import numpy as np
import pytest

from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.engines.provenance.visible_label import FOUND_LEAST, VisibleLabel
from lianpu.engines.provenance.watermark import read
from tests.api.calls import enrol
from tests.api.logins import PASSWORD, TOKEN, bearer, create_user
from tests.api.streams.conftest import OpenStreams
from tests.api.streams.server import StreamServer
from tests.api.swap.conftest import CONSENTS, EVIDENCE, grant

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
LIVE = "/api/v1/swap/live"
NOBODY = "00000000-0000-7000-8000-000000000000"


class FakeCamera:
    """What a virtual camera is to whoever sends pictures to it."""

    name = "/dev/video-of-a-test"

    def __init__(self) -> None:
        self.pictures: list[Any] = []
        self.is_closed = False

    def show(self, picture: Any) -> None:
        self.pictures.append(picture)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
async def server(open_streams: OpenStreams) -> AsyncIterator[StreamServer]:
    async with open_streams(swap__enabled=True) as one:
        yield one


@pytest.fixture
async def mine(server: StreamServer, portraits: list[bytes]) -> AsyncIterator[httpx2.AsyncClient]:
    await enrol(server.client, portraits[0], name="Zhang San", person_id="source")
    await grant(server.client, await create_user(server.client, "swapper"), "swap")
    async with as_user(server, "swapper") as one:
        yield one


@asynccontextmanager
async def as_user(server: StreamServer, name: str) -> AsyncIterator[httpx2.AsyncClient]:
    fields = {"grant_type": "password", "username": name, "password": PASSWORD}
    token = (await server.nobody.post(TOKEN, data=fields)).json()["access_token"]
    async with httpx2.AsyncClient(base_url=server.client.base_url, headers=bearer(token), timeout=120) as one:
        yield one


async def consent(server: StreamServer, **fields: Any) -> dict[str, Any]:
    body = {
        "person_id": "source",
        "grantor": "Zhang San",
        "purpose": "film-dubbing",
        "scopes": ["live"],
        "valid_until": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "evidence_sha256": EVIDENCE,
        "evidence_name": "consent.pdf",
        **fields,
    }
    return (await server.client.post(CONSENTS, json=body)).json()["consent"]


async def begun(mine: httpx2.AsyncClient, stream: dict[str, Any], given: dict[str, Any], **fields: Any) -> Any:
    body = {"stream_id": stream["stream_id"], "consent_id": given["consent_id"], "purpose": given["purpose"], **fields}
    return await mine.post(LIVE, json=body)


async def until(mine: httpx2.AsyncClient, live_id: str, **wanted: Any) -> dict[str, Any]:
    for _ in range(600):
        shown = (await mine.get(f"{LIVE}/{live_id}")).json()["live_swap"]
        if all(shown[name] == value for name, value in wanted.items()):
            return shown
        await asyncio.sleep(0.05)
    raise AssertionError(shown)


async def test_R_SWP_4_every_frame_that_is_watched_carries_its_labels(
    server: StreamServer, mine: httpx2.AsyncClient, clips: Any
) -> None:
    stream = await server.start(str(clips / "known.mp4"), loop=True)
    started = await begun(mine, stream, await consent(server))
    assert started.status_code == 201, started.text
    live = started.json()["live_swap"]
    async with server.nobody.stream("GET", live["feed_url"]) as feed:
        assert feed.status_code == 200
        data = b""
        async for chunk in feed.aiter_bytes():
            data += chunk
            if data.count(b"Content-Type: image/jpeg") >= 9:
                break
    parts = data.split(b"Content-Type: image/jpeg\r\n")[1:-1]
    jpegs = [part.partition(b"\r\n\r\n")[2].partition(b"\r\n--frame")[0] for part in parts]
    pictures = [decode_image(jpeg).pixels for jpeg in jpegs]
    label = VisibleLabel()
    assert all(label.find(picture) >= FOUND_LEAST for picture in pictures)
    reading = read(pictures)
    assert reading is not None
    found = await server.client.post("/api/v1/provenance/verify", files={"file": ("f.jpg", jpeg_of(pictures[0]))})
    assert "visible" in found.json()["survived"]
    shown = await until(mine, live["live_id"], state="running")
    assert shown["frames_with_a_face"] > 0
    # The stream's own pictures are as they were.
    snapshot = (await server.client.get(f"/api/v1/stream/{stream['stream_id']}/snapshot")).content
    assert label.find(decode_image(snapshot).pixels) < FOUND_LEAST
    async with another(server) as other:
        assert (await other.get(f"{LIVE}/{live['live_id']}")).json()["code"] == "live_swap_not_found"
        assert (await other.post(f"{LIVE}/{live['live_id']}/stop")).json()["code"] == "live_swap_not_found"
        assert (await other.get(LIVE)).json()["live_swaps"] == []
    stopped = (await mine.post(f"{LIVE}/{live['live_id']}/stop")).json()["live_swap"]
    assert (stopped["state"], stopped["end_reason"], stopped["feed_url"]) == ("ended", "stopped", None)
    assert (await server.get(stream))["end_reason"] is None
    events = (await server.client.get("/api/v1/audit", params={"action": "swap.live_end"})).json()["events"]
    assert [(event["target"], event["detail"]["reason"]) for event in events] == [(live["live_id"], "stopped")]
    await server.stop(stream)


async def test_R_SWP_3_revoking_the_consent_ends_a_live_swap_at_once(
    server: StreamServer, mine: httpx2.AsyncClient, clips: Any
) -> None:
    stream = await server.start(str(clips / "known.mp4"), loop=True)
    given = await consent(server)
    live = (await begun(mine, stream, given)).json()["live_swap"]
    await until(mine, live["live_id"], state="running")
    broadcast = server.platform.swap.live._running[live["live_id"]].broadcast
    await server.client.post(f"{CONSENTS}/{given['consent_id']}/revoke", json={})
    count = broadcast.published_total
    shown = await until(mine, live["live_id"], state="ended")
    assert shown["end_reason"] == "consent_lost"
    await asyncio.sleep(0.3)
    assert broadcast.published_total == count, "not one frame after the answer to the revocation"
    refused = await begun(mine, stream, given)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_revoked")
    await server.stop(stream)


async def test_R_SWP_3_a_consent_that_another_process_revokes_or_that_ends_is_noticed(
    server: StreamServer, mine: httpx2.AsyncClient, clips: Any
) -> None:
    stream = await server.start(str(clips / "known.mp4"), loop=True)
    given = await consent(server)
    live = (await begun(mine, stream, given)).json()["live_swap"]
    await until(mine, live["live_id"], state="running")
    # By the table alone, as another process would.
    server.platform.swap.consents._listeners.clear()
    moment = (datetime.now(UTC) + timedelta(seconds=0.1)).isoformat()
    assert (
        await server.client.patch(f"{CONSENTS}/{given['consent_id']}", json={"valid_until": moment})
    ).status_code == 200
    shown = await until(mine, live["live_id"], state="ended")
    assert shown["end_reason"] == "consent_lost"
    await server.stop(stream)


async def test_R_SWP_5_labelled_frames_go_to_the_virtual_camera_too(
    server: StreamServer, mine: httpx2.AsyncClient, clips: Any
) -> None:
    camera = FakeCamera()
    server.platform.swap.live._open_camera = lambda: camera
    stream = await server.start(str(clips / "known.mp4"), loop=True)
    live = (await begun(mine, stream, await consent(server), virtual_camera=True)).json()["live_swap"]
    shown = await until(mine, live["live_id"], state="running")
    while len(camera.pictures) < 3:
        await asyncio.sleep(0.05)
    assert shown["virtual_camera"] == camera.name
    await mine.post(f"{LIVE}/{live['live_id']}/stop")
    assert camera.is_closed
    label = VisibleLabel()
    assert all(label.find(np.asarray(picture)) >= FOUND_LEAST for picture in camera.pictures)
    await server.stop(stream)


async def test_R_SWP_5_without_a_virtual_camera_the_swap_says_why_it_ended(
    server: StreamServer, mine: httpx2.AsyncClient, clips: Any
) -> None:
    stream = await server.start(str(clips / "known.mp4"), loop=True)
    live = (await begun(mine, stream, await consent(server), virtual_camera=True)).json()["live_swap"]
    shown = await until(mine, live["live_id"], state="failed")
    assert shown["end_reason"] == "error"
    assert shown["end_detail"]
    await server.stop(stream)


async def test_R_SWP_2_a_live_swap_ends_with_its_stream_and_no_more_run_than_may(
    server: StreamServer, mine: httpx2.AsyncClient, clips: Any
) -> None:
    stream = await server.start(str(clips / "known.mp4"), loop=True)
    given = await consent(server)
    first = (await begun(mine, stream, given)).json()["live_swap"]
    second = (await begun(mine, stream, given)).json()["live_swap"]
    third = await begun(mine, stream, given)
    assert (third.status_code, third.json()["code"]) == (409, "too_many_live_swaps")
    await server.stop(stream)
    for live in (first, second):
        assert (await until(mine, live["live_id"], state="ended"))["end_reason"] == "stream_ended"
    assert (await begun(mine, stream, given)).json()["code"] == "stream_state"
    assert (await begun(mine, {"stream_id": NOBODY}, given)).json()["code"] == "stream_not_found"
    for_photos = await consent(server, scopes=["image"])
    assert (await begun(mine, stream, for_photos)).json()["code"] == "consent_scope"


def jpeg_of(picture: Any) -> bytes:
    return encode_jpeg(picture, 95)


@asynccontextmanager
async def another(server: StreamServer) -> AsyncIterator[httpx2.AsyncClient]:
    await grant(server.client, await create_user(server.client, "other"), "swap")
    async with as_user(server, "other") as one:
        yield one
