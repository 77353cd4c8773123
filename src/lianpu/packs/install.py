"""Imports packs into the packs folder and removes them: staged beside their place, checked, then renamed into it."""

import contextlib
import shutil
import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lianpu.errors import (
    ConflictError,
    PackDamagedError,
    PackExistsError,
    PackInUseError,
    PackInvalidError,
    PackNotFoundError,
    StorageError,
)
from lianpu.packs.compose import Composition, compose_manifest
from lianpu.packs.folder import digest_problems, folder_name, installed_folders, read_pack, split_name
from lianpu.packs.licence import check_accepted, format_acceptance
from lianpu.packs.manifest import (
    ACCEPTANCE_FILE,
    MANIFEST_FILE,
    Licence,
    Pack,
    PackManifest,
    format_manifest,
    parse_manifest,
)
from lianpu.packs.registry import EMBEDDED_PACKS
from lianpu.packs.source import DEFAULT_LIMITS, PackSource, SourceLimits, open_source
from lianpu.packs.verify import load_problems
from lianpu.runtime.session import SessionFactory

# No import takes that long, so what is older belongs to none that still runs.
_LEFTOVER_AGE_S = 24 * 3600


def import_pack(
    source: Path | PackSource | None,
    packs_dir: Path,
    sessions: SessionFactory,
    *,
    name: str | None = None,
    version: str | None = None,
    detector: str | None = None,
    embedder: str | None = None,
    liveness: Sequence[str] = (),
    accept_licence: bool = False,
    licence: str | Licence | None = None,
    limits: SourceLimits = DEFAULT_LIMITS,
) -> Pack:
    """Install a pack; importing the same again changes nothing and returns the installed one.

    Args:
        source: a folder or zip archive with a `pack.toml`, with InsightFace's networks (and its `manifest.json`, if
            any), or with plain ONNX files whose roles are recognised from their graphs; an ONNX file alone; any of them
            opened already; or None where `detector` and `embedder` name both files, or `liveness` some.
        packs_dir: made where it is missing.
        sessions: loads every network once, before the pack is installed.
        name: of the new pack; by default what the source says, else its file name.
        version: of the new pack; by default what the source says, else 1.
        detector: the file to use as detector, inside the source or anywhere.
        embedder: likewise.
        liveness: likewise the files of the networks that tell live faces from pictures; a pack may have these alone.
        accept_licence: the person accepts the terms of the weights.
        licence: terms of weights of unknown origin, or their SPDX id.
        limits: what the import may take.

    Raises:
        PackInvalidError: the source is no pack, holds unsafe paths, is too large, or does not fit together.
        PackDamagedError: a file is not the one the manifest names, or a network does not load or answer.
        PackLicenceError: the terms have to be accepted first.
        PackExistsError: another pack of that name and version is installed.
        StorageError: the packs folder cannot be written.
    """
    with ExitStack() as stack:
        if isinstance(source, PackSource):
            files = source
        elif source is not None:
            files = stack.enter_context(open_source(source, limits))
        else:
            files = PackSource("the files given", {}, limits)
        staging = stack.enter_context(_staging(packs_dir))
        if MANIFEST_FILE in files.paths:
            if liveness or any(given is not None for given in (name, version, detector, embedder, licence)):
                raise PackInvalidError(
                    f"{files.origin} has a {MANIFEST_FILE}, which says name, version, roles and licence itself"
                )
            manifest = _copy_described(files, staging)
        else:
            wanted = Composition(name, version, detector, embedder, licence, tuple(liveness))
            manifest = compose_manifest(files, staging, sessions, wanted)
        if manifest.name in EMBEDDED_PACKS:
            raise PackInvalidError(f"'{manifest.name}' is the name of an embedded pack; import it under another name")
        check_accepted(manifest.licence, pack=manifest.name, accepted=accept_licence)
        installed = _same_installed(manifest, packs_dir)
        if installed is not None:
            return installed
        problems = load_problems(Pack(manifest, staging), sessions)
        if problems:
            raise PackDamagedError(f"Pack '{manifest.name}' was not installed: {'; '.join(problems)}")
        (staging / MANIFEST_FILE).write_text(format_manifest(manifest), encoding="utf-8", newline="\n")
        if manifest.licence.acceptance:
            (staging / ACCEPTANCE_FILE).write_text(format_acceptance(manifest.licence), encoding="utf-8", newline="\n")
        return _publish(staging, manifest, packs_dir)


