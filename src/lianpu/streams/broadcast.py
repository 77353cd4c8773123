"""One encoded picture to any number of viewers: each gets the newest there is, whenever it is ready for one."""

import asyncio
from collections.abc import AsyncGenerator

BOUNDARY = "frame"
FIRST = f"--{BOUNDARY}\r\n".encode()
MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"


class Broadcast:
    """Lives on one event loop."""

    def __init__(self) -> None:
        self._came = asyncio.Event()
        self._jpeg: bytes | None = None
        self._number = 0
        self._closed = False
        self.viewers = 0
        self.published_total = 0

    @property
    def newest(self) -> bytes | None:
        """JPEG; None before the first."""
        return self._jpeg

    def publish(self, jpeg: bytes) -> None:
        self._jpeg = jpeg
        self._number += 1
        self.published_total += 1
        self._came.set()
        self._came = asyncio.Event()

    def close(self) -> None:
        """Every viewer's pictures end."""
        self._closed = True
        self._came.set()

    async def pictures(self) -> AsyncGenerator[bytes]:
        """JPEG pictures from the next one on; whoever is slow misses some."""
        self.viewers += 1
        seen = self._number
        try:
            while not self._closed:
                if seen == self._number:
                    await self._came.wait()
                    continue
                seen = self._number
                assert self._jpeg is not None
                yield self._jpeg
        finally:
            self.viewers -= 1


def part(jpeg: bytes) -> bytes:
    """One picture as a part of a `multipart/x-mixed-replace` answer (RFC 2046), which begins with `FIRST`.

    It ends with the boundary of the next one: browsers show a picture only when they have seen its end.
    """
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n" + FIRST
