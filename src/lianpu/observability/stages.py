"""The stages that are measured: `with stage(Stage.DETECT, pack):` around the work, wherever it is done."""

import time
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from enum import StrEnum
from types import TracebackType
from typing import Any

from lianpu.observability.instruments import Instruments, current_instruments


class Stage(StrEnum):
    DECODE = "decode"
    DETECT = "detect"
    LANDMARKS = "landmarks"
    ALIGN = "align"
    """Part of `embed`."""
    EMBED = "embed"
    LIVENESS = "liveness"
    ATTRIBUTES = "attributes"
    QUALITY = "quality"
    SEARCH = "search"
    INFER = "infer"
    """An inference model, whatever it finds."""
    RESTORE = "restore"
    UPSCALE = "upscale"
    ENCODE = "encode"
    SWAP = "swap"


_pack: ContextVar[str] = ContextVar("stage_pack", default="")
_NOTHING: AbstractContextManager[None] = nullcontext()


def stage(name: Stage, pack: str = "") -> AbstractContextManager[None]:
    """Measure what is done within, for the platform at work; outside of one it costs nothing.

    Args:
        pack: `name@version` of the pack, or what else does it; empty: that of the stage around this one, if any.
    """
    instruments = current_instruments()
    return _NOTHING if instruments is None else _Measured(instruments, name, pack)


def count_faces(name: Stage, pack: str, count: int) -> None:
    """A stage found, or worked on, so many faces."""
    instruments = current_instruments()
    if instruments is not None and count:
        instruments.stages.count_faces(name, pack, count)


class _Measured(AbstractContextManager[None]):
    __slots__ = ("_instruments", "_name", "_outer", "_pack", "_span", "_started")

    def __init__(self, instruments: Instruments, name: Stage, pack: str) -> None:
        self._instruments = instruments
        self._name = name
        self._pack = pack or _pack.get()

    def __enter__(self) -> None:
        self._outer: Token[str] = _pack.set(self._pack)
        tracing = self._instruments.tracing
        self._span: AbstractContextManager[Any] | None = None
        if tracing is not None:
            self._span = tracing.inner_span(self._name.value, {"lianpu.pack": self._pack} if self._pack else {})
            self._span.__enter__()
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        elapsed_s = time.perf_counter() - self._started
        self._instruments.stages.observe(self._name, self._pack, elapsed_s)
        if self._span is not None:
            self._span.__exit__(kind, error, traceback)
        _pack.reset(self._outer)
