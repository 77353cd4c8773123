"""The plug-in contract of face-swap engines, and the registry of those that are installed.

An installed package adds one by an entry point that names an instance of `SwapEngine`:

    [project.entry-points."lianpu.swap_engines"]
    my-swapper = "my_package.swap:MY_SWAPPER"

`build` is called once, at the first use; it must not load networks yet, nor raise for what `check` can tell.
"""

import importlib.metadata
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box, Image
from lianpu.engines.swap.builtin import BuiltinSwapper
from lianpu.engines.swap.integrations import InswapperIntegration, Integrations
from lianpu.engines.swap.swapper import (
    EngineReport,
    Finding,
    FrameSwapper,
    Readiness,
    SwapCapabilities,
    SwapFaces,
    Swapper,
)
from lianpu.errors import SwapEngineNotFoundError, SwapUnsupportedError
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.session import SessionFactory

SWAP_ENGINE_GROUP = "lianpu.swap_engines"


@dataclass(frozen=True, slots=True)
class SwapContext:
    """What an engine may use of this installation."""

    analyzer: Callable[[str | None], FaceAnalyzer]
    """A loaded pack by name; None: the active one. Raises as `Analyzers.get`."""
    sessions: Callable[[InswapperIntegration], SessionFactory]
    """Runs networks on what an integration asks for. Raises ProviderError."""
    registry: PackRegistry
    integrations: Callable[[], Integrations]
    """Reads the file anew. Raises IntegrationsInvalidError."""
    cache: Path
    """A folder for what can be made again."""


@dataclass(frozen=True, slots=True)
class SwapEngine:
    build: Callable[[str, SwapContext], Swapper]
    """Given the name of its entry point."""


class LiveSwapper(FrameSwapper, Protocol):
    """A frame swapper that can follow faces from frame to frame."""

    def follow(self, faces: SwapFaces) -> Callable[[object, Image], tuple[Image, Sequence[Box]]]: ...


@dataclass(frozen=True, slots=True)
class ListedEngine:
    name: str
    capabilities: SwapCapabilities | None
    """None: it cannot be built."""
    problem: str | None


class SwapEngines:
    """Every installed engine by name. Calls may block: run them off the event loop."""

    def __init__(self, context: SwapContext) -> None:
        self._context = context
        self._built: dict[str, Swapper] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        return sorted(importlib.metadata.entry_points(group=SWAP_ENGINE_GROUP).names)

    def list(self) -> list[ListedEngine]:
        """All of them, whether or not they can be used; nothing is checked."""
        listed: list[ListedEngine] = []
        for name in self.names():
            try:
                listed.append(ListedEngine(name, self.get(name).capabilities(), None))
            except SwapEngineNotFoundError as error:
                listed.append(ListedEngine(name, None, error.detail))
        return listed

    def get(self, name: str) -> Swapper:
        """
        Raises:
            SwapEngineNotFoundError: none of that name is installed, or its package cannot be imported.
        """
        with self._lock:
            if name not in self._built:
                self._built[name] = _engine(name, self.names()).build(name, self._context)
            return self._built[name]

    def frames(self, name: str) -> LiveSwapper:
        """The engine as what swaps pictures of a camera.

        Raises:
            SwapEngineNotFoundError: see `get`.
            SwapUnsupportedError: it makes files only.
        """
        engine = self.get(name)
        if not isinstance(engine, BuiltinSwapper):
            raise SwapUnsupportedError(f"The engine '{name}' swaps photos and videos, and no live pictures.")
        return engine

    def check(self, name: str, *, deep: bool = False) -> EngineReport:
        """
        Raises:
            SwapEngineNotFoundError: none of that name is installed.
        """
        try:
            engine = self.get(name)
        except SwapEngineNotFoundError as error:
            if name not in self.names():
                raise
            finding = Finding("plug-in", is_ok=False, detail=error.detail)
            return EngineReport(name, Readiness.BROKEN, None, None, [finding])
        return engine.check(deep=deep)


def _engine(name: str, known: Sequence[str]) -> SwapEngine:
    entry_points = importlib.metadata.entry_points(group=SWAP_ENGINE_GROUP, name=name)
    if not entry_points:
        raise SwapEngineNotFoundError(f"No engine '{name}' is installed. Installed: {', '.join(known) or 'none'}.")
    entry_point = next(iter(entry_points))
    try:
        engine: object = entry_point.load()
    except (ImportError, AttributeError) as error:
        raise SwapEngineNotFoundError(
            f"The engine '{name}' ({entry_point.value}) cannot be imported: {error}"
        ) from error
    if not isinstance(engine, SwapEngine):
        raise SwapEngineNotFoundError(f"The entry point '{name}' ({entry_point.value}) is no face-swap engine.")
    return engine
