"""What the service needs of the registry of swap engines."""

from collections.abc import Callable, Sequence
from typing import Protocol

from lianpu.engines.face.face import Box, Image
from lianpu.engines.swap.swapper import EngineReport, Readiness, SwapCapabilities, SwapFaces, SwapKind, Swapper
from lianpu.errors import SwapEngineNotReadyError, SwapUnsupportedError

SwapFrame = Callable[[object, Image], tuple[Image, Sequence[Box]]]
"""A prepared source and a frame: the frame with its faces replaced, and where. For one thread."""


class LiveEngine(Protocol):
    """An engine that follows faces from frame to frame."""

    def prepare(self, source: Image) -> object: ...

    def follow(self, faces: SwapFaces) -> SwapFrame: ...


class Listed(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> SwapCapabilities | None:
        """None: it cannot be built."""
        ...


class EngineShelf(Protocol):
    """Every installed engine by name. Calls may block: run them off the event loop."""

    def list(self) -> Sequence[Listed]: ...

    def get(self, name: str) -> Swapper:
        """
        Raises:
            SwapEngineNotFoundError: none of that name is installed.
        """
        ...

    def frames(self, name: str) -> LiveEngine:
        """
        Raises:
            SwapEngineNotFoundError: see `get`.
            SwapUnsupportedError: it makes files only.
        """
        ...

    def check(self, name: str, *, deep: bool = False) -> EngineReport: ...


def ready_engine(shelf: EngineShelf, name: str, kind: SwapKind) -> Swapper:
    """The engine, if it is ready for this. Blocks.

    Raises:
        SwapEngineNotFoundError: none of that name is installed.
        SwapUnsupportedError: it does not make what is wanted.
        SwapEngineNotReadyError: something is missing; the detail says what.
    """
    engine = shelf.get(name)
    if kind not in engine.capabilities().kinds:
        raise SwapUnsupportedError(f"The engine {name!r} does not swap faces in the kind {kind.value!r}.")
    report = shelf.check(name)
    if report.readiness not in {Readiness.READY, Readiness.DEGRADED}:
        wrong = next((finding for finding in report.findings if not finding.is_ok), None)
        why = report.readiness.value if wrong is None else f"{wrong.name}: {wrong.detail} {wrong.advice or ''}".strip()
        raise SwapEngineNotReadyError(f"The engine {name!r} is not ready. {why}")
    return engine
