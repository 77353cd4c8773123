"""Reader of ncnn's raw weights (`.bin`): one block after the other, in the order of the graph's layers."""

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import PackDamagedError

FLOAT16_TAG = 0x01306B47
FLOAT32_TAG = 0
_ALIGNMENT = 4


class NcnnWeights:
    """A cursor over a file's bytes. Every method raises PackDamagedError where the bytes are not what it reads."""

    def __init__(self, data: bytes, origin: str) -> None:
        self._data = data
        self._position = 0
        self.origin = origin

    @property
    def remaining(self) -> int:
        return len(self._data) - self._position

    def tagged(self, count: int) -> NDArray[np.float32]:
        """A tag of four bytes that says how numbers are stored, then that many: [count] float32.

        float16 numbers are followed by zeros up to a multiple of four bytes.
        """
        tag = int.from_bytes(self._take(4), "little")
        if tag == FLOAT32_TAG:
            return self.plain(count)
        if tag != FLOAT16_TAG:
            raise self._damaged(f"numbers stored as {tag:#010x}, which is not supported")
        size = 2 * count
        block = self._take(size + -size % _ALIGNMENT)
        return self._finite(np.frombuffer(block[:size], "<f2").astype(np.float32))

    def plain(self, count: int) -> NDArray[np.float32]:
        """So many little-endian float32 numbers: [count]."""
        return self._finite(np.frombuffer(self._take(4 * count), "<f4").astype(np.float32))

    def finish(self) -> None:
        """Nothing may be left."""
        if self.remaining:
            raise self._damaged(f"{self.remaining} bytes too many")

    def _take(self, size: int) -> bytes:
        if not 0 <= size <= self.remaining:
            raise self._damaged(f"{size} bytes expected, {self.remaining} left")
        self._position += size
        return self._data[self._position - size : self._position]

    def _finite(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if not np.isfinite(values).all():
            raise self._damaged("a weight that is not finite")
        return values

    def _damaged(self, what: str) -> PackDamagedError:
        return PackDamagedError(f"{self.origin} is damaged: {what} at byte {self._position}")
