"""A request id on every request, answer and log line, and the headers that every answer carries."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from lianpu.api.security_headers import add_security_headers

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("lianpu.access")


class RequestContext:
    """ASGI middleware. A caller's own `X-Request-ID` is kept when it is plain."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        status = 403 if scope["type"] == "websocket" else 500
        start = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = 101
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["Server-Timing"] = f"total;dur={(time.perf_counter() - start) * 1000:.1f}"
                add_security_headers(headers, scope)
            await send(message)

        with bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            finally:
                elapsed_ms = round((time.perf_counter() - start) * 1000, 1)
                # A WebSocket's time is the connection's.
                _log.info("%s %s %s %s ms", scope.get("method", "WS"), scope["path"], status, elapsed_ms)
