"""A client of the live WebSockets of a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from lianpu.engines.image import decode_image, encode_jpeg
from tests.api.conftest import API_KEY
from tests.api.streams.server import StreamServer

SEARCH = "/api/v1/live/search"
Message = dict[str, Any]


def jpeg(photo: bytes, quality: int = 90) -> bytes:
    return encode_jpeg(decode_image(photo).pixels, quality=quality)


def address(server: StreamServer, path: str) -> str:
    return f"ws://127.0.0.1:{httpx2.URL(server.client.base_url).port}{path}"


@asynccontextmanager
async def connected(
    server: StreamServer, path: str, *, key: str = API_KEY, **options: Any
) -> AsyncIterator[ClientConnection]:
    """After `ready`."""
    async with connect(address(server, path), proxy=None, **options) as websocket:
        await websocket.send(json.dumps({"type": "auth", "token": key}))
        ready = json.loads(await websocket.recv())
        assert ready["type"] == "ready", ready
        yield websocket


async def heard(websocket: ClientConnection, kind: str, timeout_s: float = 30) -> Message:
    """The next message of a kind; what comes before it is passed over."""
    async with asyncio.timeout(timeout_s):
        while True:
            message = json.loads(await websocket.recv())
            if message["type"] == kind:
                return message


async def closing(websocket: ClientConnection) -> tuple[int | None, str]:
    """How the server ends the connection."""
    try:
        async with asyncio.timeout(30):
            while True:
                await websocket.recv()
    except ConnectionClosed as ended:
        return (None, "") if ended.rcvd is None else (ended.rcvd.code, ended.rcvd.reason)
