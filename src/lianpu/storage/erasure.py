"""Bytes in memory that can be overwritten: what Python calls `bytes` cannot."""

import ctypes


def erase(data: bytearray | memoryview) -> None:
    """Overwrite it in place with zeros; its length stays."""
    size_bytes = data.nbytes if isinstance(data, memoryview) else len(data)
    if size_bytes:
        # No slice assignment: that one would first make as many zeros somewhere else.
        ctypes.memset((ctypes.c_char * size_bytes).from_buffer(data), 0, size_bytes)


class ErasableBuffer:
    """Grows as bytes are added, and overwrites the room that it leaves; the caller erases it in the end."""

    def __init__(self, expected_bytes: int = 0) -> None:
        """`expected_bytes`: room that is taken at once; with a good guess nothing is ever copied."""
        self._room = bytearray(max(expected_bytes, 1 << 16))
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, data: bytes | memoryview) -> None:
        end = self._size + len(data)
        if end > len(self._room):
            # A bytearray that grows by itself leaves a copy behind wherever it moves from.
            larger = bytearray(max(end, 2 * len(self._room)))
            larger[: self._size] = memoryview(self._room)[: self._size]
            erase(self._room)
            self._room = larger
        memoryview(self._room)[self._size : end] = data
        self._size = end

    @property
    def view(self) -> memoryview:
        """What was added, without a copy; good until the next `append`."""
        return memoryview(self._room)[: self._size]

    def erase(self) -> None:
        """Overwritten and given back."""
        erase(self._room)
        self._room = bytearray()
        self._size = 0
