"""Leases as one node takes, renews and loses them.

A lease is taken by compare-and-set on its epoch, so no two nodes ever hold one epoch, whatever their clocks say. It
runs out by the database's clock; its holder counts by a clock of its own that does not jump, from before each renewal
was sent, and gives up earlier than others may take over. Who stood still meanwhile finds his writes refused (`fence`).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.clock import database_now
from lianpu.database.session import Database
from lianpu.errors import LeaseLostError
from lianpu.leases.models import Lease

LEASE_S = 20.0
RENEWAL_S = 5.0
RETRY_S = 1.0
STOPPING_S = 2.0
"""The holder gives up so long before others may take over."""
_log = logging.getLogger(__name__)

Clock = Callable[[float], ColumnElement[datetime]]
"""The moment so many seconds from now, as the database says it."""
OnLost = Callable[["HeldLease"], None]


class HeldLease:
    """Of one epoch. Lives on one event loop; `is_held` and `check` are for any thread."""

    def __init__(self, name: str, holder: str, epoch: int, clock: Clock, on_lost: OnLost) -> None:
        self.name = name
        self.holder = holder
        self.epoch = epoch
        self.lost = asyncio.Event()
        self._clock = clock
        self._on_lost = on_lost
        self._until_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    @property
    def is_held(self) -> bool:
        """As far as this node can know by itself."""
        return not self._is_over and time.monotonic() < self._until_s

    def check(self) -> None:
        """
        Raises:
            LeaseLostError: it is held no more.
        """
        if not self.is_held:
            raise LeaseLostError(f"The lease on {self.name} is lost.")

    async def fence(self, session: AsyncSession) -> None:
        """Until the transaction's end nobody else can take it.

        Raises:
            LeaseLostError: it is held no more: nothing may be written.
        """
        self.check()
        mine = (Lease.name == self.name) & (Lease.holder == self.holder) & (Lease.epoch == self.epoch)
        query = select(Lease.epoch).where(mine, Lease.expires_at > self._clock(0)).with_for_update(read=True)
        if await session.scalar(query) is None:
            raise LeaseLostError(f"The lease on {self.name} is lost.")

    def renewed(self, begun_s: float) -> None:
        """`begun_s`: `time.monotonic()` before the renewal was sent."""
        self._until_s = begun_s + LEASE_S - STOPPING_S
        self._stop_timer()
        wait_s = max(0.0, self._until_s - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(wait_s, self.lose)

    def lose(self) -> None:
        """Harmless when it is over."""
        if not self._is_over:
            self.close()
            _log.warning("a lease is lost", extra={"lease": self.name, "epoch": self.epoch})
            self._on_lost(self)

    def close(self) -> None:
        """It is over, as its holder wants it or not."""
        self._is_over = True
        self._stop_timer()
        self.lost.set()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Leases:
    """Those of one node. Lives on one event loop."""

    def __init__(self, database: Database, *, node: str, clock: Clock = database_now) -> None:
        """`node`: its id."""
        self._database = database
        self._clock = clock
        self._held: dict[str, HeldLease] = {}
        self.node = node
        self.takeovers = 0
        """Leases that were taken because their holder did not renew them, since the start."""

    @property
    def held(self) -> Collection[HeldLease]:
        return [lease for lease in self._held.values() if lease.is_held]

    def is_free(self, after_s: float = 0.0) -> ColumnElement[bool]:
        """A condition on rows: nobody holds it, or whoever did has not renewed it since it ran out so long ago."""
        return or_(Lease.holder.is_(None), Lease.expires_at < self._clock(-after_s))

    def add(self, session: AsyncSession, name: str) -> None:
        """One of this name, which is free."""
        session.add(Lease(name=name, epoch=0, expires_at=self._clock(0)))

    async def make(self, name: str) -> None:
        """As `add`, if there is none."""
        async with self._database.session() as session:
            if await session.get(Lease, name) is None:
                self.add(session, name)
                with suppress(IntegrityError):  # another node has just made it
                    await session.commit()

    async def take(self, name: str, on_lost: OnLost = lambda _: None) -> HeldLease | None:
        """None: somebody else holds it, or there is none of this name.

        Args:
            on_lost: called once when it is lost, unless it was given back.
        """
        begun_s = 0.0

        async def take(session: AsyncSession) -> tuple[int, bool] | None:
            nonlocal begun_s
            free = self.is_free()
            found = (
                await session.execute(select(Lease.epoch, Lease.holder).where(Lease.name == name, free))
            ).one_or_none()
            if found is None:
                return None
            epoch, holder = found
            begun_s = time.monotonic()
            change = update(Lease).where(Lease.name == name, Lease.epoch == epoch, free)
            change = change.values(holder=self.node, epoch=epoch + 1, expires_at=self._clock(LEASE_S))
            result = await session.execute(change.execution_options(synchronize_session=False))
            is_taken = cast(CursorResult[Any], result).rowcount == 1
            return (epoch + 1, holder is not None) if is_taken else None

        taken = await self._database.committed(take)
        if taken is None:
            return None
        epoch, is_takeover = taken
        lease = HeldLease(name, self.node, epoch, self._clock, on_lost)
        before = self._held.get(name)
        self._held[name] = lease
        if before is not None:
            before.lose()  # it had run out before this one was taken
        self.takeovers += is_takeover
        lease.renewed(begun_s)
        return lease

    async def give_back(self, lease: HeldLease) -> None:
        """Others can take it at once. Harmless when it is lost."""
        self.forget(lease)
        change = update(Lease).where(self._is(lease)).values(holder=None, expires_at=self._clock(0))
        change = change.execution_options(synchronize_session=False)
        await self._database.committed(lambda session: session.execute(change))

    async def remove(self, session: AsyncSession, lease: HeldLease) -> None:
        """What it is on is over, and nobody takes it again.

        Raises:
            LeaseLostError: it is held no more: nothing may be written.
        """
        await lease.fence(session)
        await session.execute(delete(Lease).where(self._is(lease)))

    async def run(self) -> None:
        """Until it is cancelled: what is held is renewed."""
        wait_s = RENEWAL_S
        while True:
            await asyncio.sleep(wait_s)
            wait_s = RENEWAL_S
            try:
                async with asyncio.timeout(RENEWAL_S):
                    await self.renew()
            except Exception as error:  # each lease has a timer of its own
                _log.warning("leases cannot be renewed", exc_info=error)
                wait_s = RETRY_S

    async def renew(self) -> None:
        """What another node holds by now is lost."""
        for lease in list(self._held.values()):
            if not lease.is_held:
                self.forget(lease)
        held = dict(sorted(self._held.items()))
        if not held:
            return
        begun_s = time.monotonic()

        async def renew(session: AsyncSession) -> dict[str, int]:
            mine = Lease.name.in_(held) & (Lease.holder == self.node)
            change = update(Lease).where(mine).values(expires_at=self._clock(LEASE_S))
            await session.execute(change.execution_options(synchronize_session=False))
            rows = await session.execute(select(Lease.name, Lease.epoch).where(mine))
            return dict(rows.all())

        epochs = await self._database.committed(renew)
        for name, lease in held.items():
            if self._held.get(name) is not lease:
                continue  # it was given back or taken anew meanwhile
            if epochs.get(name) == lease.epoch:
                lease.renewed(begun_s)
            else:
                self.forget(lease, is_lost=True)

    def forget(self, lease: HeldLease, *, is_lost: bool = False) -> None:
        """It was removed, or is left to run out."""
        if self._held.get(lease.name) is lease:
            del self._held[lease.name]
        if is_lost:
            lease.lose()
        else:
            lease.close()

    def _is(self, lease: HeldLease) -> ColumnElement[bool]:
        return (Lease.name == lease.name) & (Lease.holder == lease.holder) & (Lease.epoch == lease.epoch)
