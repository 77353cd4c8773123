"""R-STR-8: Home Assistant finds streams on a real MQTT broker, hears their events, and is told when they are gone."""

import asyncio
import json
import secrets
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lianpu.streams.delivery.mqtt import publisher as publisher_module
from lianpu.streams.delivery.mqtt.connection import BrokerAddress
from lianpu.streams.delivery.mqtt.discovery import Topics
from lianpu.streams.delivery.mqtt.publisher import MqttPublisher
from lianpu.streams.event_log import EventLog
from lianpu.streams.events import EventKind
from lianpu.streams.health import StreamHealth, StreamState
from lianpu.streams.models import Stream
from lianpu.streams.records import StreamOptions, StreamRecord
from lianpu.streams.shedding import Decoded
from tests.streams.delivery.broker import PORT, Ear, ear, kept, line, own_broker, require_broker
from tests.streams.delivery.post_office import PostOffice, noticed, post_office, until
from tests.streams.delivery.test_destinations import certificate

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "STATE_S", 0.02)
    monkeypatch.setattr(publisher_module, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(publisher_module, "LONGEST_WAIT_S", 0.05)


@pytest.fixture
def topics() -> Iterator[Topics]:
    """Of this test alone; afterwards the broker keeps nothing of them."""
    require_broker()
    word = f"test-{secrets.token_hex(6)}"
    found = Topics(f"{word}/lianpu", f"{word}/homeassistant")
    yield found
    with ear(f"{word}/#") as one:
        assert one.client is not None
        for topic in kept(f"{word}/#"):
            one.client.publish(topic, b"", qos=1, retain=True).wait_for_publish(5)
    assert kept(f"{word}/#") == {}


def everything(topics: Topics) -> str:
    return topics.status.partition("/")[0] + "/#"


@dataclass
class RunningStreams:
    """Stands in for streams that run: what they are like is said by the test."""

    events: EventLog
    states: dict[str, StreamState] = field(default_factory=dict)
    rows: dict[str, Stream] = field(default_factory=dict)

    async def everywhere(self) -> list[StreamRecord]:
        return [
            StreamRecord(
                row,
                StreamHealth(self.states[row.id], None, 0, 0, 0, 0, 0, 0, 0, 0, 3, None, Decoded.ALL),
                StreamOptions(),
            )
            for row in self.rows.values()
        ]


@dataclass
class Station:
    office: PostOffice
    streams: RunningStreams
    publisher: MqttPublisher
    running: "asyncio.Task[None]"

    async def start(self, name: str = "Gate", *, is_permanent: bool = False) -> str:
        stream_id = await self.office.stream(name)
        async with self.office.database.session() as session:
            row = await session.get(Stream, stream_id)
            assert row is not None
            row.is_permanent = is_permanent
            await session.commit()
        self.streams.states[stream_id] = StreamState.RUNNING
        self.streams.rows[stream_id] = row
        return stream_id

    async def end(self, stream_id: str, *, by_shutdown: bool = False) -> None:
        row = self.streams.rows.pop(stream_id)
        async with self.office.database.session() as session:
            stored = await session.get(Stream, stream_id)
            assert stored is not None
            stored.is_active = by_shutdown and row.is_permanent
            await session.commit()

    async def appear(self, stream_id: str, *persons: str) -> list[str]:
        events = await self.office.events.keep(stream_id, [noticed(person=person) for person in persons])
        return [event.id for event in events]

    async def stop(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


@asynccontextmanager
async def station(
    folder: Path, topics: Topics, *, port: int = PORT, host: str = "127.0.0.1", **address: Any
) -> AsyncIterator[Station]:
    values = {"username": None, "password": None, "tls": False, "ca_file": None, **address}
    async with post_office(folder, works=False) as office:
        streams = RunningStreams(office.events)
        publisher = MqttPublisher(
            BrokerAddress(host, port, **values),
            topics,
            office.database,
            streams,  # type: ignore[arg-type]
        )
        one = Station(office, streams, publisher, asyncio.create_task(publisher.run()))
        try:
            yield one
        finally:
            await one.stop()
    assert [thread.name for thread in threading.enumerate() if "paho" in thread.name and "stream" in thread.name] == []


async def test_R_STR_8_home_assistant_finds_a_stream_as_a_device(tmp_path: Path, topics: Topics) -> None:
    async with station(tmp_path, topics) as one:
        stream_id = await one.start("门口 Gate")
        await one.appear(stream_id, "ann", "安")
        found = await until(lambda: _complete(topics, stream_id))
        configs = {name.split("/")[2]: json.loads(found[name]) for name in topics.retained(stream_id)[:3]}
        running, person, seen = configs["binary_sensor"], configs["sensor"], configs["event"]
        for config in configs.values():
            assert config["availability_topic"] == topics.status
            assert found[config["availability_topic"]] == config["payload_available"] == "online"
            assert config["device"]["identifiers"] == [f"lianpu_{stream_id}"]
            assert (config["device"]["name"], config["device"]["manufacturer"]) == ("门口 Gate", "Lianpu")
            assert config["origin"]["name"] == "Lianpu"
        assert len({config["unique_id"] for config in configs.values()}) == 3
        assert found[running["state_topic"]] == running["payload_on"] == "ON"
        assert (running["device_class"], running["payload_off"]) == ("running", "OFF")
        assert found[person["state_topic"]] == "安"
        attributes = json.loads(found[person["json_attributes_topic"]])
        assert (attributes["person_id"], attributes["score"]) == ("安", 0.9123)
        assert set(seen["event_types"]) == {kind.value for kind in EventKind}
        # Each restart of Home Assistant would be an event else.
        assert seen["state_topic"] not in found
        # It lies where Home Assistant looks for it: <prefix>/<component>/<node>/<object>/config, all of letters that
        # it takes.
        assert topics.config("sensor", stream_id, "person").split("/")[1:] == [
            "homeassistant",
            "sensor",
            f"lianpu_{stream_id}",
            "person",
            "config",
        ]


async def test_R_STR_8_events_are_heard_once_each_and_in_order(tmp_path: Path, topics: Topics) -> None:
    with ear(everything(topics)) as home:
        async with station(tmp_path, topics) as one:
            stream_id = await one.start()
            await until(lambda: one.publisher.state.is_connected)
            ids = await one.appear(stream_id, "ann", "bob")
            [left] = await one.office.events.keep(stream_id, [noticed(EventKind.UNKNOWN_LEFT, None)])
            heard = await until(lambda: _heard(home, topics.events(stream_id), 3))
            assert [event["event_id"] for event in heard] == [*ids, left.id]
            assert [event["event_type"] for event in heard] == ["person_appeared", "person_appeared", "unknown_left"]
            assert (heard[1]["person_name"], heard[1]["stream_name"]) == ("Bob", "Gate")
            await until(lambda: home.all_of(topics.person(stream_id))[-1:] == ["Bob"])


async def test_R_STR_8_what_a_stream_is_like_is_told_when_it_changes(tmp_path: Path, topics: Topics) -> None:
    with ear(everything(topics)) as home:
        async with station(tmp_path, topics) as one:
            stream_id = await one.start()
            await until(lambda: home.all_of(topics.running(stream_id)) == ["ON"])
            one.streams.states[stream_id] = StreamState.RECONNECTING
            await until(lambda: home.all_of(topics.running(stream_id)) == ["ON", "OFF"])
            configs = home.all_of(topics.config("sensor", stream_id, "person"))
            one.streams.states[stream_id] = StreamState.RUNNING
            await until(lambda: home.all_of(topics.running(stream_id)) == ["ON", "OFF", "ON"])
            assert home.all_of(topics.config("sensor", stream_id, "person")) == configs


async def test_R_STR_8_a_stream_that_is_gone_leaves_nothing_on_the_broker(tmp_path: Path, topics: Topics) -> None:
    async with station(tmp_path, topics) as one:
        gone, stays = await one.start("Gone"), await one.start("Stays")
        await one.appear(gone, "ann")
        await until(lambda: set(topics.retained(gone)) <= set(kept(everything(topics))))
        await one.end(gone)
        await until(lambda: not any(gone in topic for topic in kept(everything(topics))))
        assert topics.config("event", stays, "seen") in kept(everything(topics))


async def test_R_STR_8_streams_that_went_unheard_are_removed_at_the_next_start(
    tmp_path: Path, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with station(tmp_path, topics) as one:
        gone, permanent = await one.start("Gone"), await one.start("Permanent", is_permanent=True)
        await one.appear(gone, "ann")
        await one.appear(permanent, "ann")
        await until(lambda: _complete(topics, gone) and _complete(topics, permanent))

        async def cannot(*_: object) -> None:
            """The server is killed."""

        monkeypatch.setattr(MqttPublisher, "_leave", cannot)
        await one.stop()
        await one.end(gone)
        await one.end(permanent, by_shutdown=True)
    async with station(tmp_path, topics) as one:
        await until(lambda: not any(gone in topic for topic in kept(everything(topics))))
        # It is about to begin again.
        await until(lambda: kept(everything(topics)).get(topics.running(permanent)) == "OFF")
        assert topics.config("sensor", permanent, "person") in kept(everything(topics))


async def test_R_STR_8_a_server_that_stops_says_so_itself(tmp_path: Path, topics: Topics) -> None:
    async with station(tmp_path, topics) as one:
        gone, permanent = await one.start("Gone"), await one.start("Permanent", is_permanent=True)
        await one.appear(gone, "ann")
        await one.appear(permanent, "ann")
        await until(lambda: _complete(topics, gone) and _complete(topics, permanent))
        await one.end(gone, by_shutdown=True)
        await one.end(permanent, by_shutdown=True)
    found = kept(everything(topics))
    assert found[topics.status] == "offline"
    assert found[topics.running(permanent)] == "OFF"
    assert not any(gone in topic for topic in found)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("paho-mqtt")]


async def test_R_STR_8_a_broken_connection_is_told_by_the_broker_and_made_again(
    tmp_path: Path, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "BEHIND_MAX", 3)
    with ear(everything(topics)) as home:
        async with line() as wire, station(tmp_path, topics, port=wire.port) as one:
            stream_id = await one.start()
            [first] = await one.appear(stream_id, "ann")
            await until(lambda: _heard(home, topics.events(stream_id), 1))
            wire.cut()
            await until(lambda: home.all_of(topics.status)[-1:] == ["offline"])
            await until(lambda: not one.publisher.state.is_connected)
            assert one.publisher.state.problem
            later = await one.appear(stream_id, "bob", "cem", "dan", "eve", "fay")
            wire.mend()
            heard = await until(lambda: _heard(home, topics.events(stream_id), 4))
            assert [event["event_id"] for event in heard] == [first, *later[2:]]
            await until(lambda: home.all_of(topics.status)[-1:] == ["online"])
            await until(lambda: home.all_of(topics.person(stream_id))[-1:] == ["Fay"])
            state = one.publisher.state
            assert (state.is_connected, state.problem, state.left_out) == (True, None, 2)


async def test_R_STR_8_a_broker_that_is_not_there_yet_is_waited_for(tmp_path: Path, topics: Topics) -> None:
    async with line() as wire:
        wire.cut()
        async with station(tmp_path, topics, port=wire.port) as one:
            stream_id = await one.start()
            await until(lambda: one.publisher.state.problem)
            assert not one.publisher.state.is_connected
            wire.mend()
            await until(lambda: one.publisher.state.is_connected)
            await until(lambda: kept(everything(topics)).get(topics.running(stream_id)) == "ON")


async def test_R_STR_8_a_broker_that_forgot_everything_is_told_again(tmp_path: Path) -> None:
    topics = Topics("lianpu", "homeassistant")
    with ExitStack() as first:
        port = first.enter_context(own_broker(tmp_path, "allow_anonymous true"))
        async with station(tmp_path, topics, port=port) as one:
            stream_id = await one.start()
            await one.appear(stream_id, "ann")
            before = await until(lambda: _complete(topics, stream_id, port))
            first.close()
            await until(lambda: not one.publisher.state.is_connected)
            with own_broker(tmp_path, "allow_anonymous true", port=port):
                await until(lambda: one.publisher.state.is_connected)
                assert await until(lambda: _complete(topics, stream_id, port)) == before


async def test_R_STR_8_what_has_no_listener_and_what_has_no_address_is_told(tmp_path: Path) -> None:
    topics = Topics("lianpu", "homeassistant")
    async with station(tmp_path, topics, port=1) as one:
        assert "refused" in await until(lambda: one.publisher.state.problem)
    async with station(tmp_path, topics, host="300.300.300.300") as one:
        assert "cannot be reached" in await until(lambda: one.publisher.state.problem)


async def test_R_STR_8_the_broker_wants_a_password(tmp_path: Path) -> None:
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("mosquitto_passwd is not installed")
    file = tmp_path / "passwords"
    command = [tool, "-b", "-c", str(file), "lianpu", "geheim"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    file.chmod(0o644)
    topics = Topics("lianpu", "homeassistant")
    with own_broker(tmp_path, "allow_anonymous false", f"password_file {file}") as port:
        async with station(tmp_path, topics, port=port, username="lianpu", password="falsch") as one:
            problem = await until(lambda: one.publisher.state.problem)
            assert "Not authorized" in problem
            assert "falsch" not in problem
        async with station(tmp_path, topics, port=port, username="lianpu", password="geheim") as one:
            await until(lambda: one.publisher.state.is_connected)


async def test_R_STR_8_the_broker_has_to_prove_its_name(tmp_path: Path) -> None:
    trusted, _ = certificate(tmp_path, "localhost")
    key = trusted.with_suffix(".key")
    for file in (trusted, key):
        file.chmod(0o644)
    topics = Topics("lianpu", "homeassistant")
    with own_broker(tmp_path, "allow_anonymous true", f"certfile {trusted}", f"keyfile {key}") as port:
        async with station(tmp_path, topics, port=port, host="localhost", tls=True, ca_file=trusted) as one:
            await until(lambda: one.publisher.state.is_connected)
        async with station(tmp_path, topics, port=port, host="localhost", tls=True) as one:
            assert "certificate verify failed" in await until(lambda: one.publisher.state.problem)
        async with station(tmp_path, topics, port=port, host="127.0.0.1", tls=True, ca_file=trusted) as one:
            assert "127.0.0.1" in await until(lambda: one.publisher.state.problem)
        missing = tmp_path / "missing.pem"
        async with station(tmp_path, topics, port=port, host="localhost", tls=True, ca_file=missing) as one:
            assert "streams.mqtt.ca_file" in await until(lambda: one.publisher.state.problem)


def _complete(topics: Topics, stream_id: str, port: int = PORT) -> dict[str, str] | None:
    found = kept("#" if port != PORT else everything(topics), port=port)
    return found if set(topics.retained(stream_id)) <= found.keys() else None


def _heard(home: Ear, topic: str, count: int) -> list[dict[str, Any]] | None:
    found = [json.loads(payload) for payload in home.all_of(topic)]
    return found if len(found) >= count else None
