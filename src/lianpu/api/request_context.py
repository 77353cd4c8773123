"""A request id on every request, answer and log line, what is measured of each, and the headers that answers carry."""

import logging
import re
import time
import uuid
from contextlib import ExitStack

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from lianpu.api.security_headers import add_security_headers
from lianpu.bootstrap import Platform
from lianpu.observability.http_metrics import WEBSOCKET
from lianpu.observability.instruments import Instruments, measure_with
from lianpu.observability.logging import ACCESS_LOGGER

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
RECEIVED_BYTES = "received_bytes"
"""In a request's state: how many bytes of its body came."""
_log = logging.getLogger(ACCESS_LOGGER)


class RequestContext:
    """ASGI middleware. A caller's own `X-Request-ID` is kept when it is plain."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        platform: Platform | None = getattr(scope["app"].state, "platform", None)
        await _Exchange(scope, send, None if platform is None else platform.instruments).run(self._app, receive)


class _Exchange:
    """One request and its answer, or one WebSocket."""

    def __init__(self, scope: Scope, send: Send, instruments: Instruments | None) -> None:
        """`instruments`: None: the platform is not open yet."""
        self._scope = scope
        self._send = send
        self._instruments = instruments
        self._headers = Headers(scope=scope)
        given = self._headers.get("x-request-id", "")
        self._request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = self._request_id
        self._is_websocket = scope["type"] == "websocket"
        self._method: str = WEBSOCKET if self._is_websocket else scope["method"]
        self._status = 403 if self._is_websocket else 500
        self._started = time.perf_counter()
        self._answered_s: float | None = None

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        instruments = self._instruments
        measure_with(instruments)
        if instruments is not None:
            instruments.http.began()
        tracing = None if instruments is None else instruments.tracing
        ids = {"request_id": self._request_id}
        with ExitStack() as stack:
            if tracing is not None:
                parent = self._headers.get("traceparent")
                span = stack.enter_context(tracing.request_span(self._method, parent, self._request_id))
                # Once it is known what it was; before the span ends.
                stack.callback(lambda: tracing.name_request(span, self._method, self._route, self._status))
                if (trace_id := tracing.trace_id()) is not None:
                    ids["trace_id"] = trace_id
            stack.enter_context(bound_contextvars(**ids))
            try:
                await app(self._scope, receive, self._send_answer)
            finally:
                self._end()

    async def _send_answer(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self._status = 101
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            self._answered_s = time.perf_counter() - self._started
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            headers["Server-Timing"] = f"total;dur={self._answered_s * 1000:.1f}"
            add_security_headers(headers, self._scope)
        await self._send(message)

    @property
    def _route(self) -> str | None:
        """The template of the route; None: none was looked for, or there is none."""
        return getattr(self._scope.get("route"), "path", None)

    def _end(self) -> None:
        elapsed_s = time.perf_counter() - self._started
        if self._instruments is not None:
            self._instruments.http.ended(
                self._method,
                self._route,
                self._status,
                elapsed_s if self._answered_s is None else self._answered_s,
                self._scope["state"].get(RECEIVED_BYTES, 0),
            )
        shown = "WS" if self._is_websocket else self._method
        elapsed_ms = round(elapsed_s * 1000, 1)
        fields = {"method": shown, "path": self._scope["path"], "status": self._status, "duration_ms": elapsed_ms}
        # A WebSocket's time is the connection's.
        line = "%s %s %s %s ms"
        _log.info(line, *fields.values(), extra={**fields, "route": self._route})
