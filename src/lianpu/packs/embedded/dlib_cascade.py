"""dlib's five-point shape predictor as plain arrays: a cascade of regression forests over pixel differences."""

import io
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.embedded.dlib_stream import MAX_EXPONENT, DlibStream

POINTS = 5

Integers = NDArray[np.int64]

_MAX_LEVELS = 64
_MAX_TREES = 4096
_MAX_SPLITS = 4095
_MAX_FEATURES = 65536
_INTEGERS_PER_SPLIT = 4


@dataclass(frozen=True, slots=True)
class Cascade:
    """C levels of T trees with S splits and S + 1 leaves each, reading F pixels; P points.

    Coordinates are those of the face's rectangle: (0, 0) its first pixel, (1, 1) its last one.
    """

    initial: NDArray[np.float32]
    """[P, 2] the mean shape (x, y)."""
    anchors: NDArray[np.int32]
    """[C, F] the point each pixel is placed relative to."""
    deltas: NDArray[np.float32]
    """[C, F, 2] its offset from that point in the mean shape."""
    first: NDArray[np.int32]
    """[C, T, S] a split goes left where pixel `first` - pixel `second` > `threshold`."""
    second: NDArray[np.int32]
    """[C, T, S]"""
    thresholds: NDArray[np.float32]
    """[C, T, S]; the children of split i are 2i + 1 (left) and 2i + 2; from S on they are leaves."""
    leaves: NDArray[np.float32]
    """[C, T, S + 1, P, 2] what a leaf adds to the shape."""


def read_cascade(data: bytes, origin: str) -> Cascade:
    """Read `shape_predictor_5_face_landmarks.dat`.

    Raises:
        PackDamagedError: the bytes are not a predictor of five points.
    """
    stream = DlibStream(data, origin)
    return _CascadeReader(stream).read()


def cascade_to_npz(cascade: Cascade) -> bytes:
    """The arrays by their field names, uncompressed, without pickles."""
    buffer = io.BytesIO()
    np.savez(buffer, **{field.name: getattr(cascade, field.name) for field in fields(cascade)})
    return buffer.getvalue()


class _CascadeReader:
    """Walks the file's integers (it holds nothing else) in whole blocks; every tree has the same layout."""

    def __init__(self, stream: DlibStream) -> None:
        self._stream = stream
        self._values = stream.rest_as_integers()
        self._position = 0

    def read(self) -> Cascade:
        self._require(self._next() == 1, "the file's version")
        # Sizes of a matrix are stored negated; points are (x, y) pairs in one column.
        self._require(self._next() == -2 * POINTS and self._next() == -1, "the number of points")
        initial = self._floats(self._take(4 * POINTS).reshape(POINTS, 2, 2))
        levels = self._count(_MAX_LEVELS)
        forests = [self._forest() for _ in range(levels)]
        self._require(len({leaves.shape for _, _, _, leaves in forests}) == 1, "forests of unequal size")
        anchors = self._rows(levels, 1)[..., 0]
        deltas = self._floats(self._rows(levels, 4).reshape(levels, -1, 2, 2))
        self._require(self._position == len(self._values), "bytes after the end")
        self._require(anchors.shape == deltas.shape[:2], "anchors and deltas of unequal number")
        self._require(bool(((anchors >= 0) & (anchors < POINTS)).all()), "an anchor that is no point")
        first, second, thresholds, leaves = (np.stack(arrays) for arrays in zip(*forests, strict=True))
        for indices in (first, second):
            self._require(bool(((indices >= 0) & (indices < anchors.shape[1])).all()), "a split on no pixel")
        return Cascade(
            initial,
            anchors.astype(np.int32),
            deltas,
            first.astype(np.int32),
            second.astype(np.int32),
            thresholds,
            leaves,
        )

    def _forest(self) -> tuple[Integers, Integers, NDArray[np.float32], NDArray[np.float32]]:
        trees = self._count(_MAX_TREES)
        self._require(self._position < len(self._values), "a forest is cut off")
        splits = int(self._values[self._position])
        self._require(1 <= splits <= _MAX_SPLITS and (splits + 1) & splits == 0, f"a tree of {splits} splits")
        # splits, [first, second, threshold mantissa, exponent] each; leaves, [-rows, -1, 2P floats] each.
        per_leaf = 2 + 4 * POINTS
        split_end = 1 + splits * _INTEGERS_PER_SPLIT
        rows = self._take(trees * (split_end + 1 + (splits + 1) * per_leaf)).reshape(trees, -1)
        nodes = rows[:, 1:split_end].reshape(trees, splits, _INTEGERS_PER_SPLIT)
        leaves = rows[:, split_end + 1 :].reshape(trees, splits + 1, per_leaf)
        uniform = (rows[:, 0] == splits).all() and (rows[:, split_end] == splits + 1).all()
        shaped = (leaves[..., 0] == -2 * POINTS).all() and (leaves[..., 1] == -1).all()
        self._require(bool(uniform and shaped), "trees of unequal size")
        values = self._floats(leaves[..., 2:].reshape(trees, splits + 1, POINTS, 2, 2))
        return nodes[..., 0], nodes[..., 1], self._floats(nodes[..., 2:]), values

    def _rows(self, levels: int, width: int) -> Integers:
        """One vector a level, all of one length: [levels, length, width] integers."""
        self._require(self._count(_MAX_LEVELS) == levels, "the number of levels")
        vectors = [self._take(self._count(_MAX_FEATURES) * width) for _ in range(levels)]
        self._require(len({len(vector) for vector in vectors}) == 1, "levels of unequal size")
        return np.stack(vectors).reshape(levels, -1, width)

    def _floats(self, pairs: Integers) -> NDArray[np.float32]:
        """[..., 2] mantissa and exponent -> [...] float32."""
        mantissas, exponents = pairs[..., 0], pairs[..., 1]
        self._require(bool((np.abs(exponents) <= MAX_EXPONENT).all()), "a float that is not finite")
        with np.errstate(over="ignore"):
            values = np.ldexp(mantissas.astype(np.float64), exponents.astype(np.intc)).astype(np.float32)
        self._require(bool(np.isfinite(values).all()), "a float that is not finite")
        return values

    def _next(self) -> int:
        return int(self._take(1)[0])

    def _count(self, most: int) -> int:
        value = self._next()
        self._require(1 <= value <= most, f"a count of {value}")
        return value

    def _take(self, number: int) -> Integers:
        self._require(number <= len(self._values) - self._position, "it is cut off")
        taken = self._values[self._position : self._position + number]
        self._position += number
        return taken

    def _require(self, condition: bool, what: str) -> None:
        self._stream.require(condition, what)
