"""The response that gives a result away: a segment is plain only until it has left, and then it is overwritten."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lianpu.database.completion import to_its_end
from lianpu.enhance.results import StoredResult
from lianpu.http.flushing import flushed
from lianpu.storage.erasure import erase
from lianpu.storage.sealing import SEGMENT_BYTES, Opener

TRANSFER_S = 600.0
"""Longest transfer; who reads more slowly than that is let go."""


@dataclass(frozen=True, slots=True)
class TakenResult:
    """Out of the store: nobody else can take it any more, unless it is put back."""

    result: StoredResult
    opener: Opener
    end: Callable[[bool], Awaitable[None]]
    """Called once: whether all of it has left. Overwrites it, or puts it back."""


class OnceResponse(Response):
    def __init__(self, taken: TakenResult, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers, media_type=taken.result.media_type)
        self.headers["content-length"] = str(taken.opener.size_bytes)
        self._taken = taken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        is_whole = False
        try:
            async with asyncio.timeout(TRANSFER_S):
                is_whole = await self._send_all(scope, send)
        except TimeoutError:
            pass
        finally:
            await to_its_end(_end(self._taken, is_whole=is_whole))

    async def _send_all(self, scope: Scope, send: Send) -> bool:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        opener, room = self._taken.opener, bytearray(SEGMENT_BYTES)
        wait = flushed(scope)
        try:
            for number in range(len(opener)):
                plain = memoryview(room)[: opener.open_into(number, room)]
                # Whoever gives no word when it has left keeps a copy of its own.
                body = bytes(plain) if wait is None else plain
                await send({"type": "http.response.body", "body": body, "more_body": True})
                if wait is not None and not await wait():
                    return False
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return True
        finally:
            erase(room)


async def _end(taken: TakenResult, *, is_whole: bool) -> None:
    await taken.end(is_whole)
