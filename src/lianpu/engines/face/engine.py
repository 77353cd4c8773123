"""The plug-in contract of face engines: what a name of the entry-point group `lianpu.engines` stands for.

An engine is code, a pack is weights. An installed package adds one by an entry point that names an instance of one of
the five classes here:

    [project.entry-points."lianpu.engines"]
    my-detector = "my_package.faces:MY_DETECTOR"

and a `pack.toml` uses it by `engine = "my-detector"`. `build` is called once for each pack that is loaded. It opens
ONNX files through the session factory it is given, finds files with `pack.path_of`, and raises PackInvalidError for
options or networks that are not its own, PackDamagedError for files it cannot read.
"""

import importlib.metadata
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lianpu.engines.face.face import (
    FaceAttributePredictor,
    FaceDetector,
    FaceEmbedder,
    FaceLiveness,
    LandmarkPredictor,
    LandmarkScheme,
)
from lianpu.errors import PackDamagedError, PackIncompleteError, PackInvalidError
from lianpu.packs.manifest import (
    AttributesRole,
    DetectorRole,
    EmbedderRole,
    FilledRole,
    LandmarksRole,
    LivenessRole,
    Option,
    Pack,
)
from lianpu.packs.verify import ENGINE_GROUP, engine_names
from lianpu.runtime.session import Session, SessionFactory


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    detector: FaceDetector
    gives: LandmarkScheme | None
    """The landmarks its faces carry; None where it gives boxes alone."""


@dataclass(frozen=True, slots=True)
class LoadedEmbedder:
    embedder: FaceEmbedder
    needs: LandmarkScheme
    """The landmarks it aligns by."""


@dataclass(frozen=True, slots=True)
class DetectorEngine:
    build: Callable[[DetectorRole, Pack, SessionFactory], LoadedDetector]


@dataclass(frozen=True, slots=True)
class LandmarksEngine:
    build: Callable[[LandmarksRole, Pack, SessionFactory], LandmarkPredictor]


@dataclass(frozen=True, slots=True)
class EmbedderEngine:
    build: Callable[[EmbedderRole, Pack, SessionFactory], LoadedEmbedder]


@dataclass(frozen=True, slots=True)
class LivenessEngine:
    build: Callable[[LivenessRole, Pack, SessionFactory], FaceLiveness]


@dataclass(frozen=True, slots=True)
class AttributesEngine:
    build: Callable[[AttributesRole, Pack, SessionFactory], FaceAttributePredictor]


Engine = DetectorEngine | LandmarksEngine | EmbedderEngine | LivenessEngine | AttributesEngine


def find_engine(name: str) -> Engine:
    """The installed engine of that name.

    Raises:
        PackIncompleteError: none is installed, or the package it comes from cannot be imported.
        PackInvalidError: the entry point stands for something else.
    """
    engine = load_engine(name)
    if not isinstance(engine, Engine):
        raise PackInvalidError(f"The engine '{name}' is no face engine")
    return engine


def load_engine(name: str) -> object:
    """What the entry point of that name stands for, of whatever kind.

    Raises:
        PackIncompleteError: none is installed, or the package it comes from cannot be imported.
    """
    entry_points = importlib.metadata.entry_points(group=ENGINE_GROUP, name=name)
    if not entry_points:
        installed = ", ".join(sorted(engine_names())) or "none; reinstall Lianpu"
        raise PackIncompleteError(f"No engine '{name}' is installed (installed: {installed})")
    entry_point = next(iter(entry_points))
    try:
        return entry_point.load()
    except (ImportError, AttributeError) as error:
        raise PackIncompleteError(f"The engine '{name}' ({entry_point.value}) cannot be imported: {error}") from error


class ProviderRecorder:
    """Opens sessions as the factory behind it does, and remembers which providers run them."""

    def __init__(self, sessions: SessionFactory) -> None:
        self._sessions = sessions
        self.providers: dict[str, None] = {}

    def open(self, model: Path, *, may_round: bool = False) -> Session:
        session = self._sessions.open(model, may_round=may_round)
        self.providers[session.provider] = None
        return session


@contextmanager
def naming(role: FilledRole, pack: Pack) -> Generator[None]:
    """Engines know their network alone: say which pack and file an error is about."""
    files = ", ".join(role.files)
    try:
        yield
    except PackDamagedError as error:
        raise PackDamagedError(
            f"Pack '{pack.name}': {files} is damaged: {error.detail}. See `lianpu models verify {pack.name}`.",
            context=error.context,
        ) from error
    except PackIncompleteError as error:
        raise PackIncompleteError(f"Pack '{pack.name}': {error.detail}", context=error.context) from error
    except PackInvalidError as error:
        raise PackInvalidError(
            f"Pack '{pack.name}': {files} with engine '{role.engine}': {error.detail}", context=error.context
        ) from error


def check_options(options: dict[str, Option], allowed: dict[str, type]) -> None:
    """Let only known options of the right type pass; a whole number counts as a fraction too.

    Raises:
        PackInvalidError: an option is unknown or of another type.
    """
    for name, value in options.items():
        if name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise PackInvalidError(f"option '{name}' is unknown (known: {known})")
        wanted = allowed[name]
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise PackInvalidError(f"option '{name}' must be of type {wanted.__name__}")
