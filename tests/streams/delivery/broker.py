"""Real MQTT brokers: the one that runs on this machine, or one of a test's own; a line to it that can be cut."""

import asyncio
import getpass
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

PORT = 1883
_MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def require_broker() -> None:
    if not answers(PORT):
        pytest.skip(f"no MQTT broker listens on 127.0.0.1:{PORT}: start mosquitto")


@contextmanager
def own_broker(folder: Path, *lines: str, port: int | None = None) -> Iterator[int]:
    """A broker with these lines of configuration; gives its port. It keeps nothing when it ends."""
    if _MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
    file = folder / "mosquitto.conf"
    # Else it becomes another user, who cannot read the folders of tests.
    text = [f"user {getpass.getuser()}", f"listener {port} 127.0.0.1", "persistence false", "log_type none", *lines]
    file.write_text("\n".join([*text, ""]))
    with subprocess.Popen([_MOSQUITTO, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            while not answers(port):
                assert run.poll() is None, "mosquitto did not start"
                time.sleep(0.01)
            yield port
        finally:
            run.kill()


@dataclass
class Ear:
    """Somebody else on the broker, as Home Assistant is."""

    kept: dict[str, str] = field(default_factory=dict)
    """What the broker had when it was asked, and what became of it since."""
    heard: list[tuple[str, str]] = field(default_factory=list)
    """All that came since, in order."""
    client: Client | None = None

    def all_of(self, topic: str) -> list[str]:
        return [payload for heard, payload in self.heard if heard == topic]


@contextmanager
def ear(*topics: str, port: int = PORT) -> Iterator[Ear]:
    one, ready = Ear(), threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)

    def hear(_client: Client, _data: object, message: MQTTMessage) -> None:
        payload = message.payload.decode()
        if message.retain:
            one.kept[message.topic] = payload
        else:
            one.heard.append((message.topic, payload))

    client.on_message = hear
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe([(topic, 1) for topic in topics])
    assert ready.wait(5)
    one.client = client
    try:
        yield one
    finally:
        client.disconnect()
        client.loop_stop()


def kept(*topics: str, port: int = PORT) -> dict[str, str]:
    """What the broker keeps now: what it sends after the question comes after all of it."""
    with ear(*topics, "$SYS/broker/version", port=port) as one:
        assert one.client is not None
        beginning = topics[0].partition("/")[0]
        mark = f"{'lianpu-test' if beginning == '#' else beginning}/mark"
        one.client.subscribe(mark, qos=1)
        deadline = time.monotonic() + 5
        one.client.publish(mark, "now", qos=1)
        while (mark, "now") not in one.heard and time.monotonic() < deadline:
            time.sleep(0.002)
        assert (mark, "now") in one.heard
        return {topic: payload for topic, payload in one.kept.items() if not topic.startswith("$")}


@dataclass
class Line:
    port: int
    target: int
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    is_cut: bool = False

    def cut(self) -> None:
        """All connections break, and no new one is made."""
        self.is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self.is_cut = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._open |= {writer, there_writer}
        try:
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        finally:
            self._open -= {writer, there_writer}
            for one in (writer, there_writer):
                one.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


@asynccontextmanager
async def line(target: int = PORT) -> AsyncIterator[Line]:
    one = Line(0, target)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        one.cut()
        server.close()
