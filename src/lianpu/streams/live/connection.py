"""What the connections that carry frames have in common: limits, a bounded way out, and an end at the server's."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from starlette.websockets import WebSocket

from lianpu.jobs.push.subscription import SERVER_STOPS, SLOW_CONSUMER, Mailbox, PushEnded
from lianpu.jobs.push.websocket import send_text

SLOW_S = 10.0
"""A client that does not take a message for so long is let go."""
MESSAGE_SIZE = "lianpu.message_size"
"""Extension of the server: how large the messages of one connection may be, which are small until it is known whose."""


class Mailboxes:
    """Of the open connections; of one event loop."""

    def __init__(self) -> None:
        self._open: set[Mailbox] = set()
        self._is_closed = False

    @contextmanager
    def one(self) -> Generator[Mailbox]:
        mailbox = Mailbox()
        self._open.add(mailbox)
        if self._is_closed:
            mailbox.end(SERVER_STOPS)
        try:
            yield mailbox
        finally:
            self._open.discard(mailbox)

    @property
    def open_count(self) -> int:
        return len(self._open)

    def close(self) -> None:
        """Who comes later is told the same."""
        self._is_closed = True
        for mailbox in self._open:
            mailbox.end(SERVER_STOPS)


async def send_all(websocket: WebSocket, mailbox: Mailbox) -> None:
    """For ever.

    Raises:
        PushEnded: the client takes nothing.
        ClientGoneError: it is not there any more.
    """
    while True:
        for frame in await mailbox.take():
            try:
                async with asyncio.timeout(SLOW_S):
                    await send_text(websocket, frame.text)
            except TimeoutError as error:
                raise PushEnded(SLOW_CONSUMER) from error


def allow_frames(websocket: WebSocket, max_bytes: int) -> None:
    """From now on, since it is known who sends them."""
    extensions: dict[str, dict[str, Any]] = websocket.scope.get("extensions") or {}
    allow: Callable[[int], None] | None = extensions.get(MESSAGE_SIZE, {}).get("allow")
    if allow is not None:
        allow(max_bytes)
