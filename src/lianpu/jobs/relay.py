"""The jobs' events among nodes: what was committed here others read, and what is to end here others may ask for."""

import asyncio
import json
import logging
from typing import Any, cast

from lianpu.database.base import new_id
from lianpu.jobs.events import JobEvents
from lianpu.jobs.workers import JobWorkers
from lianpu.nodes.bus import MISSED, Bus

CHANNEL = "jobs.events"
GATHER_S = 0.05
"""What comes within so long is told at once: a busy node does not drown the others."""
_log = logging.getLogger(__name__)


class JobRelay:
    """Messages say what is new and never what it is: whoever needs that reads the table. Lives on one event loop."""

    def __init__(self, bus: Bus, events: JobEvents, workers: JobWorkers) -> None:
        self._bus = bus
        self._events = events
        self._workers = workers
        self._node = new_id()
        self._has_committed = False
        self._progressed: set[str] = set()
        self._cancelled: set[str] = set()
        self._new = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        if self._bus.is_shared:
            self._tasks = [asyncio.create_task(work, name="jobs-relay") for work in (self._send(), self._listen())]
            self._events.outlet = self

    async def stop(self) -> None:
        """What was committed last is still told."""
        self._events.outlet = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            await self._publish()
        self._tasks = []

    def committed(self) -> None:
        self._has_committed = True
        self._new.set()

    def progressed(self, job_id: str) -> None:
        self._progressed.add(job_id)
        self._new.set()

    def cancelled(self, job_id: str) -> None:
        self._cancelled.add(job_id)
        self._new.set()

    async def _send(self) -> None:
        while True:
            await self._new.wait()
            await self._publish()
            await asyncio.sleep(GATHER_S)

    async def _publish(self) -> None:
        self._new.clear()
        told: dict[str, Any] = {
            "committed": self._has_committed,
            "progressed": sorted(self._progressed),
            "cancelled": sorted(self._cancelled),
        }
        self._has_committed = False
        self._progressed.clear()
        self._cancelled.clear()
        if any(told.values()):
            # Lost ones are made up for: events and cancellations are read from the table now and then.
            await self._bus.publish(CHANNEL, json.dumps({"node": self._node, **told}).encode())

    async def _listen(self) -> None:
        async with self._bus.subscribe(CHANNEL) as messages:
            async for message in messages:
                if message == MISSED:
                    self._events.committed_elsewhere()
                    continue
                try:
                    self._hear(json.loads(message))
                except (ValueError, TypeError, KeyError) as error:  # of a newer version, or somebody else's
                    _log.warning("a message of another node cannot be read", exc_info=error)

    def _hear(self, told: dict[str, Any]) -> None:
        if told["node"] == self._node:
            return
        if told["committed"]:
            self._events.committed_elsewhere()
        for job_id in cast(list[object], told["progressed"]):
            self._events.progressed_elsewhere(str(job_id))
        for job_id in cast(list[object], told["cancelled"]):
            self._workers.cancel(str(job_id))
