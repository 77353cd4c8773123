"""R-STR-8 over HTTP: what a stream really sees goes to webhooks and to Home Assistant, as those say who may."""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.calls import enrol
from tests.api.logins import bearer, create_user, log_in
from tests.api.streams.conftest import OpenStreams
from tests.api.streams.server import PATH, StreamServer, code_of
from tests.streams.delivery.broker import ear, kept, require_broker
from tests.streams.delivery.post_office import until
from tests.streams.delivery.receiver import Receiver, receiver
from tests.streams.delivery.test_delivering import is_signed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60), pytest.mark.slow]
WEBHOOKS = f"{PATH}/webhooks"
LOOPBACK = {"streams__webhooks__networks": ["127.0.0.0/8"]}


@pytest.fixture
def taker() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


async def create(server: StreamServer, **fields: Any) -> tuple[dict[str, Any], str]:
    answer = await server.client.post(WEBHOOKS, json=fields)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["webhook"], answer.json()["secret"]


async def test_R_STR_8_who_is_seen_is_posted_and_the_secret_is_shown_once(
    open_streams: OpenStreams, taker: Receiver, astronaut_photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_streams(**LOOPBACK) as server:
        webhook, secret = await create(server, url=taker.url("/faces"), name="Bell", with_crop=True)
        await enrol(server.client, astronaut_photo, name="爱琳", person_id="eileen")
        stream = await server.start("both.mp4", name="Door")
        await server.until(stream, lambda one: one["state"] == "ended")
        events = await server.events(stream)
        await until(lambda: len(taker.posts) == 4)
        assert all(is_signed(post, secret) for post in taker.posts)
        messages = [json.loads(post.body) for post in taker.posts]
        shown = {event["event_id"]: {**event, "stream_name": "Door"} for event in events}
        for message in messages:
            crop = message.pop("crop")
            assert message == shown[message["event_id"]]
            assert (crop is None) == (message["crop_url"] is None)
        assert messages[0]["person_name"] == "爱琳"

        path = f"{WEBHOOKS}/{webhook['webhook_id']}"
        log = (await server.client.get(f"{path}/deliveries")).json()["deliveries"]
        assert [(one["delivered"], one["status"], one["attempt"]) for one in log] == [(True, 204, 1)] * 4
        tested = (await server.client.post(f"{path}/test")).json()
        assert (tested["delivered"], tested["status"], tested["error"]) == (True, 204, None)
        everything = [await server.client.get(one) for one in (WEBHOOKS, path, f"{path}/deliveries", "/api/v1/audit")]
        assert not any(secret in answer.text for answer in everything)
        recorded = everything[-1].json()["events"]
        made = next(one for one in recorded if one["action"] == "webhook.create")
        assert (made["target"], made["detail"]["host"]) == (webhook["webhook_id"], "127.0.0.1")
        home = server.platform.settings.home
    for file in home.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file
    assert secret not in caplog.text


async def test_R_STR_8_endpoints_are_made_changed_disabled_and_removed(
    open_streams: OpenStreams, taker: Receiver
) -> None:
    async with open_streams(**LOOPBACK, streams__webhooks__max_endpoints=1) as server:
        client = server.client
        webhook, secret = await create(server, url=taker.url("/"), kinds=["person_left"], person_ids=["p1"])
        assert webhook == {
            "webhook_id": webhook["webhook_id"],
            "name": "",
            "url": taker.url("/"),
            "kinds": ["person_left"],
            "stream_ids": [],
            "person_ids": ["p1"],
            "with_crop": False,
            "active": True,
            "disabled_reason": None,
            "failing_since": None,
            "delivered_at": None,
            "created_at": webhook["created_at"],
            "waiting": 0,
            "dead": 0,
        }
        path = f"{WEBHOOKS}/{webhook['webhook_id']}"
        assert code_of(await client.post(WEBHOOKS, json={"url": taker.url("/")})) == (409, "too_many_webhooks")
        changed = await client.patch(path, json={"name": "Bell", "kinds": [], "active": False})
        assert changed.json()["webhook"] == {**webhook, "name": "Bell", "kinds": [], "active": False}
        retry = await client.post(f"{path}/dead-letters/retry", json={})
        assert code_of(retry) == (409, "webhook_state")
        renewed = (await client.post(f"{path}/secret")).json()["secret"]
        assert renewed != secret
        await client.post(f"{path}/test")
        assert is_signed(taker.posts[-1], renewed)
        await client.patch(path, json={"active": True})
        assert (await client.post(f"{path}/dead-letters/retry", json={})).json()["count"] == 0
        assert (await client.delete(f"{path}/dead-letters")).json()["count"] == 0
        assert (await client.get(f"{path}/dead-letters")).json()["dead_letters"] == []
        assert code_of(await client.get(f"{path}/dead-letters", params={"cursor": "x"})) == (422, "cursor_invalid")
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(WEBHOOKS)).json()["webhooks"] == []
        for method, tail in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/test"),
            ("GET", "/deliveries"),
            ("POST", "/secret"),
        ):
            assert code_of(await client.request(method, path + tail)) == (404, "webhook_not_found")
        assert code_of(await client.patch(path, json={})) == (404, "webhook_not_found")


