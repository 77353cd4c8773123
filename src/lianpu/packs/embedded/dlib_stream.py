"""Reader of dlib's serialisation: integers, strings, floats, tensors and layer tags, over bytes that may be damaged."""

import math

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import PackDamagedError

Tensor = NDArray[np.float32]
"""[n, k, nr, nc] float32: samples, channels, rows, columns."""

_NEGATIVE = 0x80
_LENGTH_MASK = 0x0F
_MAX_INTEGER_BYTES = 8
_TENSOR_VERSION = 2
_ALIAS_VERSION = 1
_FLOAT32_BYTES = 4
MAX_EXPONENT = 2000
"""Exponents beyond are the format's codes for infinity and not-a-number: never a weight."""


class DlibStream:
    """A cursor over one file's bytes. Every method raises PackDamagedError where the bytes are not what it reads.

    No method allocates more than the bytes that are left: lengths are checked before anything is made of them.
    """

    def __init__(self, data: bytes, origin: str) -> None:
        self._data = data
        self._position = 0
        self.origin = origin

    @property
    def position(self) -> int:
        return self._position

    @property
    def remaining(self) -> int:
        return len(self._data) - self._position

    def damaged(self, what: str) -> PackDamagedError:
        return PackDamagedError(f"{self.origin} is damaged: {what} at byte {self._position}")

    def require(self, condition: bool, what: str) -> None:
        """Raise PackDamagedError with `what` unless the condition holds."""
        if not condition:
            raise self.damaged(what)

    def integer(self) -> int:
        """One control byte (low 4 bits: byte count, bit 7: negative), then that many little-endian bytes."""
        control = self._take(1)[0]
        length = control & _LENGTH_MASK
        self.require(1 <= length <= _MAX_INTEGER_BYTES and not control & 0x70, "not an integer")
        value = int.from_bytes(self._take(length), "little")
        return -value if control & _NEGATIVE else value

    def count(self, most: int) -> int:
        """An integer from 0 to `most`."""
        value = self.integer()
        self.require(0 <= value <= most, f"a count of {value}, expected 0 to {most}")
        return value

    def expect(self, value: int, what: str) -> None:
        """Consume an integer that must be `value`."""
        found = self.integer()
        self.require(found == value, f"{what} is {found}, expected {value}")

    def string(self, most: int = 256) -> str:
        """A length, then that many ASCII bytes."""
        raw = self._take(self.count(most))
        try:
            return raw.decode("ascii")
        except UnicodeDecodeError as error:
            raise self.damaged("a string that is not ASCII") from error

    def tag(self, *expected: str) -> str:
        """A layer's tag, which must be one of `expected`."""
        found = self.string()
        self.require(found in expected, f"tag {found!r}, expected {' or '.join(expected)}")
        return found

    def real(self) -> float:
        """Mantissa and exponent: mantissa * 2**exponent."""
        mantissa, exponent = self.integer(), self.integer()
        self.require(abs(exponent) <= MAX_EXPONENT, "a float that is not finite")
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError as error:
            raise self.damaged("a float that is not finite") from error

    def reals(self, number: int) -> tuple[float, ...]:
        return tuple(self.real() for _ in range(number))

    def booleans(self, number: int) -> tuple[bool, ...]:
        """That many bytes, each the character 0 or 1."""
        raw = self._take(number)
        self.require(all(byte in b"01" for byte in raw), "not a boolean")
        return tuple(byte == ord("1") for byte in raw)

    def tensor(self) -> Tensor:
        """Version 2, four sizes, then raw little-endian float32; a read-only view of the stream's bytes."""
        self.expect(_TENSOR_VERSION, "a tensor's version")
        shape = tuple(self.count(self.remaining) for _ in range(4))
        size = math.prod(shape)
        self.require(size * _FLOAT32_BYTES <= self.remaining, f"a tensor of {size} elements is cut off")
        values = np.frombuffer(self._take(size * _FLOAT32_BYTES), dtype="<f4").reshape(shape)
        self.require(bool(np.isfinite(values).all()), "a tensor with a value that is not finite")
        return values

    def alias_tensor(self) -> tuple[int, int, int, int]:
        """The shape of a view into another tensor: version 1, then four sizes."""
        self.expect(_ALIAS_VERSION, "an alias tensor's version")
        n, k, nr, nc = (self.count(1 << 31) for _ in range(4))
        return n, k, nr, nc

    def rest_as_integers(self) -> NDArray[np.int64]:
        """All that is left, which must be integers throughout, as [n] int64."""
        data, position, end = self._data, self._position, len(self._data)
        starts: list[int] = []
        # Where an integer begins depends on the one before: this walk alone cannot be vectorised.
        while position < end:
            length = data[position] & _LENGTH_MASK
            if not length:
                break
            starts.append(position)
            position += 1 + length
        self.require(position == end, "not an integer, or the last one is cut off")
        return self._decode(np.array(starts, dtype=np.int64))

    def _decode(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        raw = np.frombuffer(self._data, dtype=np.uint8)
        control = raw[starts]
        length = control & _LENGTH_MASK
        # Seven bytes at most, so that no value leaves the range of int64.
        self.require(bool((length < _MAX_INTEGER_BYTES).all()), "not an integer")
        self.require(not bool((control & 0x70).any()), "not an integer")
        values = np.zeros(len(starts), dtype=np.int64)
        for index in range(int(length.max(initial=0))):
            wide = np.flatnonzero(length > index)
            values[wide] |= raw[starts[wide] + 1 + index].astype(np.int64) << (8 * index)
        self._position = len(self._data)
        return np.where(control & _NEGATIVE, -values, values)

    def _take(self, number: int) -> bytes:
        self.require(0 <= number <= self.remaining, f"{number} bytes wanted, {self.remaining} left")
        taken = self._data[self._position : self._position + number]
        self._position += number
        return taken
