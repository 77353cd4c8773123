"""Every query of the audit log: it adds and reads, and has nothing that changes or removes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.audit.chain import Head
from lianpu.audit.models import AuditEvent


@dataclass(frozen=True, slots=True)
class EventFilter:
    """All that is given must hold."""

    actor: str | None = None
    """Id, or name: then whoever bore it last."""
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


class AuditRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def head(self) -> Head | None:
        """None: nothing was recorded yet."""
        query = select(AuditEvent.sequence, AuditEvent.hash).order_by(AuditEvent.sequence.desc()).limit(1)
        row = (await self._session.execute(query)).first()
        return None if row is None else Head(row[0], row[1])

    async def hash_at(self, sequence: int) -> str | None:
        return await self._session.scalar(select(AuditEvent.hash).where(AuditEvent.sequence == sequence))

    async def add(self, events: Sequence[dict[str, Any]]) -> None:
        """
        Raises:
            sqlalchemy.exc.IntegrityError: another process has taken one of the sequence numbers.
        """
        await self._session.execute(insert(AuditEvent), events)

    async def after(self, sequence: int | None, limit: int) -> Sequence[dict[str, Any]]:
        """Whole rows in the order of the chain; None: from the first row there is, whatever its number."""
        query = select(AuditEvent.__table__).order_by(AuditEvent.sequence).limit(limit)
        if sequence is not None:
            query = query.where(AuditEvent.sequence > sequence)
        return [dict(row) for row in (await self._session.execute(query)).mappings()]

    async def sequences(self, after: int | None, limit: int) -> Sequence[int]:
        query = select(AuditEvent.sequence).order_by(AuditEvent.sequence).limit(limit)
        return (await self._session.scalars(query if after is None else query.where(AuditEvent.sequence > after))).all()

    async def row(self, sequence: int) -> dict[str, Any] | None:
        query = select(AuditEvent.__table__).where(AuditEvent.sequence == sequence)
        row = (await self._session.execute(query)).mappings().first()
        return None if row is None else dict(row)

    async def page(self, wanted: EventFilter, after: tuple[datetime, int] | None, limit: int) -> Sequence[AuditEvent]:
        """Newest first."""
        return (await self._session.scalars(await self.page_query(wanted, after, limit))).all()

    async def page_query(
        self, wanted: EventFilter, after: tuple[datetime, int] | None, limit: int
    ) -> Select[AuditEvent]:
        """In the order of an index, whatever is wanted."""
        query = select(AuditEvent).where(*await self._conditions(wanted))
        if after is not None:
            at, sequence = after
            query = query.where(
                AuditEvent.at <= at,
                or_(AuditEvent.at < at, and_(AuditEvent.at == at, AuditEvent.sequence < sequence)),
            )
        return query.order_by(AuditEvent.at.desc(), AuditEvent.sequence.desc()).limit(limit)

    async def _conditions(self, wanted: EventFilter) -> list[ColumnElement[bool]]:
        """One index leads, the same on every database: a target has few events, an actor more, an action most."""
        found: list[ColumnElement[bool]] = []
        actor = None if wanted.actor is None else await self._actor_id(wanted.actor)
        if wanted.target is not None:
            found.append(AuditEvent.target == wanted.target)
        if actor is not None:
            found.append(
                _beside(AuditEvent.actor_id, actor) if wanted.target is not None else AuditEvent.actor_id == actor
            )
        if wanted.action is not None:
            leads = wanted.target is None
            found.append(AuditEvent.action == wanted.action if leads else _beside(AuditEvent.action, wanted.action))
        if wanted.since is not None:
            found.append(AuditEvent.at >= wanted.since)
        if wanted.until is not None:
            found.append(AuditEvent.at < wanted.until)
        return found

    async def _actor_id(self, actor: str) -> str:
        """An id as it is; of a name the id of whoever bore it last."""
        known = select(AuditEvent.sequence).where(AuditEvent.actor_id == actor).limit(1)
        if await self._session.scalar(known) is not None:
            return actor
        named = select(AuditEvent.actor_id).where(AuditEvent.actor_name == actor)
        return await self._session.scalar(named.order_by(AuditEvent.sequence.desc()).limit(1)) or actor


def _beside(column: Any, value: str) -> ColumnElement[bool]:
    """A condition that no index is chosen for."""
    return func.coalesce(column, "") == value
