"""Streams and the delivery of their events as `/metrics` shows them."""

import secrets
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from tests.api.calls import enrol
from tests.api.metric_samples import Samples
from tests.api.streams.conftest import OpenStreams
from tests.api.streams.server import PATH, StreamServer
from tests.streams.delivery.broker import ear, require_broker
from tests.streams.delivery.post_office import until
from tests.streams.delivery.receiver import Receiver, receiver

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60), pytest.mark.slow]


@pytest.fixture
def taker() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


async def scrape(server: StreamServer) -> Samples:
    server.platform.instruments.metrics._taken_at = float("-inf")
    answer = await server.client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return Samples(answer.text)


async def test_R_OPS_2_frames_events_viewers_and_ends_of_streams_are_counted(
    open_streams: OpenStreams, astronaut_photo: bytes
) -> None:
    async with open_streams() as server:
        await enrol(server.client, astronaut_photo, name="爱琳", person_id="eileen")
        stream = await server.start("known.mp4", name="Entrance of Eileen", loop=True)
        await server.until_events(stream)
        async with aclosing(server.pictures(stream)) as pictures:
            await anext(pictures)
            running = await scrape(server)
        told = await server.stop(stream)
        after = await scrape(server)
    assert running.of("lianpu_streams", state="running") == running.of("lianpu_streams") == 1
    assert running.of("lianpu_stream_viewers") == 1
    assert running.of("lianpu_stream_frames_total", outcome="published") >= 1
    assert after.of("lianpu_streams") == after.of("lianpu_stream_viewers") == 0
    assert after.of("lianpu_streams_ended_total", reason="stopped") == 1
    # Counters go on where the stream ended.
    for outcome in ("read", "looked_at", "published", "dropped"):
        name = "lianpu_stream_frames_total"
        assert after.of(name, outcome=outcome) >= running.of(name, outcome=outcome)
    assert after.of("lianpu_stream_frames_total", outcome="read") >= 1
    assert after.of("lianpu_stream_frames_total", outcome="looked_at") >= 1
    looked = after.of("lianpu_stage_faces_total", stage="detect", pack="dlib@1")
    assert looked > 1
    assert after.of("lianpu_stream_latency_seconds_count") >= 1
    assert after.of("lianpu_stream_events_total", kind="person_appeared") >= 1
    for private in ("爱琳", "eileen", "Eileen", told["stream_id"], "known.mp4"):
        assert private not in after.text


async def test_R_OPS_2_what_webhooks_took_refused_and_lost_is_counted(
    open_streams: OpenStreams, taker: Receiver
) -> None:
    taker.answers["/away"] = [500]
    settings = {
        "streams__webhooks__networks": ["127.0.0.0/8"],
        "streams__webhooks__max_attempts": 2,
        "streams__webhooks__first_wait_s": 0.01,
        "streams__webhooks__longest_wait_s": 0.02,
    }
    async with open_streams(**settings) as server:
        for path in ("/there", "/away"):
            answer = await server.client.post(f"{PATH}/webhooks", json={"url": taker.url(path), "name": "Bell"})
            assert answer.status_code == 201
        stream = await server.start("both.mp4")
        await server.until(stream, lambda one: one["state"] == "ended")
        count = len(await server.events(stream))
        assert count > 0
        outcomes = server.platform.delivery.dispatcher.outcomes
        await until(lambda: outcomes["delivered"] == outcomes["dead"] == count)
        found = await scrape(server)
    name = "lianpu_webhook_deliveries_total"
    assert {outcome: found.of(name, outcome=outcome) for outcome in ("delivered", "failed", "dead")} == {
        "delivered": count,
        "failed": count,
        "dead": count,
    }
    assert found.of("lianpu_webhook_dead_letters") == count
    assert found.of("lianpu_webhook_waiting") == 0
    assert "127.0.0.1" not in found.text


async def test_R_OPS_2_the_broker_is_told_of_as_connected_and_what_it_took(open_streams: OpenStreams) -> None:
    require_broker()
    word = f"test-{secrets.token_hex(6)}"
    settings = {
        "streams__mqtt__host": "127.0.0.1",
        "streams__mqtt__prefix": f"{word}/lianpu",
        "streams__mqtt__discovery_prefix": f"{word}/homeassistant",
    }
    with ear(f"{word}/#") as home:
        async with open_streams(**settings) as server:
            mqtt = server.platform.delivery.mqtt
            assert mqtt is not None
            await until(lambda: mqtt.state.is_connected)
            before = await scrape(server)
            stream = await server.start("nobody.mp4", loop=True)
            await until(lambda: home.all_of(f"{word}/lianpu/streams/{stream['stream_id']}/running")[-1:] == ["ON"])
            after = await scrape(server)
            await server.stop(stream)
        assert home.client is not None
        home.client.publish(f"{word}/lianpu/status", b"", qos=1, retain=True).wait_for_publish(5)
    assert before.of("lianpu_mqtt_connected") == after.of("lianpu_mqtt_connected") == 1
    assert after.of("lianpu_mqtt_published_total") > before.of("lianpu_mqtt_published_total")
    assert after.of("lianpu_mqtt_left_out_total") == 0


async def test_R_OPS_2_without_a_broker_nothing_is_said_of_one(server: StreamServer) -> None:
    found = await scrape(server)
    assert "lianpu_mqtt_connected" in found.families
    assert found.families["lianpu_mqtt_connected"].samples == []
