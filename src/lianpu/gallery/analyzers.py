"""Loaded packs: each analyzer is made once, at its first use, and shared by all requests."""

from collections import defaultdict
from threading import Lock

from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.session import SessionFactory


class Analyzers:
    """`get` may block for seconds (translation, loading): call it off the event loop."""

    def __init__(self, registry: PackRegistry, sessions: SessionFactory, default_pack: str) -> None:
        self.default_pack = default_pack
        self._registry = registry
        self._sessions = sessions
        self._loaded: dict[str, FaceAnalyzer] = {}
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    def get(self, pack: str | None = None) -> FaceAnalyzer:
        """
        Raises:
            PackNotFoundError, PackIncompleteError, PackDamagedError, PackInvalidError: the pack cannot be used.
        """
        name = pack or self.default_pack
        if name not in self._loaded:
            with self._locks[name]:
                if name not in self._loaded:
                    self._loaded[name] = load_analyzer(self._registry.get(name), self._sessions)
        return self._loaded[name]

    def loaded(self) -> dict[str, FaceAnalyzer]:
        return dict(self._loaded)
