"""Products of int8 vectors by the kernels of NumKong, where it is installed and has one for this processor."""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_DIMENSION = 64
"""Below, what is done for each row beside the product takes as long as comparing float32 does."""
PAIRWISE_DIMENSION = 256
"""From here on, one probe is quicker compared pair by pair than as a matrix that is filled up to the kernel's width."""
VECTOR_CAPABILITIES = frozenset(
    {
        "haswell", "alder", "sierra", "icelake", "sapphireamx",
        "neonsdot", "sme", "rvv", "powervsx", "loongsonasx", "v128relaxed",
    }
)  # fmt: skip
"""NumKong's names of what a processor must have for its int8 matrix kernels. Without any, it counts one by one."""

Int8Vectors = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Int8Choice:
    """Whether an index in memory compares int8 codes first, and why: for status pages and `doctor`."""

    library: ModuleType | None
    reason: str
    """One sentence for people."""


class ProbeProducts:
    """Products of rows with the same few probes, for one thread: what it answers is overwritten by its next answer."""

    def __init__(self, library: ModuleType, probes: Int8Vectors, rows: int) -> None:
        """
        Args:
            library: of an `Int8Choice`.
            probes: [n, dimension] of -127…127.
            rows: as many as will ever be asked for at once.
        """
        self._library = library
        self._probes = probes
        self._is_pairwise = len(probes) == 1 and probes.shape[1] >= PAIRWISE_DIMENSION
        if self._is_pairwise:
            self._pairwise = np.empty((1, rows), np.float64)
        else:
            self._packed: Any = library.dots_pack(probes)
            self._tensor: Any = library.empty((rows, len(probes)), dtype="int32")

    def of(self, rows: Int8Vectors) -> NDArray[Any]:
        """[n, rows] whole numbers, as float64 or int32, made without the interpreter.

        Args:
            rows: [rows, dimension] of -127…127.
        """
        if self._is_pairwise:
            into = self._pairwise[:, : len(rows)]
            self._library.cdist(self._probes, rows, "dot", out=into)
            return into
        into = self._tensor[: len(rows)]
        self._library.dots_packed(rows, self._packed, out=into)
        return np.asarray(into).T


@cache
def int8_choice() -> Int8Choice:
    """Looked up once in a process."""
    try:
        import numkong
    except ImportError as error:
        return Int8Choice(None, f"float32 alone: NumKong cannot be used ({error})")
    able = sorted(name for name, is_there in numkong.get_capabilities().items() if is_there)
    if VECTOR_CAPABILITIES.isdisjoint(able):
        return Int8Choice(None, "float32 alone: NumKong has no int8 kernel for this processor")
    if not _is_right(numkong):
        return Int8Choice(None, "float32 alone: NumKong multiplies int8 wrongly on this processor")
    return Int8Choice(
        numkong, f"int8 first, then float32 where that could change the answer: NumKong {version('numkong')}"
    )


def int8_library(dimension: int) -> ModuleType | None:
    """What vectors of this dimension are compared with first; None: float32 alone."""
    return int8_choice().library if dimension >= MIN_DIMENSION else None


def _is_right(library: ModuleType) -> bool:
    """A wrong product would hide faces without a word: a look at numbers of all sizes, by both ways."""
    random = np.random.default_rng(0)
    for dimension in (PAIRWISE_DIMENSION - 1, PAIRWISE_DIMENSION):
        rows = random.integers(-127, 128, (40, dimension), dtype=np.int8)
        rows[:2] = [[127], [-127]]
        for probes in (rows[:1], rows[1:6]):
            found = ProbeProducts(library, probes, len(rows)).of(rows)
            if not np.array_equal(found, probes.astype(np.int64) @ rows.T.astype(np.int64)):
                return False
    return True
