"""Streams that run follow the gallery: who was deleted is named no longer, another default pack is used at once."""

import asyncio
import logging
from collections.abc import Callable, Collection
from functools import partial

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.gallery.analyzers import key_of
from lianpu.streams.finding import FrameFinder
from lianpu.streams.naming import FaceNaming
from lianpu.streams.records import RunningStream

FOLLOWING_S = 2.0
_log = logging.getLogger(__name__)


class Following:
    def __init__(self, naming: FaceNaming, running: Callable[[], Collection[RunningStream]]) -> None:
        self._naming = naming
        self._running = running

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(FOLLOWING_S)
            for follow in (self._forget, self._change_pack):
                try:
                    await follow()
                except Exception as error:  # tried again at once
                    _log.warning("streams cannot follow the gallery", exc_info=error)

    async def _forget(self) -> None:
        persons = [person for running in self._running() for person in running.runner.persons]
        named = {person.voting.name for person in persons if person.voting.name is not None}
        if named and (gone := await self._naming.gone(named)):
            for running in self._running():
                running.runner.forget(gone)

    async def _change_pack(self) -> None:
        followers = [running for running in self._running() if running.options.pack is None]
        if not followers:
            return
        analyzer = await self._naming.analyzer(None)
        for running in followers:
            if key_of(running.analyzer) != key_of(analyzer):
                _use(running, analyzer, self._naming)


def _use(running: RunningStream, analyzer: FaceAnalyzer, naming: FaceNaming) -> None:
    """From its next frame on the stream recognises by another pack."""

    def also() -> None:
        running.noticing.use(analyzer)
        running.analyzer = analyzer

    ask = partial(running.noticing.ask, partial(naming.ask, analyzer, running.options.threshold))
    running.runner.use(FrameFinder(analyzer), ask, also)
    _log.info(
        "a stream goes along with the switch of the default pack",
        extra={"stream_id": running.row.id, "pack": analyzer.pack_name, "version": analyzer.pack_version},
    )
