"""Keeps a broker told of the streams and their events, through restarts of either."""

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import dataclass

from lianpu.database.session import Database
from lianpu.errors import StreamNotFoundError
from lianpu.streams.delivery.mqtt.connection import BrokerAddress, BrokerConnection, BrokerLostError, Will
from lianpu.streams.delivery.mqtt.discovery import (
    GONE,
    OFF,
    OFFLINE,
    ONLINE,
    LastPerson,
    Topics,
    event_payload,
    retained_of,
)
from lianpu.streams.events import EventKind
from lianpu.streams.repository import StreamRepository
from lianpu.streams.streams import Streams

STATE_S = 1.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
JITTER = 0.25
PAGE = 100
BEHIND_MAX = 1000
"""Events that are caught up with after a break; older ones are left out."""
LEAVING_S = 2.0
_log = logging.getLogger(__name__)


ELSEWHERE = "Another node of the installation keeps the connection."


@dataclass(frozen=True, slots=True)
class BrokerState:
    is_connected: bool = False
    problem: str | None = None
    """Why it is not."""
    left_out: int = 0
    """Events that were too many to catch up with, since the server began."""


class MqttPublisher:
    """Lives on one event loop."""

    def __init__(self, address: BrokerAddress, topics: Topics, database: Database, streams: Streams) -> None:
        self._address = address
        self._topics = topics
        self._database = database
        self._streams = streams
        self._woken = asyncio.Event()
        self._published: dict[str, str] = {}
        """What the broker keeps, as far as this connection knows."""
        self._known: set[str] = set()
        """Streams that the broker keeps something of."""
        self._last: dict[str, LastPerson | None] = {}
        self._sequence = 0
        """Of the last event that the broker has."""
        self.state = BrokerState()
        self.published_total = 0
        """Events and states that a broker has taken, since the start."""
        streams.events.on_commit(self._woken.set)

    async def run(self) -> None:
        """Until it is cancelled. Events from now on are published, and what streams are like now."""
        self._tell(is_connected=False, problem=None)
        try:
            await self._publish()
        finally:
            self.stand_by()

    def stand_by(self) -> None:
        """Another node does it, until this one runs."""
        self._tell(is_connected=False, problem=ELSEWHERE)

    async def _publish(self) -> None:
        self._sequence = await self._newest()
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._connected()
            except BrokerLostError as error:
                if self.state.is_connected or self.state.problem is None:
                    _log.warning("no connection to the MQTT broker: %s", error)
                wait_s = FIRST_WAIT_S if self.state.is_connected else min(2 * wait_s, LONGEST_WAIT_S)
                self._tell(is_connected=False, problem=str(error))
            except Exception as error:
                _log.error("publishing to the MQTT broker failed unexpectedly", exc_info=error)
                wait_s = LONGEST_WAIT_S
                self._tell(is_connected=False, problem="The server met an error of its own; its log has it.")
            await asyncio.sleep(wait_s * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 (spreads load)

    async def _connected(self) -> None:
        """Until the connection breaks.

        Raises:
            BrokerLostError: it broke, or was never made.
        """
        connection = BrokerConnection(
            self._address,
            Will(self._topics.status, OFFLINE),
            on_retained=self._found,
            on_lost=self._woken.set,
        )
        try:
            await connection.open()
            self._published.clear()
            self._last.clear()
            await connection.subscribe(self._topics.every_running)
            await connection.publish(self._topics.status, ONLINE, is_retained=True)
            self._tell(is_connected=True, problem=None)
            _log.info("connected to the MQTT broker")
            try:
                while True:
                    self._woken.clear()
                    connection.check()
                    await self._publish_events(connection)
                    await self._publish_streams(connection)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(STATE_S):
                            await self._woken.wait()
            except asyncio.CancelledError:
                await self._leave(connection)
                raise
        finally:
            await connection.close()

    async def _leave(self, connection: BrokerConnection) -> None:
        """The server stops. Streams that ended with it go; permanent ones are not available until they are back."""
        with suppress(BrokerLostError, TimeoutError):
            async with asyncio.timeout(LEAVING_S):
                await self._publish_events(connection)
                await self._publish_streams(connection)
                await connection.publish(self._topics.status, OFFLINE, is_retained=True)

    async def _publish_events(self, connection: BrokerConnection) -> None:
        behind = await self._newest() - self._sequence
        if behind > BEHIND_MAX:
            self._sequence += behind - BEHIND_MAX
            self._tell(
                is_connected=self.state.is_connected,
                problem=self.state.problem,
                left_out=self.state.left_out + behind - BEHIND_MAX,
            )
        while behind > 0:
            async with self._database.session() as session:
                repository = StreamRepository(session)
                events = await repository.events_after(self._sequence, None, PAGE)
                names: dict[str, str] = {}
                for stream_id in {event.stream_id for event in events}:
                    with suppress(StreamNotFoundError):  # it went meanwhile, with its events
                        names[stream_id] = (await repository.stream(stream_id)).name
            if not events:
                return
            for event in events:
                payload = event_payload(event, names.get(event.stream_id, ""))
                await connection.publish(self._topics.events(event.stream_id), payload, is_retained=False)
                self.published_total += 1
                self._sequence = event.sequence
                if event.kind == EventKind.PERSON_APPEARED:
                    self._last[event.stream_id] = LastPerson.of(event)

    async def _publish_streams(self, connection: BrokerConnection) -> None:
        """What changed since the last time."""
        wanted: dict[str, str] = {}
        active = {record.row.id: record for record in await self._streams.everywhere()}
        for stream_id, record in active.items():
            wanted |= retained_of(self._topics, record, await self._last_person(stream_id))
        left = self._known - active.keys()
        waiting = await self._permanent(left) if left else set[str]()
        for stream_id in left:
            if stream_id in waiting:
                wanted[self._topics.running(stream_id)] = OFF
            else:
                wanted |= dict.fromkeys(self._topics.retained(stream_id), GONE)
        self._known |= active.keys()
        for topic, payload in wanted.items():
            if self._published.get(topic) != payload:
                await connection.publish(topic, payload, is_retained=True)
                self.published_total += 1
                self._published[topic] = payload
        for stream_id in left - waiting:
            self._known.discard(stream_id)
            self._last.pop(stream_id, None)
            for topic in self._topics.retained(stream_id):
                self._published.pop(topic, None)

    async def _permanent(self, stream_ids: set[str]) -> set[str]:
        """Those that begin again with the server."""
        async with self._database.session() as session:
            return stream_ids & {row.id for row in await StreamRepository(session).active()}

    async def _last_person(self, stream_id: str) -> LastPerson | None:
        if stream_id not in self._last:
            events, _ = await self._streams.events.page(stream_id, None, EventKind.PERSON_APPEARED.value, None, 1)
            self._last[stream_id] = LastPerson.of(events[0]) if events else None
        return self._last[stream_id]

    async def _newest(self) -> int:
        async with self._database.session() as session:
            return await StreamRepository(session).last_sequence()

    def _found(self, topic: str, payload: bytes) -> None:
        """The broker keeps something of a stream, perhaps from before the server was restarted."""
        stream_id = self._topics.stream_of(topic)
        if stream_id is not None and payload:
            self._known.add(stream_id)
            self._woken.set()

    def _tell(self, *, is_connected: bool, problem: str | None, left_out: int | None = None) -> None:
        self.state = BrokerState(is_connected, problem, self.state.left_out if left_out is None else left_out)
