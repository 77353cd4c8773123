"""The enhancement engines at hand: installed and embedded packs, each loaded at its first use and shared."""

import logging
from dataclasses import dataclass
from threading import RLock

from lianpu.engines.face.engine import load_engine, naming
from lianpu.engines.restore.engine import FaceRestorer, RestorerEngine, Upscaler, UpscalerEngine
from lianpu.errors import EnhancementEngineNotFoundError, PackError, PackInvalidError
from lianpu.packs.embedded import realesrgan_pack
from lianpu.packs.folder import folder_name
from lianpu.packs.manifest import Family, Pack, PackManifest, RestorerRole, UpscalerRole
from lianpu.packs.registry import PackRegistry, PackState
from lianpu.runtime.session import SessionFactory

_log = logging.getLogger(__name__)

# Best first, by the beginning of their names; packs of other names come after, in the order of the alphabet. GFPGAN and
# RestoreFormer++ leave a face as it is more than CodeFormer does at its middle setting, and GPEN is the oldest.
_RESTORERS = ("gfpgan", "restoreformer", "codeformer", "gpen")
# Best first.
_EMBEDDED_UPSCALERS = (realesrgan_pack.X4PLUS.name, realesrgan_pack.COMPACT.name)


@dataclass(frozen=True, slots=True)
class LoadedRestorer:
    manifest: PackManifest
    restorer: FaceRestorer


@dataclass(frozen=True, slots=True)
class LoadedUpscaler:
    manifest: PackManifest
    upscaler: Upscaler

    @property
    def suits_faces(self) -> bool:
        role = self.manifest.roles.upscaler
        return role is not None and role.suits_faces


Loaded = LoadedRestorer | LoadedUpscaler


class EngineShelf:
    """Safe to use from several threads; blocks while a pack is translated or loaded."""

    def __init__(self, registry: PackRegistry, sessions: SessionFactory) -> None:
        self._registry = registry
        self._sessions = sessions
        self._loaded: dict[tuple[str, str], Loaded] = {}
        self._lock = RLock()

    def restorers(self) -> list[LoadedRestorer]:
        """Packs of the family `restore` that can be loaded, best first; of several versions the newest."""
        return [found for found in self._every(Family.RESTORE) if isinstance(found, LoadedRestorer)]

    def upscalers(self) -> list[LoadedUpscaler]:
        """Likewise of the family `upscale`; the embedded ones last, the fastest at the end."""
        return [found for found in self._every(Family.UPSCALE) if isinstance(found, LoadedUpscaler)]

    def get(self, name: str) -> Loaded:
        """
        Raises:
            EnhancementEngineNotFoundError: no pack of that name restores or enlarges; says which do.
            PackError: it is there and cannot be used.
        """
        names = self._names(Family.RESTORE) + self._names(Family.UPSCALE)
        if name not in names:
            raise EnhancementEngineNotFoundError(
                f"There is no enhancement engine '{name}'. At hand: {', '.join([*names, 'lanczos', 'none'])}.",
                context={"available": names},
            )
        return self._load(name)

    def _every(self, family: Family) -> list[Loaded]:
        found: list[Loaded] = []
        for name in self._names(family):
            try:
                found.append(self._load(name))
            except PackError as error:
                _log.warning("enhancement engine %s cannot be used: %s", name, error.detail)
        return found

    def _names(self, family: Family) -> list[str]:
        """Names of the packs of a family that have a role, each once, best first."""
        usable = {PackState.READY, PackState.INSTALLED}
        names = {
            status.name: None
            for status in self._registry.list()
            if status.state in usable and _has_role(status.manifest, status.name, family)
        }
        return sorted(names, key=lambda name: _rank(name, family))

    def _load(self, name: str) -> Loaded:
        with self._lock:
            pack = self._registry.get(name)
            key = (pack.name, pack.version)
            if key not in self._loaded:
                roles = pack.manifest.roles
                role = roles.restorer or roles.upscaler
                if role is None:
                    raise PackInvalidError(f"Pack '{name}' neither restores faces nor enlarges photos")
                with naming(role, pack):
                    self._loaded[key] = _built(load_engine(role.engine), role, pack, self._sessions)
            return self._loaded[key]


def _built(engine: object, role: RestorerRole | UpscalerRole, pack: Pack, sessions: SessionFactory) -> Loaded:
    if isinstance(role, RestorerRole) and isinstance(engine, RestorerEngine):
        return LoadedRestorer(pack.manifest, engine.build(role, pack, sessions))
    if isinstance(role, UpscalerRole) and isinstance(engine, UpscalerEngine):
        return LoadedUpscaler(pack.manifest, engine.build(role, pack, sessions))
    raise PackInvalidError("that engine is for another role")


def _has_role(manifest: PackManifest | None, name: str, family: Family) -> bool:
    if manifest is None:
        # Not translated yet, so it cannot say: of the embedded ones all that enlarge are called so.
        return family is Family.UPSCALE and name in _EMBEDDED_UPSCALERS
    roles = manifest.roles
    return (roles.restorer if family is Family.RESTORE else roles.upscaler) is not None


def enhancing_kind(manifest: PackManifest | None, name: str) -> str | None:
    """`restorer` or `upscaler`; None: the pack is neither. Nothing is loaded."""
    kinds = {Family.RESTORE: "restorer", Family.UPSCALE: "upscaler"}
    return next((kind for family, kind in kinds.items() if _has_role(manifest, name, family)), None)


def _rank(name: str, family: Family) -> tuple[int, str]:
    if family is Family.RESTORE:
        places = [place for place, prefix in enumerate(_RESTORERS) if name.startswith(prefix)]
        return (places[0] if places else len(_RESTORERS)), name
    return (_EMBEDDED_UPSCALERS.index(name) + 1 if name in _EMBEDDED_UPSCALERS else 0), name


def label(loaded: Loaded) -> str:
    """`name@version`."""
    return folder_name(loaded.manifest.name, loaded.manifest.version)


def key_of(loaded: Loaded) -> tuple[str, str]:
    return loaded.manifest.name, loaded.manifest.version
