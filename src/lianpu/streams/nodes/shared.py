"""The streams that the nodes of an installation share, as one of them sees them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from lianpu.database.session import Database
from lianpu.errors import NodeUnreachableError, StreamNotFoundError, StreamStateError, TooManyStreamsError
from lianpu.leases.leases import Leases
from lianpu.nodes.asking import RETRY_AFTER_S, Asking
from lianpu.nodes.bus import Bus
from lianpu.streams.event_log import EventLog
from lianpu.streams.health import StreamHealth, StreamState
from lianpu.streams.models import Stream
from lianpu.streams.nodes.hints import Hint, StreamHints
from lianpu.streams.nodes.relaying import Relaying
from lianpu.streams.nodes.repository import LeasedStreamRepository
from lianpu.streams.nodes.taking import StreamTaking
from lianpu.streams.records import RunningStream, StreamOptions, StreamRecord
from lianpu.streams.repository import StreamRepository
from lianpu.streams.running import StreamRuns
from lianpu.streams.shedding import Decoded

TAKEN_S = 5.0
"""A stream that nobody has begun with after so long is refused."""
HANDED_OVER_S = 30.0
"""Longer than a lease that nobody renews."""
LOOK_S = 0.2
RECORDS = "records"


@dataclass(frozen=True, slots=True)
class _Told:
    """What the node that runs a stream says of it."""

    health: StreamHealth
    pack_in_use: str | None
    detection_paused: bool


_TOLD = TypeAdapter(dict[str, _Told])


class SharedStreams:
    """Lives on one event loop."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        asking: Asking,
        leases: Leases,
        runs: StreamRuns,
        events: EventLog,
        *,
        max_active: int,
        takes_any: bool,
    ) -> None:
        """`takes_any`: this node runs streams; False: those alone whose frames come to it."""
        self._database = database
        self._runs = runs
        self.leases = leases
        self.asking = asking
        self._hints = StreamHints(bus, leases.node)
        self._relaying = Relaying(bus, self._hints, self._runs_elsewhere)
        self._taking = StreamTaking(
            database,
            leases,
            runs,
            self._relaying,
            self._hints,
            max_active=max_active,
            takes_any=takes_any,
            on_taken=self._wake,
        )
        self._changed = asyncio.Event()
        self._is_closing = False
        self.asking.answer(RECORDS, self._told)
        for hint in (Hint.TAKEN, Hint.FREE, Hint.ENDED):
            self._hints.on(hint, self._wake)
        self._hints.on(Hint.EVENTS, events.heard)
        events.announce_with(lambda: self._hints.tell(Hint.EVENTS))
        runs.on_over(self._over)

    @property
    def node(self) -> str:
        return self.leases.node

    def goes_on(self) -> list[Coroutine[Any, Any, None]]:
        """What goes on while the node is up; to be cancelled after `close`."""
        return [self.leases.run(), self._hints.run(), self._taking.run()]

    async def close(self) -> None:
        """What runs here is given back, and what is pushed here ends; nobody is shown anything any more."""
        self._is_closing = True
        await self._taking.close()
        await self._relaying.close()

    async def begin(self, row: Stream) -> None:
        """Returns when some node has it.

        Raises:
            TooManyStreamsError: none has room for it.
        """
        async with self._database.session() as session:
            StreamRepository(session).add(row)
            self.leases.add(session, row.id)
            await session.commit()
        self.changed(Hint.FREE)
        if await self._until(lambda: self._is_taken(row.id), TAKEN_S):
            return
        async with self._database.session() as session:
            is_withdrawn = await LeasedStreamRepository(session, self.leases).withdraw(row)
            await session.commit()
        if is_withdrawn:
            raise TooManyStreamsError("No node runs streams and has room for one more; see streams.max_active.")

    def changed(self, hint: Hint = Hint.CHANGED) -> None:
        """The rows say something new."""
        self._taking.wake()
        self._hints.tell(hint)

    async def records(self, rows: Sequence[Stream]) -> list[StreamRecord]:
        """Of streams that are not over, as the nodes that run them see them now."""
        here = {running.row.id: running.record for running in self._runs.going}
        others = [row.id for row in rows if row.id not in here]
        told, holders = await self._ask_all(others) if others else ({}, {})
        found: list[StreamRecord] = []
        for row in rows:
            if row.id in here:
                found.append(here[row.id])
                continue
            options, one = StreamOptions(**row.options), told.get(row.id)
            if one is None:
                reason = "Its node does not answer." if row.id in holders else "It waits for a node that has room."
                found.append(StreamRecord(row, _waiting(reason, options), options, row.is_paused))
            else:
                found.append(StreamRecord(row, one.health, options, one.detection_paused, one.pack_in_use))
        return found

    async def stopped(self, stream_id: str) -> None:
        """Returns when nobody runs it any more.

        Raises:
            NodeUnreachableError: the node that runs it does not answer; it ends when that node's lease does.
        """
        async with self._database.session() as session:
            row = await StreamRepository(session).stream(stream_id)
            if not row.is_active:
                return
            row.stop_requested = True
            await session.commit()
        self.changed()
        if not await self._until(lambda: self._is_over(stream_id), HANDED_OVER_S):
            raise NodeUnreachableError("The stream's node does not answer.", retry_after_s=RETRY_AFTER_S)

    async def here(self, stream_id: str) -> RunningStream:
        """The stream, run by this node from now on.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
            TooManyStreamsError: as many run here as may.
            NodeUnreachableError: the node that runs it does not let go of it.
        """
        running = self._running(stream_id)
        if running is not None:
            return running
        async with self._database.session() as session:
            row = await StreamRepository(session).stream(stream_id)
            if not row.is_active:
                raise StreamStateError(f"The stream is over: {row.end_reason}.")
            if not self._taking.has_room:
                raise TooManyStreamsError("As many streams run on this node as may; see streams.max_active.")
            row.node = self.node
            await session.commit()
        self.changed()

        async def is_here() -> bool:
            return self._running(stream_id) is not None or await self._is_over(stream_id)

        await self._until(is_here, HANDED_OVER_S)
        running = self._running(stream_id)
        if running is None:
            raise NodeUnreachableError("The stream's node does not let go of it.", retry_after_s=RETRY_AFTER_S)
        return running

    async def ask_holder(self, stream_id: str, kind: str, *, timeout_s: float) -> Any:
        """As `Asking.ask`, about a stream that this node does not run.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, it is over, or nobody runs it now.
            NodeUnreachableError: there is no answer, or the node met an error of its own.
        """
        async with self._database.session() as session:
            row = await StreamRepository(session).stream(stream_id)
            holders = await LeasedStreamRepository(session, self.leases).holders([stream_id])
        if not row.is_active:
            raise StreamStateError(f"The stream is over: {row.end_reason}.")
        if stream_id not in holders:
            raise StreamStateError("The stream waits for a node that has room.")
        return await self.asking.ask(holders[stream_id][0], kind, stream_id, timeout_s=timeout_s)

    async def epochs(self, stream_ids: Collection[str]) -> dict[str, int]:
        """Of those that some node runs now."""
        async with self._database.session() as session:
            holders = await LeasedStreamRepository(session, self.leases).holders(stream_ids)
        return {stream_id: epoch for stream_id, (_, epoch) in holders.items()}

    async def pictures(self, stream_id: str) -> AsyncGenerator[bytes]:
        """JPEG pictures from the next one on, through changes of the node that runs it."""
        while not self._is_closing:
            running = self._running(stream_id)
            source = self._relaying.pictures(stream_id) if running is None else running.runner.broadcast.pictures()
            async with aclosing(source) as pictures:
                async for jpeg in pictures:
                    yield jpeg
            if await self._is_over(stream_id):
                return
            await asyncio.sleep(LOOK_S)

    def _running(self, stream_id: str) -> RunningStream | None:
        running = self._runs.get(stream_id)
        return None if running is None or running.is_over else running

    async def _told(self, stream_ids: list[str]) -> Any:
        records = {running.row.id: running.record for running in self._runs.going}
        told = {
            stream_id: _Told(record.health, record.pack_in_use, record.detection_paused)
            for stream_id in stream_ids
            if (record := records.get(stream_id)) is not None and record.health is not None
        }
        return _TOLD.dump_python(told, mode="json")

    async def _ask_all(self, stream_ids: Sequence[str]) -> tuple[dict[str, _Told], dict[str, tuple[str, int]]]:
        async with self._database.session() as session:
            holders = await LeasedStreamRepository(session, self.leases).holders(stream_ids)
        by_node: defaultdict[str, list[str]] = defaultdict(list)
        for stream_id, (node, _) in holders.items():
            by_node[node].append(stream_id)

        async def ask(node: str, ids: list[str]) -> dict[str, _Told]:
            with suppress(NodeUnreachableError):
                return _TOLD.validate_python(await self.asking.ask(node, RECORDS, ids))
            return {}

        told: dict[str, _Told] = {}
        for one in await asyncio.gather(*(ask(node, ids) for node, ids in by_node.items())):
            told |= one
        return told, holders

    async def _is_taken(self, stream_id: str) -> bool:
        return bool(await self.epochs([stream_id])) or await self._is_over(stream_id)

    async def _is_over(self, stream_id: str) -> bool:
        try:
            async with self._database.session() as session:
                return not (await StreamRepository(session).stream(stream_id)).is_active
        except StreamNotFoundError:
            return True

    async def _runs_elsewhere(self, stream_id: str) -> bool:
        return self._running(stream_id) is None and not await self._is_over(stream_id)

    async def _until(self, condition: Callable[[], Awaitable[bool]], timeout_s: float) -> bool:
        """Whether it came true in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not await condition():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_S):
                            await self._changed.wait()
                return True
        return False

    def _over(self, stream_id: str, goes_on: bool) -> None:
        self._relaying.end(stream_id)
        self._relaying.wake()
        self._wake()
        self._hints.tell(Hint.FREE if goes_on else Hint.ENDED)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _waiting(reason: str, options: StreamOptions) -> StreamHealth:
    return StreamHealth(
        StreamState.CONNECTING,
        reason,
        source_fps=0.0,
        processed_fps=0.0,
        published_fps=0.0,
        dropped_total=0,
        latency_p50_ms=None,
        latency_p95_ms=None,
        persons=0,
        viewers=0,
        detect_every=options.detect_every or 1,
        decoder=None,
        decoded=Decoded.ALL,
    )
