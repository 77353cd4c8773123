"""Queries of the streams' tables."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.errors import StreamNotFoundError
from lianpu.streams.models import Stream, StreamEvent, StreamEventHead

HEAD = 1


class StreamRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Stream) -> None:
        self._session.add(row)

    async def add_events(self, events: Sequence[StreamEvent]) -> None:
        """Give them the next sequences. The last thing of a transaction: all others who add some wait for its commit.

        The lock on the head's row makes the sequences come in the order of the commits, which no auto-increment does.
        """
        count = len(events)
        take = update(StreamEventHead).where(StreamEventHead.id == HEAD)
        take = take.values(sequence=StreamEventHead.sequence + count)
        await self._session.execute(take.execution_options(synchronize_session=False))
        first = await self.last_sequence() - count + 1
        for place, event in enumerate(events):
            event.sequence = first + place
        self._session.add_all(events)
        await self._session.flush()

    async def last_sequence(self) -> int:
        """The last one that was given out; 0: none was."""
        return (await self._session.scalars(select(StreamEventHead.sequence).where(StreamEventHead.id == HEAD))).one()

    async def first_sequence(self) -> int | None:
        """The first one that is kept."""
        return await self._session.scalar(select(func.min(StreamEvent.sequence)))

    async def events_after(
        self, sequence: int, until: int | None, limit: int, *, stream_id: str | None = None
    ) -> Sequence[StreamEvent]:
        """In their order, `sequence` excluded and `until` included; None: no bound, of every stream."""
        query = select(StreamEvent).where(StreamEvent.sequence > sequence).order_by(StreamEvent.sequence)
        if until is not None:
            query = query.where(StreamEvent.sequence <= until)
        if stream_id is not None:
            query = query.where(StreamEvent.stream_id == stream_id)
        return (await self._session.scalars(query.limit(limit))).all()

    async def stream(self, stream_id: str) -> Stream:
        """
        Raises:
            StreamNotFoundError: there is no such stream.
        """
        stream = await self._session.get(Stream, stream_id)
        if stream is None:
            raise StreamNotFoundError(f"There is no stream {stream_id!r}.")
        return stream

    async def active(self) -> Sequence[Stream]:
        """Oldest first."""
        query = select(Stream).where(Stream.is_active).order_by(Stream.started_at, Stream.id)
        return (await self._session.scalars(query)).all()

    async def ended(self, limit: int) -> Sequence[Stream]:
        """The one that ended last first."""
        query = select(Stream).where(Stream.ended_at.is_not(None)).order_by(Stream.ended_at.desc()).limit(limit)
        return (await self._session.scalars(query)).all()

    async def events(
        self,
        stream_id: str | None,
        person_id: str | None,
        kind: str | None,
        before: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[StreamEvent]:
        """Newest first; `before`: moment and id of the last one that was given out."""
        query = select(StreamEvent).order_by(StreamEvent.at.desc(), StreamEvent.id.desc()).limit(limit)
        for column, value in (
            (StreamEvent.stream_id, stream_id),
            (StreamEvent.person_id, person_id),
            (StreamEvent.kind, kind),
        ):
            if value is not None:
                query = query.where(column == value)
        if before is not None:
            moment, event_id = before
            query = query.where((StreamEvent.at < moment) | ((StreamEvent.at == moment) & (StreamEvent.id < event_id)))
        return (await self._session.scalars(query)).all()

    async def event(self, event_id: str) -> StreamEvent | None:
        return await self._session.get(StreamEvent, event_id)

    async def events_before(self, moment: datetime, limit: int) -> Sequence[str]:
        """Ids of events that are older."""
        return (await self._session.scalars(select(StreamEvent.id).where(StreamEvent.at < moment).limit(limit))).all()

    async def delete_events(self, event_ids: Sequence[str]) -> None:
        await self._session.execute(delete(StreamEvent).where(StreamEvent.id.in_(event_ids)))

    async def ended_before(self, moment: datetime, limit: int) -> Sequence[str]:
        """Ids of streams that ended before it."""
        return (await self._session.scalars(select(Stream.id).where(Stream.ended_at < moment).limit(limit))).all()

    async def delete_ended(self, stream_ids: Sequence[str]) -> None:
        """With what is left of their events."""
        await self._session.execute(delete(Stream).where(Stream.id.in_(stream_ids)))
