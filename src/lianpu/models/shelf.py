"""What an administrator does to packs: see which can be pulled, load, unload and remove them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.errors import ConflictError, PackInUseError, PackNotFoundError
from lianpu.gallery.gallery import Gallery
from lianpu.gallery.indexes import PackKey
from lianpu.packs.catalogued import Catalogue, CataloguedPack, read_catalogue
from lianpu.packs.download import Downloads
from lianpu.packs.folder import folder_name, split_name
from lianpu.packs.install import remove_pack
from lianpu.packs.pull import is_pack_of
from lianpu.packs.registry import PackRegistry, PackState, PackStatus
from lianpu.packs.transfer import shown_address
from lianpu.packs.verify import engine_names
from lianpu.settings import LivenessMode


@dataclass(frozen=True, slots=True)
class AvailablePack:
    """An entry of the catalogue, and whether a pull of it would help."""

    entry: CataloguedPack
    is_installed: bool
    problem: str | None
    """Why it cannot be pulled; None: it can, or is installed."""
    sources: tuple[tuple[str, ...], ...]
    """Addresses of each file, mirrors first, without credentials."""


@dataclass(frozen=True, slots=True)
class RemovedPack:
    key: PackKey
    embeddings: int
    """Images of the gallery that were embedded by it; their vectors stay stored."""


class Shelf:
    def __init__(
        self,
        registry: PackRegistry,
        gallery: Gallery,
        downloads: Downloads,
        catalogues: Sequence[Path],
        configured_packs: Sequence[str],
    ) -> None:
        """
        Args:
            catalogues: the administrator's own, besides Lianpu's.
            configured_packs: those of `packs.generate`; they are not removed under the server's feet.
        """
        self._registry = registry
        self._gallery = gallery
        self._downloads = downloads
        self._catalogues = tuple(catalogues)
        self._configured_packs = tuple(configured_packs)

    def catalogue(self) -> Catalogue:
        """Read anew each time: an entry added to a file is there at once. Blocks.

        Raises:
            PackInvalidError: a catalogue cannot be read or is not valid.
        """
        return read_catalogue(self._catalogues)

    async def available(self) -> list[AvailablePack]:
        """
        Raises:
            PackInvalidError: a catalogue cannot be read or is not valid.
        """
        return await asyncio.to_thread(self._available)

    async def load(self, named: str) -> FaceAnalyzer:
        """Load a pack's networks and its part of the gallery, so that the first request need not wait.

        Raises:
            PackNotFoundError, PackIncompleteError, PackDamagedError, PackInvalidError: the pack cannot be used.
        """
        analyzer = await asyncio.to_thread(self._gallery.analyzers.get, named)
        key = (analyzer.pack_name, analyzer.pack_version)
        await self._gallery.indexes.index_of(key, analyzer.dimension, analyzer.metric)
        return analyzer

    async def unload(self, named: str) -> tuple[PackKey, bool]:
        """Forget a pack's networks and its index; it is loaded again when it is next needed.

        Returns:
            Which pack, and whether it was loaded.

        Raises:
            PackNotFoundError: there is none of that name or version.
            PackInUseError: it is the active one.
        """
        key = await asyncio.to_thread(self._gallery.analyzers.resolve, named)
        if key == self._gallery.analyzers.active_key:
            raise PackInUseError(
                f"'{folder_name(*key)}' is the default pack: make another one the default before it is unloaded."
            )
        return key, await self._forget(key)

    async def remove(self, named: str, *, force: bool) -> RemovedPack:
        """Delete an imported pack, damaged or not; its embeddings stay stored and are no longer found by.

        Raises:
            PackNotFoundError: there is none of that name or version.
            ConflictError: several versions are installed and none was named.
            PackInUseError: it is embedded, active, the liveness pack, a shadow candidate or one of `packs.generate`;
                or the gallery holds embeddings of it, and `force` is false.
            StorageError: it cannot be deleted.
        """
        status = await asyncio.to_thread(self._installed, named)
        key = (status.name, status.version)
        await asyncio.to_thread(self._refuse_configured, key)
        coverage = await self._gallery.coverage.of(key)
        if coverage.embedded and not force:
            raise PackInUseError(
                f"{coverage.embedded} images of the gallery are embedded by '{folder_name(*key)}'. Without it they "
                "cannot be searched by it; the way back to it would be to install it again. Pass force=true (--force) "
                "to remove it nevertheless.",
                context={"coverage": coverage.figures()},
            )
        await asyncio.to_thread(remove_pack, folder_name(*key), self._registry.packs_dir)
        await self._forget(key)
        return RemovedPack(key, coverage.embedded)

    async def _forget(self, key: PackKey) -> bool:
        """Out of memory; whether anything of it was loaded."""
        loaded = [self._gallery.analyzers.unload(key), self._gallery.liveness.unload(key)]
        await self._gallery.indexes.drop(key)
        return any(loaded)

    def _available(self) -> list[AvailablePack]:
        installed = {(status.name, status.version): status for status in self._registry.list()}
        engines = engine_names()
        return [self._described(entry, installed.get(entry.key), engines) for entry in self.catalogue().packs]

    def _described(self, entry: CataloguedPack, installed: PackStatus | None, engines: frozenset[str]) -> AvailablePack:
        sources = tuple(
            tuple(shown_address(url) for url in self._downloads.addresses(file.name, file.urls)) for file in entry.files
        )
        # One with damaged files is no obstacle, a pull mends it; one whose manifest is damaged could be anything.
        is_other = installed is not None and (installed.manifest is None or not is_pack_of(entry, installed.manifest))
        is_installed = installed is not None and installed.state is PackState.READY and not is_other
        lacking = sorted({role.engine for role in entry.roles.filled().values()} - engines)
        problem = None
        if is_other:
            problem = "Another pack of this name and version, or a damaged one, is installed: remove it first."
        elif lacking:
            problem = f"It needs an engine that is not installed: {', '.join(lacking)}."
        elif not all(sources):
            problem = "It has no address: name a mirror in the setting packs.mirrors."
        return AvailablePack(entry, is_installed, problem, sources)

    def _installed(self, named: str) -> PackStatus:
        name, version = split_name(named)
        statuses = self._registry.list()
        found = [status for status in statuses if status.name == name and version in {None, status.version}]
        if not found:
            labels = [folder_name(status.name, status.version) for status in statuses]
            raise PackNotFoundError(
                f"No pack '{named}' is installed. There are: {', '.join(labels)}.", context={"available": labels}
            )
        if len(found) > 1:
            labels = [folder_name(status.name, status.version) for status in found]
            raise ConflictError(f"Several versions are installed; name one: {', '.join(labels)}.")
        return found[0]

    def _refuse_configured(self, key: PackKey) -> None:
        label, gallery = folder_name(*key), self._gallery
        if key == gallery.analyzers.active_key or self._means(gallery.analyzers.active, key):
            raise PackInUseError(f"'{label}' is the default pack: make another one the default before it is removed.")
        if gallery.liveness.mode is not LivenessMode.OFF and self._means(gallery.liveness.pack, key):
            raise PackInUseError(f"'{label}' judges liveness (liveness.pack): switch that off before it is removed.")
        candidate = gallery.shadow.candidate
        if candidate is not None and candidate.key == key:
            raise PackInUseError(f"'{label}' is compared in shadow mode: end that before it is removed.")
        if any(self._means(named, key) for named in self._configured_packs):
            raise PackInUseError(f"'{label}' is named in packs.generate: take it out there before it is removed.")

    def _means(self, named: str, key: PackKey) -> bool:
        """Whether a setting that names a pack means this one."""
        if split_name(named)[0] != key[0]:
            return False
        try:
            return self._registry.resolve(named) == key
        except PackNotFoundError:
            return False