def remove_pack(named: str, packs_dir: Path) -> Path:
    """Delete an installed pack (`name`, or `name@version` where several versions are installed), damaged or not.

    Returns:
        The folder that was.

    Raises:
        PackNotFoundError: there is none.
        PackInUseError: it is embedded.
        ConflictError: several versions are installed and none was named.
        StorageError: it cannot be deleted.
    """
    name, version = split_name(named)
    if name in EMBEDDED_PACKS:
        raise PackInUseError(
            f"'{name}' is part of the installation: its weights come with the Python package "
            f"{EMBEDDED_PACKS[name].distribution}, and go with it."
        )
    folders = installed_folders(packs_dir, name)
    if version is not None:
        folders = [folder for folder in folders if folder.name == folder_name(name, version)]
    if not folders:
        raise PackNotFoundError(f"No pack '{named}' is installed.")
    if len(folders) > 1:
        raise ConflictError(f"Several versions are installed; name one: {', '.join(f.name for f in folders)}.")
    try:
        _discard(folders[0], packs_dir)
    except OSError as error:
        raise StorageError(f"Pack '{named}' cannot be removed: {error.strerror}") from error
    return folders[0]


def _copy_described(files: PackSource, staging: Path) -> PackManifest:
    """Copy what the source's own manifest lists, and compare."""
    manifest = parse_manifest(files.read_text(MANIFEST_FILE), f"{files.origin}/{MANIFEST_FILE}")
    for file in manifest.files:
        copied = files.copy(file.path, staging / file.path)
        if copied.size_bytes != file.bytes:
            raise PackDamagedError(
                f"{files.origin}: {file.path} has {copied.size_bytes} bytes instead of {file.bytes}; it was cut short"
            )
        if copied.sha256 != file.sha256:
            raise PackDamagedError(f"{files.origin}: {file.path} has SHA-256 {copied.sha256} instead of {file.sha256}")
    return manifest


def _same_installed(manifest: PackManifest, packs_dir: Path) -> Pack | None:
    """The installed pack that is this one already; None where there is none, or where its files need replacing."""
    folder = packs_dir / folder_name(manifest.name, manifest.version)
    if not folder.exists():
        return None
    try:
        installed = read_pack(folder)
    except PackDamagedError as error:
        raise PackExistsError(
            f"A damaged pack '{folder.name}' is in the way; remove it first with "
            f"`lianpu models remove {folder.name}`. ({error.detail})"
        ) from error
    # Where it was imported from is told in the summary; the same weights from a folder and from a zip are one pack.
    if installed.manifest.model_copy(update={"summary": manifest.summary}) != manifest:
        raise PackExistsError(
            f"Another pack '{folder.name}' is installed already, with other files, roles or terms. Import this one "
            "with another --name or --version, so that faces embedded by the two are never compared; or remove that "
            "one first."
        )
    return None if digest_problems(installed) else installed


def _publish(staging: Path, manifest: PackManifest, packs_dir: Path) -> Pack:
    folder = packs_dir / folder_name(manifest.name, manifest.version)
    if folder.exists() and _same_installed(manifest, packs_dir) is None:
        # Same manifest, damaged files: this import mends them.
        _discard(folder, packs_dir)
    try:
        staging.rename(folder)
    except OSError as error:
        # A folder that is there now was put there by another import while this one was being checked.
        installed = _same_installed(manifest, packs_dir)
        if installed is None:
            raise StorageError(f"Pack '{folder.name}' cannot be put in place: {error.strerror}") from error
        return installed
    return Pack(manifest, folder)


@contextmanager
def _staging(packs_dir: Path) -> Generator[Path]:
    """A folder on the same file system, so that a rename puts the pack in place whole; gone afterwards."""
    staging = packs_dir / f".import-{uuid.uuid4().hex}"
    try:
        packs_dir.mkdir(parents=True, exist_ok=True)
        _sweep(packs_dir)
        staging.mkdir()
        yield staging
    except OSError as error:
        raise StorageError(f"The packs folder {packs_dir} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sweep(packs_dir: Path) -> None:
    """Delete what imports and removals that were cut off have left behind."""
    for leftover in (*packs_dir.glob(".import-*"), *packs_dir.glob(".removed-*")):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _LEFTOVER_AGE_S:
                shutil.rmtree(leftover, ignore_errors=True)


def _discard(folder: Path, packs_dir: Path) -> None:
    """Delete a folder so that no reader ever sees half of it."""
    grave = packs_dir / f".removed-{uuid.uuid4().hex}"
    with contextlib.suppress(FileNotFoundError):
        folder.rename(grave)
    shutil.rmtree(grave, ignore_errors=True)
