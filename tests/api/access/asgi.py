"""Requests as a server hands them over: paths that no client would send, streams that never end, WebSockets."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI

HOST = "127.0.0.1"
STREAM = "text/event-stream"


@dataclass(slots=True)
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def code(self) -> str:
        """Of a problem; empty: it is none."""
        is_problem = self.headers.get("content-type", "").startswith("application/problem+json")
        return json.loads(self.body)["code"] if is_problem else ""


async def call(
    app: FastAPI,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    query: str = "",
    body: bytes = b"",
    scheme: str = "http",
) -> Answer:
    """`path`: as it stands in the request line, percent signs and all. A stream is left after its first bytes."""
    answer, gone = Answer(), asyncio.Event()
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {key.decode(): value.decode() for key, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")
            if not message.get("more_body") or answer.headers.get("content-type", "").startswith(STREAM):
                gone.set()

    scope = {"type": "http", "method": method, "scheme": scheme, **_scope(path, query, headers)}
    await asyncio.wait_for(app(scope, receive, send), 60)
    return answer


async def connect(
    app: FastAPI, path: str, headers: Mapping[str, str] | None = None, *, query: str = "", token: str | None = None
) -> str:
    """A WebSocket until its server says `ready` or ends it.

    Args:
        token: sent as the first message, where neither a header nor the address brings one.

    Returns:
        `ready`, or the status or close code of the refusal.
    """
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inbox.put_nowait({"type": "websocket.connect"})
    if not headers and not query:
        message = {"type": "auth", "token": token or "of-nobody"}
        inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
    outcome = ""

    async def send(message: Any) -> None:
        nonlocal outcome
        kind = message["type"]
        if kind == "websocket.http.response.start":
            outcome = outcome or str(message["status"])
        elif kind == "websocket.close":
            outcome = outcome or str(message.get("code", 1000))
        elif kind == "websocket.send":
            outcome = outcome or json.loads(message["text"])["type"]
            inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})

    extensions = {"extensions": {"websocket.http.response": {}}}
    scope = {"type": "websocket", "scheme": "ws", "subprotocols": [], **extensions, **_scope(path, query, headers)}
    await asyncio.wait_for(app(scope, inbox.get, send), 60)
    return outcome


def _scope(path: str, query: str, headers: Mapping[str, str] | None) -> dict[str, Any]:
    pairs = {"host": HOST, **{name.lower(): value for name, value in (headers or {}).items()}}
    return {
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
        "client": ("127.0.0.1", 50000),
        "server": (HOST, 80),
        "state": {},
    }
