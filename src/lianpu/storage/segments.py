"""A file in memory that is made of segments: it grows without being copied, and each segment can be overwritten."""

import io
from collections.abc import Iterator

from lianpu.storage.erasure import erase
from lianpu.storage.sealing import SEGMENT_BYTES


class SegmentedFile(io.RawIOBase):
    """To be written, with seeking, and then taken segment by segment."""

    def __init__(self) -> None:
        self._segments: list[bytearray] = []
        self._place = 0
        self._size = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = start + offset
        return self._place

    def write(self, data: bytes | bytearray | memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        view = memoryview(data)
        written = 0
        while written < len(view):
            number, start = divmod(self._place, SEGMENT_BYTES)
            while number >= len(self._segments):
                self._segments.append(bytearray(SEGMENT_BYTES))
            part = view[written : written + SEGMENT_BYTES - start]
            memoryview(self._segments[number])[start : start + len(part)] = part
            written += len(part)
            self._place += len(part)
            self._size = max(self._size, self._place)
        return written

    @property
    def size_bytes(self) -> int:
        return self._size

    def take_segments(self) -> Iterator[bytearray]:
        """In order, the last one cut to what was written; whoever takes them overwrites them."""
        segments, self._segments = self._segments, []
        left = self._size
        for segment in segments:
            if left < SEGMENT_BYTES:
                last = bytearray(memoryview(segment)[:left])
                erase(segment)
                yield last
            else:
                yield segment
            left -= SEGMENT_BYTES

    def erase(self) -> None:
        """Overwrite what was not taken."""
        for segment in self._segments:
            erase(segment)
        self._segments = []
        self._place = self._size = 0
