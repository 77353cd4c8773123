"""uvicorn as Lianpu runs it: streams that would not end by themselves are ended when the server stops."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from lianpu.bootstrap import Platform
from lianpu.http.flushing import FLUSHED
from lianpu.jobs.push.push import Push
from lianpu.streams.live.connection import MESSAGE_SIZE
from lianpu.streams.live.live import Live
from lianpu.streams.streams import Streams

GRACE_S = 10
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


class _Flushing(HttpToolsProtocol):
    """Tells the application when what it sent has left this process."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope.setdefault("extensions", {})[FLUSHED] = {"wait": self._flushed}  # pyright: ignore[reportGeneralTypeIssues, reportArgumentType]

    async def _flushed(self) -> bool:
        # No callback tells: neither asyncio's transports nor uvloop's have one for an empty buffer.
        while not self.transport.is_closing() and self.transport.get_write_buffer_size():  # noqa: ASYNC110
            await asyncio.sleep(FLUSH_POLL_S)
        return not self.transport.is_closing()


class Server(uvicorn.Server):
    def __init__(self, app: FastAPI, *, trusted_proxies: Sequence[str] = (), **options: Any) -> None:
        """
        Args:
            trusted_proxies: addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` count. From anybody
                else they are ignored: a caller would otherwise be whom he likes to every limit and every log.
            options: further ones of `uvicorn.Config`.
        """
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=list(trusted_proxies),
                timeout_graceful_shutdown=GRACE_S,
                http=_Flushing,
                ws=_SmallMessages,
                ws_max_size=MAX_MESSAGE_BYTES,
                # The messages are small, and each compressor keeps its own memory.
                ws_per_message_deflate=False,
                **options,
            )
        )
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        platform: Platform | None = getattr(self._app.state, "platform", None)
        if platform is not None:
            platform.readiness.drain()
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
