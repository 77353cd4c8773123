"""Memory that libraries give back is overwritten, for as long as it is asked: encoders leave their copies there."""

import ctypes
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import TracebackType
from typing import Self

M_PERTURB = -6
FILL = 0x55
_lock = threading.Lock()
_holders = 0


class FreedMemory:
    """A context; from `overwrite` to its end, glibc fills what is freed (mallopt, M_PERTURB), in the whole process.

    It costs every thread some time meanwhile, so it is asked for where copies of a result come and go. Other C
    libraries have no such switch: there it does nothing.
    """

    def __init__(self) -> None:
        self._is_asked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_asked:
            self._is_asked = False
            _count(-1)

    def overwrite(self) -> None:
        """From now on; a second call changes nothing."""
        if not self._is_asked:
            self._is_asked = True
            _count(1)


def _count(change: int) -> None:
    global _holders
    with _lock:
        before, _holders = _holders, _holders + change
        if bool(before) != bool(_holders):
            switch = _switch()
            if switch is not None:
                switch(M_PERTURB, FILL if _holders else 0)


@cache
def _switch() -> Callable[[int, int], int] | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return None
    return library.mallopt
