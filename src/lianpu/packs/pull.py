"""Pulls a pack of the catalogue: terms first, then the downloads, each checked, then the usual import."""

import io
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from lianpu.errors import LianpuError, PackDamagedError, PackExistsError, PackInvalidError, StorageError
from lianpu.packs.catalogued import CataloguedPack
from lianpu.packs.download import Downloads, RemoteFile
from lianpu.packs.folder import digest_problems, folder_name, read_pack
from lianpu.packs.install import import_pack
from lianpu.packs.licence import check_accepted
from lianpu.packs.manifest import MANIFEST_FILE, Pack, PackFile, PackManifest, format_manifest, parse_manifest
from lianpu.packs.source import PackSource, open_source
from lianpu.runtime.session import SessionFactory

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and those that will be (None: not known), of all files together."""


@dataclass(frozen=True, slots=True)
class Pulled:
    pack: Pack
    downloaded_bytes: int
    """Over the network this time; less than the files' size where a pull was resumed, 0 where nothing was to do."""


def pull_pack(
    entry: CataloguedPack,
    packs_dir: Path,
    sessions: SessionFactory,
    downloads: Downloads,
    *,
    accept_licence: bool,
    progress: Progress,
    is_cancelled: Callable[[], bool],
) -> Pulled:
    """Download and install a pack of the catalogue; where it is installed already, nothing is requested. Blocks.

    Args:
        progress: called often; cheap, please.
        is_cancelled: asked often; what has come stays for the next pull.

    Raises:
        PackLicenceError: the terms have to be accepted first; nothing was requested.
        PackExistsError: another pack has that name and version; likewise.
        PackDownloadError: no address gave a file.
        PackDigestError: only wrong files came.
        DownloadCancelled: `is_cancelled` said so.
        PackInvalidError, PackDamagedError: what came is no pack that can be installed.
        StorageError: the disk is full or cannot be written; what has come stays.
    """
    check_accepted(entry.licence, pack=entry.name, accepted=accept_licence)
    with _alone(entry, downloads, is_cancelled):
        installed = installed_of(entry, packs_dir)
        if installed is not None:
            return Pulled(installed, 0)
        done_bytes = downloaded_bytes = 0
        paths: dict[str, Path] = {}
        for file in entry.files:
            remote = RemoteFile(file.name, file.sha256, file.bytes, file.urls)
            fetched = downloads.fetch(remote, partial(_report, progress, entry, done_bytes), is_cancelled)
            paths[file.path] = fetched.path
            done_bytes += fetched.path.stat().st_size
            downloaded_bytes += fetched.received_bytes
        try:
            pack = _install(entry, paths, packs_dir, sessions, accept_licence=accept_licence)
        except StorageError:
            raise
        except LianpuError:
            # These very files will never do: only the catalogue can be mended.
            _discard(entry, downloads)
            raise
        _discard(entry, downloads)
        return Pulled(pack, downloaded_bytes)


@contextmanager
def _alone(entry: CataloguedPack, downloads: Downloads, is_cancelled: Callable[[], bool]) -> Generator[None]:
    """While no other pull installs this pack, nor one that shares a file with it, which it would delete when done."""
    with ExitStack() as stack:
        # Sorted: two pulls that share several files wait for each other in one order only.
        for what in (entry.label, *sorted({f"{file.sha256}.pull" for file in entry.files})):
            stack.enter_context(downloads.alone(what, is_cancelled))
        yield


def _discard(entry: CataloguedPack, downloads: Downloads) -> None:
    for file in entry.files:
        downloads.discard(file.sha256)


def installed_of(entry: CataloguedPack, packs_dir: Path) -> Pack | None:
    """The installed pack of that name and version; None where there is none, or where its files need replacing.

    Raises:
        PackExistsError: it is another one, by the digests of its files, its family or its terms, or damaged.
    """
    folder = packs_dir / folder_name(*entry.key)
    if not folder.exists():
        return None
    try:
        pack = read_pack(folder)
    except PackDamagedError as error:
        raise PackExistsError(
            f"A damaged pack '{entry.label}' is in the way; remove it first with `lianpu models remove {entry.label}`. "
            f"({error.detail})"
        ) from error
    if not is_pack_of(entry, pack.manifest):
        raise PackExistsError(
            f"Another pack '{entry.label}' is installed already, with other files or terms. Remove it first with "
            f"`lianpu models remove {entry.label}`, if it is not needed."
        )
    return None if digest_problems(pack) else pack


def is_pack_of(entry: CataloguedPack, manifest: PackManifest) -> bool:
    """Whether a pack of the entry's name and version is what the entry says, as far as its manifest tells.

    An archive's digest says nothing of the files in it: there family and licence have to do.
    """
    if manifest.family is not entry.family or manifest.licence.id != entry.licence.id:
        return False
    return entry.files[0].is_archive or manifest.digests == {file.path: file.sha256 for file in entry.files}


def _report(progress: Progress, entry: CataloguedPack, before: int, done: int, file_bytes: int | None) -> None:
    # Of a lone file the server may say what the catalogue does not know.
    progress(before + done, entry.size_bytes or (file_bytes if len(entry.files) == 1 else None))


def _install(
    entry: CataloguedPack, paths: dict[str, Path], packs_dir: Path, sessions: SessionFactory, *, accept_licence: bool
) -> Pack:
    if entry.files[0].is_archive:
        return _install_archive(entry, paths[entry.files[0].path], packs_dir, sessions, accept_licence=accept_licence)
    manifest = PackManifest(
        name=entry.name,
        version=entry.version,
        family=entry.family,
        summary=entry.summary,
        licence=entry.licence,
        files=tuple(
            PackFile(path=file.path, sha256=file.sha256, bytes=paths[file.path].stat().st_size) for file in entry.files
        ),
        roles=entry.roles,
        sources=tuple(url for file in entry.files for url in file.urls),
    )
    text = format_manifest(manifest).encode()
    openers: dict[str, Callable[[], BinaryIO]] = {path: partial(_open, file) for path, file in paths.items()}
    openers[MANIFEST_FILE] = partial(io.BytesIO, text)
    return import_pack(PackSource(entry.label, openers), packs_dir, sessions, accept_licence=accept_licence)


def _install_archive(
    entry: CataloguedPack, archive: Path, packs_dir: Path, sessions: SessionFactory, *, accept_licence: bool
) -> Pack:
    with open_source(archive) as source:
        if MANIFEST_FILE not in source.paths:
            return import_pack(
                source,
                packs_dir,
                sessions,
                name=entry.name,
                version=entry.version,
                accept_licence=accept_licence,
                licence=entry.licence,
            )
        described = parse_manifest(source.read_text(MANIFEST_FILE), f"{archive.name}/{MANIFEST_FILE}")
        if (described.name, described.version, described.family) != (*entry.key, entry.family):
            raise PackInvalidError(
                f"{archive.name} holds '{folder_name(described.name, described.version)}' of the family "
                f"'{described.family}', and the catalogue says '{entry.label}' of the family '{entry.family}'"
            )
        if described.licence.id != entry.licence.id:
            raise PackInvalidError(f"{archive.name} comes under other terms than the catalogue says")
        return import_pack(source, packs_dir, sessions, accept_licence=accept_licence)


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, path.open("rb"))