async def test_R_STR_8_dead_letters_are_looked_at_retried_and_purged_over_http(
    open_streams: OpenStreams, taker: Receiver
) -> None:
    taker.answers["/"] = [500]
    async with open_streams(**LOOPBACK, streams__webhooks__max_attempts=1) as server:
        webhook, _ = await create(server, url=taker.url("/"))
        path = f"{WEBHOOKS}/{webhook['webhook_id']}"
        stream = await server.start("both.mp4")
        await server.until(stream, lambda one: one["state"] == "ended")
        events = await server.events(stream)
        await until(lambda: _dead(server, path, len(events)))
        first = (await server.client.get(f"{path}/dead-letters", params={"limit": 1})).json()
        assert first["dead_letters"][0]["event_id"] == events[-1]["event_id"]
        assert first["dead_letters"][0]["error"] == "It answers with the status 500."
        rest = await server.client.get(f"{path}/dead-letters", params={"cursor": first["next_cursor"]})
        ids = [one["event_id"] for one in rest.json()["dead_letters"]]
        assert ids == [event["event_id"] for event in reversed(events[:-1])]

        taker.answers["/"] = [204]
        taker.posts.clear()
        retried = await server.client.post(f"{path}/dead-letters/retry", json={"event_ids": ids[:1]})
        assert retried.json()["count"] == 1
        await until(lambda: [json.loads(post.body)["event_id"] for post in taker.posts] == ids[:1])
        purged = await server.client.delete(f"{path}/dead-letters", params={"event_id": [ids[0], ids[1]]})
        assert purged.json()["count"] == 1
        assert (await server.client.delete(f"{path}/dead-letters")).json()["count"] == len(events) - 2


async def test_R_STR_8_no_private_address_unless_it_is_allowed(open_streams: OpenStreams, taker: Receiver) -> None:
    async with open_streams() as server:
        for url in (
            taker.url("/"),
            taker.url("/", "localhost"),
            "http://169.254.169.254/",
            "file:///etc/passwd",
            "http://[",
        ):
            assert code_of(await server.client.post(WEBHOOKS, json={"url": url})) == (422, "webhook_refused"), url
        assert (await server.client.get(WEBHOOKS)).json()["webhooks"] == []
    async with open_streams(**LOOPBACK) as server:
        webhook, _ = await create(server, url=taker.url("/"))
        path = f"{WEBHOOKS}/{webhook['webhook_id']}"
        assert code_of(await server.client.patch(path, json={"url": "http://["})) == (422, "webhook_refused")
    # Allowed no longer: what was made then is not posted to now.
    async with open_streams() as server:
        tested = (await server.client.post(f"{path}/test")).json()
        assert (tested["delivered"], tested["status"]) == (False, None)
        assert "streams.webhooks.networks" in tested["error"]
    assert taker.posts == []


