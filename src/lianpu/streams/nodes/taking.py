"""Takes streams that are free, follows what is wanted of those that run here, and ends those that are over."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from lianpu.database.conflicts import is_passing
from lianpu.database.session import Database
from lianpu.errors import LeaseLostError
from lianpu.leases.leases import Leases
from lianpu.streams.health import EndReason
from lianpu.streams.models import Stream
from lianpu.streams.nodes.hints import Hint, StreamHints
from lianpu.streams.nodes.relaying import Relaying
from lianpu.streams.nodes.repository import LeasedStreamRepository
from lianpu.streams.running import StreamRuns

LOOK_S = 1.0
"""How late this node is when it is not told."""
SPREAD_S = 0.03
"""For each stream that runs here others have so long to take the next one: who runs fewer is faster."""
_log = logging.getLogger(__name__)


class StreamTaking:
    """Of one node. Lives on one event loop."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        runs: StreamRuns,
        relaying: Relaying,
        hints: StreamHints,
        *,
        max_active: int,
        takes_any: bool,
        on_taken: Callable[[], None],
    ) -> None:
        """
        Args:
            takes_any: not only those whose frames come to this node.
            on_taken: called when one has begun here.
        """
        self._database = database
        self._leases = leases
        self._runs = runs
        self._relaying = relaying
        self._hints = hints
        self._max_active = max_active
        self._takes_any = takes_any
        self._on_taken = on_taken
        self._is_first_round = True
        self._woken = asyncio.Event()
        self._round = asyncio.Lock()
        self._is_closing = False
        for hint in (Hint.FREE, Hint.CHANGED):
            hints.on(hint, self.wake)

    @property
    def has_room(self) -> bool:
        return len(self._runs.all) < self._max_active

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._woken.clear()
            try:
                async with self._round:
                    if not self._is_closing:
                        await self._lease_all()
                        await self._follow()
                        await self._end_those_over()
                        await self._take_free()
            except Exception as error:  # tried again in a moment
                _log.warning("streams cannot be taken or followed", exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()

    async def close(self) -> None:
        """Nothing more is taken; what runs here is given back, and what is pushed here ends."""
        self._is_closing = True
        async with self._round:
            for running in self._runs.all:
                ends = running.row.is_pushed
                self._runs.do(running.runner.stop(EndReason.SHUTDOWN) if ends else self._runs.leave(running))
        await self._runs.settled()

    async def _lease_all(self) -> None:
        """Streams of the time when there was one process alone have no leases."""
        if not self._is_first_round:
            return
        async with self._database.session() as session:
            unleased = await LeasedStreamRepository(session, self._leases).unleased()
        for stream_id in unleased:
            await self._leases.make(stream_id)
        self._is_first_round = False

    async def _follow(self) -> None:
        running_here = self._runs.going
        if not running_here:
            return
        async with self._database.session() as session:
            ids = [running.row.id for running in running_here]
            rows = await LeasedStreamRepository(session, self._leases).streams(ids)
        for running in running_here:
            row = rows.get(running.row.id)
            if running.is_over:
                continue
            if row is None or not row.is_active or row.node not in {None, self._leases.node}:
                self._runs.do(self._runs.leave(running))
            elif row.stop_requested:
                self._runs.do(running.runner.stop(EndReason.STOPPED))
            else:
                running.runner.detection_paused = row.is_paused
                moves = row.expires_at != running.row.expires_at
                running.row = row
                if moves:
                    self._runs.set_expiry(running)

    async def _end_those_over(self) -> None:
        async with self._database.session() as session:
            over = await LeasedStreamRepository(session, self._leases).over()
        for row, is_past in over:
            lease = await self._leases.take(row.id)
            if lease is None:
                continue
            reason, detail = EndReason.LOST, "The node that its frames came to is gone."
            if row.stop_requested or is_past:
                reason, detail = EndReason.STOPPED if row.stop_requested else EndReason.EXPIRED, None
            with suppress(LeaseLostError):
                await self._runs.keep_end(row.id, reason, detail, lease)
                self._hints.tell(Hint.ENDED)

    async def _take_free(self) -> None:
        if not self.has_room:
            return
        for row in await self._free():
            if self._is_closing or not self.has_room:
                return
            if row.node != self._leases.node:
                await asyncio.sleep(SPREAD_S * len(self._runs.all))
            await self._begin(row.id)

    async def _free(self) -> Sequence[Stream]:
        async with self._database.session() as session:
            return await LeasedStreamRepository(session, self._leases).free(takes_any=self._takes_any)

    async def _begin(self, stream_id: str) -> None:
        lease = await self._leases.take(stream_id, self._runs.lose)
        if lease is None:
            return
        async with self._database.session() as session:
            row = (await LeasedStreamRepository(session, self._leases).streams([stream_id])).get(stream_id)
        try:
            if row is None:
                return
            running = await self._runs.open(row, lease)
        except LeaseLostError:
            return
        except Exception as error:
            if is_passing(error):
                await self._leases.give_back(lease)
                return
            _log.error("a stream cannot begin", extra={"stream_id": stream_id}, exc_info=error)
            with suppress(LeaseLostError):
                await self._runs.keep_end(stream_id, EndReason.ERROR, getattr(error, "detail", None), lease)
            return
        self._relaying.begin(running)
        self._hints.tell(Hint.TAKEN)
        self._on_taken()
