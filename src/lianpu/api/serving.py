"""uvicorn as Lianpu runs it: at its end nobody new gets in, whoever is in is answered, and endless streams end."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from lianpu.bootstrap import Platform
from lianpu.errors import LianpuError
from lianpu.http.flushing import FLUSHED
from lianpu.jobs.push.push import Push
from lianpu.streams.live.connection import MESSAGE_SIZE
from lianpu.streams.live.live import Live
from lianpu.streams.streams import Streams

DRAIN_S = 10
FIRST_WORDS_S = 1.0
"""At the end of the server: how long after it connected a client may still begin its request."""
MAX_MESSAGE_BYTES = 64 * 1024
FLUSH_POLL_S = 0.005


class _SmallMessages(WebSocketsSansIOProtocol):
    """A message is held in memory: it is small until the application knows who sends it, and allows larger ones."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.handshake_complete:
            extensions: dict[Any, Any] = self.scope.setdefault("extensions", {})
            extensions[MESSAGE_SIZE] = {"allow": self._allow}

    def _allow(self, max_bytes: int) -> None:
        self.conn.max_message_size = max_bytes


class _Draining(HttpToolsProtocol):
    """A client that connected just before the server stops gets an answer to what it is about to ask."""

    _connected_s = 0.0
    _is_stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._connected_s = self.loop.time()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._is_stopping and self.cycle is not None:  # pyright: ignore[reportUnnecessaryComparison] (an upgrade has none)
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        left_s = self._connected_s + FIRST_WORDS_S - self.loop.time()
        has_asked = self.cycle is not None  # pyright: ignore[reportUnnecessaryComparison]
        if has_asked or self._is_stopping or left_s <= 0:
            super().shutdown()
            return
        self._is_stopping = True
        self.loop.call_later(left_s, self._stop_waiting)

    def _stop_waiting(self) -> None:
        # An upgrade has made something else of the connection, which ends in its own way.
        if self in self.connections:
            super().shutdown()


class _Flushing(_Draining):
    """Tells the application when what it sent has left this process."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope.setdefault("extensions", {})[FLUSHED] = {"wait": self._flushed}  # pyright: ignore[reportGeneralTypeIssues, reportArgumentType]

    async def _flushed(self) -> bool:
        # No callback tells: neither asyncio's transports nor uvloop's have one for an empty buffer.
        while not self.transport.is_closing() and self.transport.get_write_buffer_size():  # noqa: ASYNC110
            await asyncio.sleep(FLUSH_POLL_S)
        return not self.transport.is_closing()


class _Refusing:
    """An application whose refusal to start is told by `Server.startup`: uvicorn logs no traceback of it."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed" and _refusal(self._app) is not None:
                message = {**message, "message": ""}
            await send(message)

        await self._app(scope, receive, tell if scope["type"] == "lifespan" else send)


def _refusal(app: FastAPI) -> LianpuError | None:
    return getattr(app.state, "refusal", None)


class Server(uvicorn.Server):
    def __init__(
        self, app: FastAPI, *, trusted_proxies: Sequence[str] = (), drain_s: int = DRAIN_S, **options: Any
    ) -> None:
        """
        Args:
            trusted_proxies: addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` count. From anybody
                else they are ignored: a caller would otherwise be whom he likes to every limit and every log.
            drain_s: how long requests under way may take when the server is told to stop; then they are cut off.
            options: further ones of `uvicorn.Config`.
        """
        super().__init__(
            uvicorn.Config(
                _Refusing(app),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=list(trusted_proxies),
                timeout_graceful_shutdown=drain_s,
                http=_Flushing,
                ws=_SmallMessages,
                ws_max_size=MAX_MESSAGE_BYTES,
                # The messages are small, and each compressor keeps its own memory.
                ws_per_message_deflate=False,
                **options,
            )
        )
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """
        Raises:
            LianpuError: why the platform could not be opened.
        """
        try:
            await super().startup(sockets)
        except SystemExit:
            refusal = _refusal(self._app)
            if refusal is None:
                raise
            raise refusal from None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        platform: Platform | None = getattr(self._app.state, "platform", None)
        if platform is not None:
            platform.readiness.drain()
        await self._close_door(sockets or [])
        # uvicorn waits for open responses, and tells the application that it stops only after that.
        push: Push | None = getattr(self._app.state, "push", None)
        if push is not None:
            push.close()
        live: Live | None = getattr(self._app.state, "live", None)
        if live is not None:
            live.close()
        streams: Streams | None = getattr(self._app.state, "streams", None)
        if streams is not None:
            await streams.close()
        await super().shutdown(sockets)

    async def _close_door(self, listeners: Sequence[socket.socket]) -> None:
        """Nobody connects from here on; a proxy sees at once that it has to ask another node.

        Who has connected and was not yet accepted waits in the listener's queue, and closing that would reset him.
        """
        waiting = [connection for listener in listeners for connection in _accepted(listener)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            with suppress(OSError):  # gone again
                await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        return _Flushing(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    if listener.fileno() < 0:  # closed already
        return
    listener.setblocking(False)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # there is no more
            return
        connection.setblocking(False)
        yield connection
