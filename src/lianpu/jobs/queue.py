"""How workers learn that a job waits: the port, and its form without a broker.

The table of jobs is the truth, and a queue carries nothing but ids: what is announced twice is run once, and what
nobody hears of is found in the table.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from lianpu.nodes.bus import MISSED, Bus

CHANNEL = "jobs.waiting"
Take = Callable[[str], Awaitable[None]]
"""Told of the job with this id; raises nothing but a cancellation."""


class JobQueue(Protocol):
    """Lives on one event loop."""

    @property
    def is_brokered(self) -> bool:
        """Each job is given to one worker, which runs it. Else workers are only told to look into the table."""
        ...

    @property
    def is_taking(self) -> bool:
        """What is announced reaches this process, as far as can be seen here. False before `start`."""
        ...

    def announce(self, job_id: str) -> None:
        """A job waits. Returns at once, and raises nothing: an announcement may be lost."""
        ...

    async def start(self, take: Take, *, concurrency: int) -> None:
        """From now on `take` is called with what is announced, here or by others.

        Args:
            concurrency: so many calls at once, where the queue is brokered.
        """
        ...

    async def stop(self) -> None:
        """The opposite. Where the queue is brokered, calls that run are cancelled, and their jobs given to others."""
        ...

    async def close(self) -> None:
        """Nothing is announced any more."""
        ...


class TableQueue:
    """Workers look into the table themselves; an announcement saves them the wait, on other nodes by the bus."""

    is_brokered = False

    def __init__(self, bus: Bus | None = None) -> None:
        """`bus`: None: there are no other nodes."""
        self._bus = bus if bus is not None and bus.is_shared else None
        self._take: Take | None = None
        self._listening: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[object]] = set()

    @property
    def is_taking(self) -> bool:
        return self._take is not None and (self._listening is None or not self._listening.done())

    def announce(self, job_id: str) -> None:
        self._give(job_id)
        if self._bus is not None:
            self._call(self._bus.publish(CHANNEL, job_id.encode()))

    async def start(self, take: Take, *, concurrency: int) -> None:
        del concurrency
        self._take = take
        if self._bus is not None:
            listens = asyncio.Event()
            self._listening = asyncio.create_task(self._listen(self._bus, listens), name="jobs-waiting")
            # What is announced from now on is heard; where the bus is away, its own patience is short.
            await listens.wait()

    async def stop(self) -> None:
        self._take = None
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None

    async def close(self) -> None:
        await self.stop()
        # What was given back to the table last is still told to the other nodes.
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _give(self, job_id: str) -> None:
        if self._take is not None:
            self._call(self._take(job_id))

    def _call(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _listen(self, bus: Bus, listens: asyncio.Event) -> None:
        async with bus.subscribe(CHANNEL) as messages:
            listens.set()
            async for message in messages:
                # The own ones, too: to look into the table once more is harmless, and after a gap it is due.
                with suppress(UnicodeDecodeError):
                    self._give("" if message == MISSED else message.decode())
