"""A whole platform on a real port, for streams: viewers hang on a feed that has no end."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from lianpu.api.app import create_app
from lianpu.api.serving import Server
from lianpu.bootstrap import Platform
from lianpu.settings import Settings
from tests.api.conftest import API_KEY, CHEAP_HASHES

PATH = "/api/v1/stream"
Stream = dict[str, Any]


@dataclass
class StreamServer:
    client: httpx2.AsyncClient
    """May do everything."""
    nobody: httpx2.AsyncClient
    """Has no credential."""
    platform: Platform
    uvicorn: Server

    async def start(self, source: str, **fields: Any) -> Stream:
        answer = await self.client.post(f"{PATH}/start", json={"source": source, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["stream"]

    async def get(self, stream: Stream) -> Stream:
        answer = await self.client.get(f"{PATH}/{stream['stream_id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()["stream"]

    async def stop(self, stream: Stream) -> Stream:
        answer = await self.client.post(f"{PATH}/stop", json={"stream_id": stream["stream_id"]})
        assert answer.status_code == 200, answer.text
        return answer.json()["stream"]

    async def events(self, stream: Stream, **wanted: Any) -> list[dict[str, Any]]:
        """Oldest first."""
        answer = await self.client.get(f"{PATH}/{stream['stream_id']}/events", params={"limit": 200, **wanted})
        assert answer.status_code == 200, answer.text
        return answer.json()["events"][::-1]

    async def until(self, stream: Stream, condition: Callable[[Stream], bool]) -> Stream:
        while not condition(found := await self.get(stream)):
            await asyncio.sleep(0.02)
        return found

    async def until_events(self, stream: Stream, count: int = 1, **wanted: Any) -> list[dict[str, Any]]:
        while len(found := await self.events(stream, **wanted)) < count:
            await asyncio.sleep(0.02)
        return found

    async def pictures(self, stream: Stream) -> AsyncGenerator[bytes]:
        """As an <img> gets them: by the address alone, without any header."""
        async with self.nobody.stream("GET", stream["feed_url"]) as answer:
            assert answer.status_code == 200, await answer.aread()
            kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
            assert kind == "multipart/x-mixed-replace"
            mark, held = f"--{boundary}\r\n".encode(), b""
            async for chunk in answer.aiter_raw():
                held += chunk
                *whole, held = held.split(mark)
                for one in whole:
                    if one:
                        head, _, body = one.partition(b"\r\n\r\n")
                        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                        assert body[length:] == b"\r\n"
                        yield body[:length]


@asynccontextmanager
async def serving_streams(settings: Settings) -> AsyncIterator[StreamServer]:
    app = create_app(settings, hash_cost=CHEAP_HASHES)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with app.router.lifespan_context(app):
            server = Server(app, lifespan="off")
            running = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:
                await asyncio.sleep(0.005)
            limits = httpx2.Limits(max_connections=None)
            options: dict[str, Any] = {"base_url": base, "trust_env": False, "timeout": 30, "limits": limits}
            async with (
                httpx2.AsyncClient(headers={"X-API-Key": API_KEY}, **options) as client,
                httpx2.AsyncClient(**options) as nobody,
            ):
                try:
                    yield StreamServer(client, nobody, app.state.platform, server)
                finally:
                    server.should_exit = True
                    await running


def left_behind(of: str = "nothing") -> list[str]:
    """What streams hold: their threads by name, and open files whose path has this in it."""
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("stream-")]
    descriptors = Path("/proc/self/fd")
    files: list[str] = []
    for descriptor in descriptors.iterdir() if descriptors.is_dir() else ():
        with suppress(FileNotFoundError):  # the one that lists them
            files.append(str(descriptor.readlink()))
    return threads + [file for file in files if of in file]


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
