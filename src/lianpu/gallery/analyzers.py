"""Loaded packs: each version is loaded once, at its first use, and shared by all requests; one of them is active."""

from collections import defaultdict
from threading import Lock

from lianpu.engines.face.analyzer import DEFAULT_OPTIONS, AnalyzerOptions, FaceAnalyzer, load_analyzer
from lianpu.gallery.indexes import PackKey
from lianpu.packs.folder import folder_name, split_name
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.session import SessionFactory


def key_of(analyzer: FaceAnalyzer) -> PackKey:
    return analyzer.pack_name, analyzer.pack_version


class Analyzers:
    """Packs by `name@version`, or by `name`: the active version where it is the active pack, else the newest.

    `get` and `resolve` may block (folders are read, networks translated and loaded): call them off the event loop.
    """

    def __init__(
        self,
        registry: PackRegistry,
        sessions: SessionFactory,
        default_pack: str,
        options: AnalyzerOptions = DEFAULT_OPTIONS,
    ) -> None:
        """`default_pack` is active until `activate` says otherwise; a bare name is fixed to a version at first use."""
        self._registry = registry
        self._sessions = sessions
        self._options = options
        self._active = default_pack
        self._loaded: dict[PackKey, FaceAnalyzer] = {}
        self._locks: defaultdict[PackKey, Lock] = defaultdict(Lock)

    @property
    def active(self) -> str:
        """`name@version` of the pack used where none is named; as configured while it could not be found yet."""
        return self._active

    @property
    def active_key(self) -> PackKey | None:
        """None: the active pack could not be found yet."""
        name, version = split_name(self._active)
        return None if version is None else (name, version)

    def activate(self, key: PackKey) -> None:
        """From now on requests that name no pack use this one; those that have begun keep theirs."""
        self._active = folder_name(*key)

    def resolve(self, named: str | None = None) -> PackKey:
        """Which version is meant.

        Raises:
            PackNotFoundError: there is none of that name or version.
        """
        active = self._active
        name, version = split_name(named or active)
        active_name, active_version = split_name(active)
        if version is None and name == active_name:
            version = active_version
        if version is not None and (name, version) in self._loaded:
            return name, version
        key = self._registry.resolve(name if version is None else folder_name(name, version))
        if version is None and name == active_name and self._active == active:
            # Another version that is installed later must not take over by itself.
            self._active = folder_name(*key)
        return key

    def get(self, named: str | None = None) -> FaceAnalyzer:
        """
        Raises:
            PackNotFoundError, PackIncompleteError, PackDamagedError, PackInvalidError: the pack cannot be used.
        """
        key = self.resolve(named)
        if key not in self._loaded:
            with self._locks[key]:
                if key not in self._loaded:
                    self._loaded[key] = load_analyzer(
                        self._registry.get(folder_name(*key)), self._sessions, self._options
                    )
        return self._loaded[key]

    def at_hand(self, named: str | None = None) -> FaceAnalyzer | None:
        """The pack where it is loaded and exactly named (or active). Never blocks."""
        name, version = split_name(named or self._active)
        return None if version is None else self._loaded.get((name, version))

    def loaded(self) -> dict[PackKey, FaceAnalyzer]:
        return dict(self._loaded)

    def unload(self, key: PackKey) -> bool:
        """Forget a pack; requests that have begun keep it until they end. False: it was not loaded."""
        return self._loaded.pop(key, None) is not None
