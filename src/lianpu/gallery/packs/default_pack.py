"""The default pack: active from the first start as configured, then switched while searches run, there and back."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from lianpu.database.session import Database
from lianpu.errors import PackNotCoveredError, PackNotFoundError
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.generation import Generation
from lianpu.gallery.indexes import GalleryIndexes, PackKey
from lianpu.gallery.packs.coverage import Coverage, FailedImage, GalleryCoverage, coverage_of
from lianpu.gallery.packs.repository import PackRepository
from lianpu.packs.folder import folder_name
from lianpu.runtime.scheduling import InferenceQueue

STATE = "active_pack"
FAILURES_SHOWN = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Switched:
    key: PackKey
    previous: str
    """`name@version`; a bare name where that pack could not be found."""
    coverage: GalleryCoverage
    failures: list[FailedImage]
    """Persons' images that searches by this pack cannot find; the first of them."""


class DefaultPack:
    """Keeps in the database which pack is active: `packs.default` counts until the first switch.

    A configured bare name is kept with the version it meant, so that importing a newer one changes nothing by itself.
    """

    def __init__(
        self,
        analyzers: Analyzers,
        generation: Generation,
        coverage: Coverage,
        indexes: GalleryIndexes,
        changes: GalleryChanges,
        database: Database,
        queue: InferenceQueue,
        *,
        configured: str,
    ) -> None:
        self._analyzers = analyzers
        self._generation = generation
        self._coverage = coverage
        self._indexes = indexes
        self._changes = changes
        self._database = database
        self._queue = queue
        self._configured = configured
        self._switching = asyncio.Lock()

    async def restore(self) -> None:
        """At the start, before anything is loaded."""
        async with self._database.session() as session:
            state = await PackRepository(session).state(STATE)
        kept = active_of(state, self._configured)
        if kept is None:
            await self._adopt_configured()
            return
        self._analyzers.activate(kept)
        named = folder_name(*kept)
        if self._configured not in {named, kept[0]}:
            _log.warning(
                "the active pack is %s, chosen by a switch: packs.default (%s) does not count any more", named,
                self._configured,
            )  # fmt: skip
        else:
            _log.info("the active pack is %s", named)

    async def follow(self) -> None:
        """Another node may have switched: from now on its choice is the active pack here too."""
        async with self._database.session() as session:
            kept = active_of(await PackRepository(session).state(STATE), self._configured)
        if kept is not None and kept != self._analyzers.active_key:
            self._analyzers.activate(kept)
            _log.info("the active pack is %s now, by another node", folder_name(*kept))

    async def switch(self, named: str, *, force: bool) -> Switched:
        """Make a pack the active one once it is loaded, covers the gallery and its index is filled.

        Searches go on meanwhile; each is answered by the pack that was active when it came. The pack before keeps its
        embeddings and can be switched back to.

        Args:
            force: although images lack its embedding; persons whom it does not cover are not found any more.

        Raises:
            PackNotFoundError, PackError: the pack cannot be used.
            PackNotCoveredError: images lack its embedding; carries the numbers.
        """
        async with self._switching:
            previous = self._analyzers.active
            analyzer = await self._queue.run_patiently(self._analyzers.get, named)
            key = key_of(analyzer)
            force = force or key == self._analyzers.active_key
            # From here on no image is stored without this pack having been tried on it.
            self._generation.put_beside("switch", key)
            try:
                _refuse_uncovered(key, await self._coverage.of(key), force)
                await self._indexes.index_of(key, analyzer.dimension, analyzer.metric)
                async with self._changes.change() as change:
                    repository = PackRepository(change.session)
                    coverage = await coverage_of(repository, key)
                    _refuse_uncovered(key, coverage, force)
                    await repository.put_state(STATE, self._state(key, "switch"))
                    change.changed_states.append(STATE)
                    change.after_commit.append(lambda: self._analyzers.activate(key))
            finally:
                self._generation.put_beside("switch", None)
        if folder_name(*key) != previous:
            _log.info("the active pack is %s now, it was %s", folder_name(*key), previous)
        return Switched(key, previous, coverage, await self._coverage.failures(key, FAILURES_SHOWN))

    async def _adopt_configured(self) -> None:
        try:
            key = await asyncio.to_thread(self._analyzers.resolve)
        except PackNotFoundError:
            return  # said by whoever loads it
        async with self._database.session() as session:
            await PackRepository(session).put_state(STATE, self._state(key, "settings"))
            try:
                await session.commit()
            except IntegrityError:
                _log.debug("another process has kept the active pack at the same time")
        _log.info("the active pack is %s, by packs.default", folder_name(*key))

    def _state(self, key: PackKey, chosen_by: str) -> dict[str, Any]:
        return {"pack": key[0], "version": key[1], "chosen_by": chosen_by, "configured": self._configured}


def active_of(state: dict[str, Any] | None, configured: str) -> PackKey | None:
    """The pack that this kept state makes active; None where `packs.default` counts."""
    if state is None or (state["chosen_by"] == "settings" and state["configured"] != configured):
        return None
    return state["pack"], state["version"]


async def active_pack(database: Database, configured: str) -> str:
    """`name@version` of the active pack, for commands without a platform; as configured where nothing is kept."""
    async with database.session() as session:
        kept = active_of(await PackRepository(session).state(STATE), configured)
    return configured if kept is None else folder_name(*kept)


def _refuse_uncovered(key: PackKey, coverage: GalleryCoverage, force: bool) -> None:
    if coverage.is_complete or force:
        return
    named = folder_name(*key)
    raise PackNotCoveredError(
        f"{coverage.missing} of {coverage.images} images have no embedding of {named!r} yet, so persons would not be "
        f"found by it. Make them by `lianpu gallery reembed {named}` (POST /api/v1/gallery/reembed), or switch with "
        "force.",
        context={"coverage": coverage.figures()},
    )
