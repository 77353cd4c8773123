"""R-STR 1, 5, 6, 8 over HTTP: streams are started and watched, people named, events kept and cleared away."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from lianpu.engines.image import decode_image
from lianpu.streams import following as following_module
from lianpu.streams import router as router_module
from tests.api.calls import enrol
from tests.api.logins import PASSWORD, bearer, create_user
from tests.api.streams.conftest import SIDE, OpenStreams
from tests.api.streams.server import PATH, StreamServer, code_of

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60), pytest.mark.slow]


async def test_R_STR_1_a_known_face_is_named_in_events_and_in_the_list(
    server: StreamServer, astronaut_photo: bytes
) -> None:
    await enrol(server.client, astronaut_photo, name="爱琳", person_id="eileen")
    stream = await server.start("known.mp4", name="Door", loop=True, lifetime_minutes=10)
    assert (stream["state"], stream["end_reason"], stream["name"]) == ("connecting", None, "Door")
    assert stream["detect_every"] == server.platform.settings.streams.detect_every

    (event,) = await server.until_events(stream, kind="person_appeared")
    assert (event["person_id"], event["person_name"]) == ("eileen", "爱琳")
    assert event["score"] >= 0.7
    crop = await server.client.get(event["crop_url"])
    assert crop.headers["content-type"] == "image/jpeg"
    assert max(decode_image(crop.content).pixels.shape) == 160

    listed = (await server.client.get(PATH)).json()
    assert listed["active_streams_count"] == len(listed["streams"]) == 1
    (shown,) = listed["streams"]
    assert (shown["stream_id"], shown["state"], shown["lifetime_minutes"]) == (stream["stream_id"], "running", 10)
    assert shown["health"]["persons"] == 1
    assert shown["health"]["source_fps"] > 0 < shown["health"]["processed_fps"]
    assert shown["health"]["latency_p50_ms"] > 0

    over = await server.stop(stream)
    assert (over["state"], over["end_reason"], over["health"], over["feed_url"]) == ("ended", "stopped", None, None)
    assert [one["kind"] for one in await server.events(stream)] == ["person_appeared", "person_left"]
    listed = (await server.client.get(PATH, params={"ended": True})).json()
    assert (listed["active_streams_count"], listed["streams"]) == (0, [])
    assert [one["stream_id"] for one in listed["ended"]] == [stream["stream_id"]]
    # Once more is no mistake.
    assert (await server.stop(stream))["end_reason"] == "stopped"


async def test_R_STR_8_events_come_newest_first_by_pages_and_filters(
    server: StreamServer, astronaut_photo: bytes
) -> None:
    await enrol(server.client, astronaut_photo, name="Eileen", person_id="eileen")
    stream = await server.start("both.mp4")
    await server.until(stream, lambda one: one["state"] == "ended")
    events = await server.events(stream)
    kinds = [(event["kind"], event["person_id"]) for event in events]
    assert kinds[0] == ("person_appeared", "eileen")
    assert sorted(kinds) == sorted(
        [
            ("person_appeared", "eileen"),
            ("person_left", "eileen"),
            ("unknown_appeared", None),
            ("unknown_left", None),
        ]
    )
    assert [event["kind"] for event in await server.events(stream, person_id="eileen")] == [
        "person_appeared",
        "person_left",
    ]
    paged: list[str] = []
    cursor = None
    while True:
        query = {"limit": 1} if cursor is None else {"limit": 1, "cursor": cursor}
        page = (await server.client.get(f"{PATH}/{stream['stream_id']}/events", params=query)).json()
        paged += [event["event_id"] for event in page["events"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert paged == [event["event_id"] for event in events][::-1]
    elsewhere = await server.client.get(f"{PATH}/{'0' * 36}/events/{events[0]['event_id']}/crop")
    assert code_of(elsewhere) == (404, "stream_not_found")


async def test_R_STR_8_crops_are_kept_only_where_they_are_wanted(
    open_streams: OpenStreams, astronaut_photo: bytes
) -> None:
    async with open_streams(streams__keep_crops=False) as server:
        await enrol(server.client, astronaut_photo, name="Eileen")
        stream = await server.start("known.mp4")
        (event,) = await server.until_events(stream, kind="person_appeared")
        assert event["crop_url"] is None
        assert not (server.platform.settings.home / "streams").exists()


async def test_R_STR_8_events_crops_and_streams_are_kept_for_a_while(
    server: StreamServer, astronaut_photo: bytes
) -> None:
    await enrol(server.client, astronaut_photo, name="Eileen")
    old, new = await server.start("known.mp4"), await server.start("known.mp4", loop=True)
    for stream in (old, new):
        await server.until_events(stream, kind="person_appeared")
    await server.stop(old)
    home = server.platform.settings.home
    with sqlite3.connect(home / "lianpu.db") as connection:
        month = "datetime('now', '-31 days')"
        connection.execute(f"UPDATE stream_events SET at = {month} WHERE stream_id = ?", (old["stream_id"],))
        connection.execute(f"UPDATE streams SET ended_at = {month} WHERE id = ?", (old["stream_id"],))
    clearing = asyncio.create_task(server.platform.streams.events.run_clearing())
    while (await server.client.get(f"{PATH}/{old['stream_id']}")).status_code != 404:
        await asyncio.sleep(0.02)
    clearing.cancel()
    kept = await server.events(new)
    crops = {file.stem for file in (home / "streams" / "crops").rglob("*.jpg")}
    assert crops == {event["event_id"] for event in kept if event["crop_url"] is not None} != set()
    assert all(any(folder.iterdir()) for folder in (home / "streams" / "crops").iterdir())


async def test_R_STR_1_detection_is_paused_and_resumed(
    server: StreamServer, astronaut_photo: bytes, calls: dict[str, int]
) -> None:
    await enrol(server.client, astronaut_photo, name="Eileen")
    stream = await server.start("known.mp4", loop=True, detect_every=1)
    path = f"{PATH}/{stream['stream_id']}"
    assert (await server.client.post(f"{path}/pause")).json()["stream"]["detection_paused"] is True
    picture = await server.client.get(f"{path}/snapshot")
    assert decode_image(picture.content).pixels.shape == (SIDE, SIDE, 3)
    # What was on its way is through.
    looked = calls["looked"]
    for _ in range(5):
        await server.client.get(f"{path}/snapshot")
    assert calls["looked"] == looked
    assert (await server.client.post(f"{path}/resume")).json()["stream"]["detection_paused"] is False
    await server.until_events(stream, kind="person_appeared")
    await server.stop(stream)
    for call in ("pause", "resume", "extend", "snapshot"):
        method = "GET" if call == "snapshot" else "POST"
        body = {"lifetime_minutes": 1} if call == "extend" else None
        assert code_of(await server.client.request(method, f"{path}/{call}", json=body)) == (409, "stream_state")


async def test_R_STR_1_the_feed_works_in_a_plain_img_and_draws_boxes(
    server: StreamServer, astronaut_photo: bytes, clips: Path
) -> None:
    await enrol(server.client, astronaut_photo, name="Eileen")
    stream = await server.start("known.mp4", loop=True)
    await server.until_events(stream, kind="person_appeared")
    seen: list[bytes] = []
    async for jpeg in server.pictures(await server.get(stream)):
        seen.append(jpeg)
        if len(seen) == 5:
            break
    drawn = decode_image(seen[-1]).pixels.astype(int)
    assert drawn.shape == (SIDE, SIDE, 3)
    # The box of a known face is green, and nothing in the clip is.
    green = (drawn[..., 1] - drawn[..., 0] > 60) & (drawn[..., 1] - drawn[..., 2] > 60)
    assert green.sum() > 100
    await server.until(stream, lambda one: one["health"]["viewers"] == 0)

    feed = f"{PATH}/feed/{stream['stream_id']}"
    assert code_of(await server.nobody.get(feed)) == (401, "authentication_required")
    assert code_of(await server.nobody.get(stream["feed_url"] + "0")) == (403, "signature_invalid")
    await server.stop(stream)
    assert code_of(await server.nobody.get(stream["feed_url"])) == (409, "stream_state")


async def test_R_ACC_1_who_may_no_longer_watch_does_not(server: StreamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router_module, "CHECKED_EVERY_S", 0.0)
    user_id = await create_user(server.client, "ada")
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    login = await server.nobody.post("/api/v1/users/token", data=form)
    stream = await server.start("nobody.mp4", loop=True)
    answer = await server.nobody.get(f"{PATH}/{stream['stream_id']}", headers=bearer(login.json()["access_token"]))
    assert answer.status_code == 200, answer.text
    pictures = server.pictures(answer.json()["stream"])
    await anext(pictures)
    assert (await server.client.delete(f"/api/v1/users/{user_id}")).is_success
    # The stream goes on, and would for ever.
    async for _ in pictures:
        pass
    assert (await server.get(stream))["state"] == "running"


async def test_R_STR_6_one_picture_is_drawn_and_encoded_however_many_watch(
    server: StreamServer, calls: dict[str, int]
) -> None:
    stream = await server.start("known.mp4", loop=True)
    await server.until(stream, lambda one: one["health"]["processed_fps"] > 1)
    assert calls["drawn"] == 0, "nobody watches"

    async def watch() -> set[bytes]:
        seen: set[bytes] = set()
        async for jpeg in server.pictures(stream):
            seen.add(jpeg)
            if len(seen) == 8:
                break
        return seen

    seen = await asyncio.gather(*(watch() for _ in range(25)))
    runner = await server.platform.streams.runner(stream["stream_id"])
    assert calls["drawn"] >= runner.broadcast.published_total
    assert len(set().union(*seen)) <= calls["drawn"] < 25 * 8 / 2
    await server.until(stream, lambda one: one["health"]["viewers"] == 0)
    assert (await server.get(stream))["state"] == "running", "a viewer's leaving ends only the viewing"


async def test_R_STR_5_what_cannot_be_looked_at_in_time_is_dropped_and_counted(server: StreamServer) -> None:
    stream = await server.start("known.mp4", loop=True, paced=False, detect_every=1)
    found = await server.until(stream, lambda one: one["health"]["dropped_total"] > 100)
    assert found["health"]["processed_fps"] < found["health"]["source_fps"]
    assert (await server.client.get("/health")).status_code == 200


async def test_R_LIB_2_who_is_deleted_while_in_the_picture_is_named_no_longer(
    open_streams: OpenStreams, astronaut_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_module, "FOLLOWING_S", 0.05)
    async with open_streams() as server:
        await enrol(server.client, astronaut_photo, name="Eileen", person_id="eileen")
        stream = await server.start("known.mp4", loop=True)
        await server.until_events(stream, kind="person_appeared")
        runner = await server.platform.streams.runner(stream["stream_id"])
        assert {person.name for person in runner.persons} == {"Eileen"}
        await server.client.delete("/api/v1/faces/eileen")
        while {person.name for person in runner.persons} != {None}:
            await asyncio.sleep(0.02)
