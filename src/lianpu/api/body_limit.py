"""The largest request body, held to as the bytes arrive."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lianpu.api.request_context import RECEIVED_BYTES
from lianpu.errors import UploadTooLargeError
from lianpu.http.problems import problem_response


class BodyLimit:
    """ASGI middleware: a body announced as too large is not read, one that grows too large is read no further."""

    def __init__(self, app: ASGIApp, max_bytes: int, by_path: Mapping[str, int]) -> None:
        """`by_path`: paths that take more, or less, than `max_bytes`."""
        self._app = app
        self._max_bytes = max_bytes
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        max_bytes = self._by_path.get(scope["path"], self._max_bytes)
        detail = f"The request is larger than the allowed {max_bytes:,} bytes."
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > max_bytes:
            response = problem_response(UploadTooLargeError(detail), scope["state"]["request_id"])
            await response(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            scope["state"][RECEIVED_BYTES] = received
            if received > max_bytes:
                # FastAPI lets an HTTPException pass while it reads a body, and makes a 400 of anything else.
                raise HTTPException(413, detail)
            return message

        await self._app(scope, counted, send)
