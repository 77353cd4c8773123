"""Queries about streams and the leases they are run by."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.clock import database_now
from lianpu.leases.leases import Leases
from lianpu.leases.models import Lease
from lianpu.streams.models import Stream

PREFERENCE_S = 5.0
"""A node that a stream is to run on has so long to take it."""
PUSHED_LOST_S = 60.0
"""What is pushed is lost when the node that its frames are to come to has not taken it for so long."""


class LeasedStreamRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession, leases: Leases) -> None:
        self._session = session
        self._leases = leases

    async def streams(self, stream_ids: Collection[str]) -> dict[str, Stream]:
        rows = await self._session.scalars(select(Stream).where(Stream.id.in_(stream_ids)))
        return {row.id: row for row in rows}

    async def unleased(self) -> Sequence[str]:
        """Ids of active streams that there is no lease of."""
        query = (
            select(Stream.id).outerjoin(Lease, Lease.name == Stream.id).where(Stream.is_active, Lease.name.is_(None))
        )
        return (await self._session.scalars(query)).all()

    async def free(self, *, takes_any: bool) -> Sequence[Stream]:
        """Those that this node may begin with, oldest first.

        Args:
            takes_any: not only those that are to run on this node.
        """
        wanted = Stream.node == self._leases.node
        if takes_any:
            is_left = or_(Lease.holder == Stream.node, Lease.expires_at < database_now(-PREFERENCE_S))
            wanted = or_(wanted, Stream.node.is_(None), and_(~Stream.is_pushed, is_left))
        query = self._unheld().where(wanted, ~Stream.stop_requested, ~_is_past())
        return (await self._session.scalars(query.order_by(Stream.started_at, Stream.id))).all()

    async def over(self) -> list[tuple[Stream, bool]]:
        """Those that nobody runs, and nobody is to begin with any more; and whether their lifetime is over."""
        is_lost = or_(Lease.holder == Stream.node, Lease.expires_at < database_now(-PUSHED_LOST_S))
        pushed_elsewhere = and_(Stream.is_pushed, Stream.node != self._leases.node, is_lost)
        query = self._unheld().where(or_(Stream.stop_requested, _is_past(), pushed_elsewhere)).add_columns(_is_past())
        return [(row, bool(is_past)) for row, is_past in await self._session.execute(query)]

    async def holders(self, stream_ids: Collection[str]) -> dict[str, tuple[str, int]]:
        """Node and epoch of those that somebody runs."""
        query = select(Lease.name, Lease.holder, Lease.epoch)
        rows = await self._session.execute(query.where(Lease.name.in_(stream_ids), ~self._leases.is_free()))
        return {name: (holder, epoch) for name, holder, epoch in rows if holder is not None}

    async def withdraw(self, row: Stream) -> bool:
        """Take a stream back that nobody has begun with; False: somebody has."""
        query = select(Lease).where(Lease.name == row.id, Lease.epoch == 0).with_for_update()
        lease = await self._session.scalar(query)
        stream = await self._session.get(Stream, row.id)
        if lease is None or stream is None:
            return False
        await self._session.delete(lease)
        await self._session.delete(stream)
        return True

    def _unheld(self) -> Select[Stream]:
        return select(Stream).join(Lease, Lease.name == Stream.id).where(Stream.is_active, self._leases.is_free())


def _is_past() -> ColumnElement[bool]:
    return and_(Stream.expires_at.is_not(None), Stream.expires_at <= database_now())
