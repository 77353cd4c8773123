"""The log by which nodes follow each other's changes of the gallery, and the lock that puts those changes in order."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.base import now_utc
from lianpu.gallery.models import GalleryLogEntry, GalleryLogHead

HEAD = 1
IDLE_MAX_S = 60
"""A node that holds the lock and says nothing for so long is frozen or gone: the server ends its transaction."""
LOCK_WAIT_MAX_S = 60


class GalleryLog:
    """On database servers alone. Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> int:
        """Wait until no other node changes the gallery; until this transaction ends, none can. Returns: `head`.

        What is read afterwards in this transaction is what all others have committed: checks hold until the commit.

        Raises:
            sqlalchemy.exc.DBAPIError: others took longer than `LOCK_WAIT_MAX_S`.
        """
        dialect = self._session.get_bind().dialect.name
        await self._session.execute(text(_limits(dialect)))
        query = select(GalleryLogHead.sequence).where(GalleryLogHead.id == HEAD).with_for_update()
        return (await self._session.scalars(query)).one()

    async def head(self) -> int:
        """The last sequence that was committed; 0: none was."""
        return (await self._session.scalars(select(GalleryLogHead.sequence).where(GalleryLogHead.id == HEAD))).one()

    async def append(self, head: int, embedding_ids: Iterable[str], state_keys: Iterable[str]) -> int:
        """For whoever holds the lock, which gave him `head`. Returns: the head from the commit on."""
        subjects = [
            *({"embedding_id": embedding_id, "state_key": None} for embedding_id in embedding_ids),
            *({"embedding_id": None, "state_key": key} for key in state_keys),
        ]
        if not subjects:
            return head
        moment = now_utc()
        rows = [{"sequence": sequence, "at": moment, **row} for sequence, row in enumerate(subjects, head + 1)]
        await self._session.execute(insert(GalleryLogEntry), rows)
        move = update(GalleryLogHead).where(GalleryLogHead.id == HEAD).values(sequence=head + len(rows))
        await self._session.execute(move.execution_options(synchronize_session=False))
        return head + len(rows)

    async def entries(self, after: int, limit: int) -> Sequence[GalleryLogEntry]:
        """In their order, `after` excluded."""
        query = select(GalleryLogEntry).where(GalleryLogEntry.sequence > after).order_by(GalleryLogEntry.sequence)
        return (await self._session.scalars(query.limit(limit))).all()

    async def delete_before(self, moment: datetime) -> None:
        """A prefix, even where the clocks of nodes differ."""
        last = await self._session.scalar(select(func.max(GalleryLogEntry.sequence)).where(GalleryLogEntry.at < moment))
        if last is not None:
            await self._session.execute(delete(GalleryLogEntry).where(GalleryLogEntry.sequence <= last))


def _limits(dialect: str) -> str:
    if dialect == "postgresql":
        limits = (("idle_in_transaction_session_timeout", IDLE_MAX_S), ("lock_timeout", LOCK_WAIT_MAX_S))
        return "SELECT " + ", ".join(f"set_config('{name}', '{seconds}s', true)" for name, seconds in limits)
    # Of the connection: MariaDB has none for a transaction.
    return f"SET idle_transaction_timeout = {IDLE_MAX_S}, innodb_lock_wait_timeout = {LOCK_WAIT_MAX_S}"
