"""A push connection as Server-Sent Events (WHATWG HTML, 9.2)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lianpu.jobs.push.delivery import Delivery
from lianpu.jobs.push.messages import ClosedMessage
from lianpu.jobs.push.subscription import HEARTBEAT, Ending, Frame

RETRY_MS = 2000
CLOSE_S = 5.0
HEADERS = {
    "Cache-Control": "no-store",
    # nginx would keep the events back until it has a buffer of them.
    "X-Accel-Buffering": "no",
}


class EventStream(Response):
    """The response of a route; the stream ends with the delivery."""

    media_type = "text/event-stream"

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._delivery = delivery
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope

        async def write(text: str) -> None:
            if not self._has_begun:
                self._has_begun = True
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                text = f"retry: {RETRY_MS}\n\n{text}"
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        async def write_frame(frame: Frame) -> None:
            await write(": heartbeat\n\n" if frame is HEARTBEAT else _event(frame))

        async def listen() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        ending = await self._delivery.run(write_frame, listen)
        if ending is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(_end(ending, write, send), CLOSE_S)


async def _end(ending: Ending, write: Callable[[str], Awaitable[None]], send: Send) -> None:
    closed = ClosedMessage(code=ending.code, reason=ending.reason)
    await write(_event(Frame(closed.type, closed.model_dump_json())))
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(frame: Frame) -> str:
    """JSON has no line breaks outside of strings, and escapes those inside."""
    place = "" if frame.event_id is None else f"id: {frame.event_id}\n"
    return f"{place}event: {frame.type}\ndata: {frame.text}\n\n"
