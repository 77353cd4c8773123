"""How long engines take on this machine: each is measured once, when it is first asked for, and remembered."""

import time
from collections.abc import Callable
from threading import Lock

import numpy as np

from lianpu.engines.restore.engine import FaceRestorer, Upscaler

_PROBE_PX = 64
_FAITHFUL = 0.5

EngineKey = tuple[str, str]
"""Name and version of a pack."""


class Speeds:
    """Safe to use from several threads. What else runs meanwhile makes engines look slower than they are."""

    def __init__(self) -> None:
        self._known: dict[tuple[EngineKey, int], float] = {}
        self._lock = Lock()

    def of_upscaler(self, key: EngineKey, upscaler: Upscaler, native: int) -> float:
        """Seconds for each pixel that goes in, by the network of one of the upscaler's scales."""
        side = upscaler.tile_px if upscaler.has_fixed_tiles else min(upscaler.tile_px, _PROBE_PX)
        tile = np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)
        return self._measured((key, native), lambda: upscaler.enlarge(tile, native)) / side**2

    def of_restorer(self, key: EngineKey, restorer: FaceRestorer) -> float:
        """Seconds for a face."""
        side = restorer.side_px
        crop = np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)
        return self._measured((key, 0), lambda: restorer.restore(crop, _FAITHFUL))

    def known(self, key: EngineKey, native: int = 0) -> bool:
        """Whether it was measured already; `native` is 0 for restorers."""
        return (key, native) in self._known

    def _measured(self, key: tuple[EngineKey, int], run: Callable[[], object]) -> float:
        with self._lock:
            if key not in self._known:
                run()  # the first run of a network makes its plan and its memory
                started = time.perf_counter()
                run()
                self._known[key] = time.perf_counter() - started
            return self._known[key]
