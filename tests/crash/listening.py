"""Push clients of a server that is killed: they come back, as often as it takes."""

import asyncio
import json
from contextlib import suppress
from threading import Thread
from typing import Any

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.crash.server import API_KEY, CrashingServer

HEADERS = {"X-API-Key": API_KEY}


class Listener:
    """Comes back whenever it is cut off, with the last id that it has got."""

    def __init__(self, server: CrashingServer, path: str, *, last_event_id: int = 0) -> None:
        """`path` below /api/v1."""
        self._server = server
        self._path = path
        self._last_event_id = last_event_id
        self.connections = 0
        self.heard: list[tuple[int, str, str]] = []
        """Event, job, status."""
        self.result_urls: dict[str, str] = {}
        """By completed task."""

    async def run(self) -> None:
        while True:
            with suppress(OSError, WebSocketException, httpx2.TransportError):
                await self._listen(f"127.0.0.1:{self._server.port}", self._last_event_id)
            await asyncio.sleep(0.02)

    def _take(self, message: dict[str, Any]) -> None:
        assert message["type"] != "reset"
        if message["type"] == "ready":
            self.connections += 1
        if "event_id" in message:
            self._last_event_id = message["event_id"]
            self.heard.append((message["event_id"], message["job"]["job_id"], message["job"]["status"]))
            if "task" in message and message["job"]["status"] == "completed":
                self.result_urls[message["task"]["task_id"]] = message["task"]["result_url"]

    async def _listen(self, address: str, last_event_id: int) -> None:
        uri = f"ws://{address}/api/v1/{self._path}?last_event_id={last_event_id}"
        async with connect(uri, additional_headers=HEADERS, proxy=None) as websocket:
            async for text in websocket:
                self._take(json.loads(text))


class StreamListener(Listener):
    """The same by Server-Sent Events."""

    async def _listen(self, address: str, last_event_id: int) -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
            headers = {**HEADERS, "Last-Event-ID": str(last_event_id)}
            async with client.stream("GET", f"http://{address}/api/v1/{self._path}", headers=headers) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: "):
                        self._take(json.loads(line.removeprefix("data: ")))


class Listening(Thread):
    def __init__(self, listeners: list[Listener]) -> None:
        super().__init__(daemon=True)
        self._listeners = listeners
        self._loop = asyncio.new_event_loop()
        self._enough = asyncio.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._loop.run_until_complete(self._listen())
        except BaseException as error:
            self.failure = error
        finally:
            self._loop.close()

    async def _listen(self) -> None:
        tasks = [asyncio.create_task(listener.run()) for listener in self._listeners]
        stop = asyncio.create_task(self._enough.wait())
        done, _ = await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, stop):
            task.cancel()
        await asyncio.gather(*tasks, stop, return_exceptions=True)
        for task in done:
            task.result()

    def end(self) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._enough.set)
        self.join(30)