async def test_R_ACC_2_who_only_watches_cannot_send_events_anywhere(open_streams: OpenStreams) -> None:
    async with open_streams() as server:
        await create_user(server.client, "vera", role="viewer")
        viewer = bearer((await log_in(server.nobody, "vera")).access_token)
        answer = await server.nobody.post(WEBHOOKS, json={"url": "https://house.example/"}, headers=viewer)
        assert code_of(answer) == (403, "scope_missing")
        assert code_of(await server.nobody.get(f"{PATH}/mqtt", headers=viewer)) == (403, "scope_missing")


async def test_R_STR_8_home_assistant_sees_a_real_stream_come_and_go(
    open_streams: OpenStreams, astronaut_photo: bytes
) -> None:
    require_broker()
    word = f"test-{secrets.token_hex(6)}"
    settings = {
        "streams__mqtt__host": "127.0.0.1",
        "streams__mqtt__prefix": f"{word}/lianpu",
        "streams__mqtt__discovery_prefix": f"{word}/homeassistant",
    }
    with ear(f"{word}/#") as home:
        async with open_streams(**settings) as server:
            await until(lambda: _connected(server))
            await enrol(server.client, astronaut_photo, name="爱琳", person_id="eileen")
            stream = await server.start("known.mp4", name="Door", loop=True)
            root = f"{word}/lianpu/streams/{stream['stream_id']}"
            await until(lambda: home.all_of(f"{root}/running")[-1:] == ["ON"])
            await until(lambda: home.all_of(f"{root}/person")[-1:] == ["爱琳"])
            [heard] = await until(lambda: home.all_of(f"{root}/events"))
            [event] = await server.events(stream)
            assert json.loads(heard) == {**event, "event_type": "person_appeared", "stream_name": "Door"}
            await server.stop(stream)
            await until(lambda: not any(stream["stream_id"] in topic for topic in kept(f"{word}/#")))
            permanent = await server.start("nobody.mp4", loop=True, permanent=True)
            running = f"{word}/lianpu/streams/{permanent['stream_id']}/running"
            await until(lambda: home.all_of(running)[-1:] == ["ON"])
        left = kept(f"{word}/#")
        assert (left[f"{word}/lianpu/status"], left[running]) == ("offline", "OFF")
        async with open_streams(**settings) as server:
            await until(lambda: home.all_of(running)[-1:] == ["ON"])
            await server.stop(permanent)
        assert home.client is not None
        assert set(kept(f"{word}/#")) == {f"{word}/lianpu/status"}
        home.client.publish(f"{word}/lianpu/status", b"", qos=1, retain=True).wait_for_publish(5)


async def test_R_STR_8_without_a_broker_it_is_said_so(server: StreamServer) -> None:
    answer = (await server.client.get(f"{PATH}/mqtt")).json()
    assert (answer["configured"], answer["connected"], answer["problem"]) == (False, False, None)


def test_R_STR_8_every_call_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "streams-delivery.md").read_text(encoding="utf-8")
    access = (Path(__file__).parents[3] / "docs" / "access.md").read_text(encoding="utf-8")
    calls = re.findall(r"`(\w+ /api/v1/stream/(?:webhooks|mqtt)[^`]*)`", access)
    assert len(calls) == 12
    for call in calls:
        method, path = call.replace("{webhook_id}", "{id}").split(" ")
        assert f"`{method} {path}`" in page or (call.endswith("webhooks/{webhook_id}") and "…/{id}`" in page), call


async def _dead(server: StreamServer, path: str, count: int) -> bool:
    return (await server.client.get(path)).json()["webhook"]["dead"] == count


async def _connected(server: StreamServer) -> bool:
    return (await server.client.get(f"{PATH}/mqtt")).json()["connected"]
