"""Models dropped into `HOME/models`: folders with a network, its labels and a `model.toml`, never with code."""

import logging
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

from lianpu.engines.classify.classifier import contract_problems, input_size
from lianpu.engines.classify.preparation import Preparation
from lianpu.errors import FieldError, InferenceModelUnavailableError, LianpuError, PackDamagedError
from lianpu.inference.folder_classifier import FolderClassifier
from lianpu.inference.manifest import MANIFEST_FILE, ModelManifest, parse_labels, parse_manifest
from lianpu.inference.model import MODEL_NAME_PATTERN
from lianpu.inference.offer import ModelSource, Offer
from lianpu.runtime.network_file import NetworkFile, read_network_file

MAX_MANIFEST_BYTES = 64 << 10
MAX_LABELS_BYTES = 4 << 20

Signature = tuple[tuple[str, int, int], ...]
"""Name, size and time of the last change of every file in a folder."""

_log = logging.getLogger(__name__)


class ModelFolders:
    """Looks into a folder that need not exist; each model's folder is read again only when a file in it changes."""

    def __init__(self, models_dir: Path) -> None:
        self.models_dir = models_dir
        self._known: dict[str, Offer] = {}

    def names(self) -> list[str]:
        """Folders that are there now, sorted; hidden ones are passed over."""
        try:
            found = [entry for entry in self.models_dir.iterdir() if not entry.name.startswith(".")]
            return sorted(entry.name for entry in found if entry.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            # The other models must not suffer.
            _log.error("the inference models in %s cannot be listed: %s", self.models_dir, error.strerror or error)
            return []

    def offer(self, name: str) -> Offer | None:
        """The model of one folder, with the reason where it is of no use; None: there is no such folder."""
        # Compared, never followed: a name from outside must not lead anywhere else.
        if name not in self.names():
            self._known.pop(name, None)
            return None
        signature = self.signature(name)
        known = self._known.get(name)
        if known is None or known.signature != signature:
            known = self._known[name] = _read(self.models_dir / name, signature)
        return known

    def is_described(self, name: str) -> bool:
        """Whether the folder claims to be a model; one without a manifest may hold the weights of a plug-in."""
        return (self.models_dir / name / MANIFEST_FILE).is_file()

    def signature(self, name: str) -> Signature:
        """Another one means that a file came, went or changed."""
        return tuple(sorted(_files(self.models_dir / name)))


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    for place, _, files in os.walk(folder):
        for file in files:
            path = Path(place, file)
            try:
                status = path.stat()
            except OSError:  # gone since, or a link to nothing
                yield path.relative_to(folder).as_posix(), -1, 0
            else:
                yield path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns


def _read(folder: Path, signature: Signature) -> Offer:
    origin = f"folder models/{folder.name}"
    errors: tuple[FieldError, ...] = ()
    try:
        if not re.fullmatch(MODEL_NAME_PATTERN, folder.name):
            raise InferenceModelUnavailableError("the folder's name may hold a-z 0-9 . _ - alone, at most 63")
        manifest = parse_manifest(_text(folder, MANIFEST_FILE, MAX_MANIFEST_BYTES))
        return Offer.of(_classifier(folder, manifest), ModelSource.FOLDER, origin, signature)
    except LianpuError as error:
        problem, errors = error.detail, error.errors
    except OSError as error:
        problem = f"its files cannot be read: {error.strerror or error}"
    text = f"The folder models/{folder.name} cannot be used: {problem}."
    return Offer(folder.name, ModelSource.FOLDER, origin, problem=text, errors=errors, signature=signature)


def _classifier(folder: Path, manifest: ModelManifest) -> partial[FolderClassifier]:
    """
    Raises:
        InferenceModelUnavailableError: names everything that is wrong with the labels and the network.
    """
    problems: list[str] = []
    if manifest.name != folder.name:
        problems.append(f"{MANIFEST_FILE} is called {manifest.name!r}, and the folder {folder.name!r}")
    labels: tuple[str, ...] = ()
    network: NetworkFile | None = None
    try:
        labels = parse_labels(_text(folder, manifest.labels, MAX_LABELS_BYTES))
    except InferenceModelUnavailableError as error:
        problems.append(error.detail)
    try:
        network = read_network_file(_inside(folder, manifest.network))
    except (InferenceModelUnavailableError, PackDamagedError) as error:
        problems.append(error.detail)
    if network is not None:
        problems += _external_problems(folder, network)
        size = manifest.input.size or input_size(network.inputs, manifest.input.layout)
        if size is None:
            problems.append("input.size is needed: the network takes images of any size")
        else:
            preparation = Preparation(*size, **manifest.input.model_dump(exclude={"size"}))
            problems += contract_problems(network.inputs, network.outputs, len(labels) or None, preparation)
            if not problems:
                return partial(FolderClassifier, manifest, labels, preparation)
    raise InferenceModelUnavailableError("; ".join(problems))


def _external_problems(folder: Path, network: NetworkFile) -> list[str]:
    """Weights in further files are read by the runtime wherever they lie: only those in the folder are let through."""
    problems: list[str] = []
    for location in network.external_files:
        # As either system would read it: `..\x` is a plain name here and a way out on Windows.
        leads_out = any(kind(location).is_absolute() or ".." in kind(location).parts for kind in _PATHS)
        if not location or leads_out or PureWindowsPath(location).drive:
            problems.append(f"the network keeps weights in {location!r}, which is outside of its folder")
        elif not (folder / location).resolve().is_relative_to(folder.resolve()):
            problems.append(f"the network keeps weights in {location!r}, a link that leads out of its folder")
        elif not (folder / location).is_file():
            problems.append(f"the network keeps weights in {location!r}, which is missing")
    return problems


_PATHS = (PurePosixPath, PureWindowsPath)


def _inside(folder: Path, file: str) -> Path:
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InferenceModelUnavailableError(f"{file} is a link that leads out of the folder")
    return path


def _text(folder: Path, file: str, max_bytes: int) -> str:
    path = _inside(folder, file)
    if not path.is_file():
        raise InferenceModelUnavailableError(f"{file} is missing")
    if path.stat().st_size > max_bytes:
        raise InferenceModelUnavailableError(f"{file} has more than {max_bytes} bytes")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InferenceModelUnavailableError(f"{file} is no UTF-8 text") from error
