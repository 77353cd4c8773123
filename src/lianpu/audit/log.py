"""Writing the audit log: one writer gathers what waits and commits it at once; each caller waits for its entry."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from lianpu.audit.anchor import Anchor
from lianpu.audit.chain import Head, Seal
from lianpu.audit.entry import AuditEntry, Outcome
from lianpu.audit.repository import AuditRepository
from lianpu.database.base import now_utc
from lianpu.database.conflicts import is_conflict
from lianpu.database.session import Database
from lianpu.errors import AuditUnavailableError, LianpuError, StorageError

BATCH_MAX = 200
PATIENCE_S = 15.0
"""How long a database that does not take the entries is waited for."""
RETRY_AFTER_S = 10
WITHHELD_MAX = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: AuditEntry
    at: datetime
    stored: asyncio.Future[Head | AuditUnavailableError]


class AuditLog:
    """Several processes may write one database: a sequence number that another has taken is tried again."""

    def __init__(self, database: Database, seal: Seal, anchor: Anchor) -> None:
        """`database`: of its own, so that no request's connection is waited for; durable."""
        self._database = database
        self._seal = seal
        self._anchor = anchor
        self._waiting: deque[_Waiting] = deque()
        self._withheld: list[tuple[AuditEntry, datetime]] = []
        self._writer: asyncio.Task[None] | None = None
        self._head: Head | None = None
        self.problem: str | None = None
        """Why the last entries could not be written; None: they were."""

    async def append(self, entry: AuditEntry) -> Head:
        """Store one entry; returns when it is committed.

        Raises:
            AuditUnavailableError: it could not be stored. It is tried again with the entries that follow.
            TypeError: its detail holds what has no place here.
        """
        waiting = _Waiting(entry.cleaned(), now_utc(), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._write()
        # A caller who goes away takes its entry with it from nobody.
        stored = await asyncio.shield(waiting.stored)
        if isinstance(stored, AuditUnavailableError):
            raise stored
        return stored

    async def check(self) -> None:
        """Before an act: while the last entries could not be written, try once more.

        Raises:
            AuditUnavailableError: they still cannot be.
        """
        if self.problem is None:
            return
        await asyncio.shield(self._write())
        if self._withheld:
            raise self._unavailable("nothing was done")

    async def anchor(self) -> None:
        """Note in the anchor how far the chain reaches, unless the chain lacks what was noted before."""
        try:
            kept = await asyncio.to_thread(self._anchor.read)
            async with self._database.session() as session:
                repository = AuditRepository(session)
                head = await repository.head()
                whole = kept is None or await repository.hash_at(kept.sequence) == kept.hash
            if not whole:
                _log.error("the audit log lacks what its anchor names; run `lianpu audit verify`")
            elif head is not None and head != kept:
                await asyncio.to_thread(self._anchor.write, head)
        except (LianpuError, DBAPIError, OSError) as error:
            _log.error("the audit log cannot be anchored: %s", error)

    async def close(self) -> None:
        """Store what waits, as far as it can be, and let go of the database."""
        await self._write()
        await self._database.close()

    def _write(self) -> asyncio.Task[None]:
        if self._writer is None or self._writer.done():
            # Of no request: its log lines belong to all that wait.
            self._writer = asyncio.create_task(self._write_waiting(), context=Context())
        return self._writer

    async def _write_waiting(self) -> None:
        while self._waiting or self._withheld:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
            earlier = list(self._withheld)
            try:
                heads = await self._store([*earlier, *((one.entry, one.at) for one in batch)])
            except Exception as error:  # a driver raises what it likes, and nobody may wait for ever
                self._give_up(batch, error)
                if not self._waiting:
                    return
                continue
            if self.problem is not None:
                _log.warning("the audit log can be written again")
            self.problem = None
            self._withheld.clear()
            for one, head in zip(batch, heads[len(earlier) :], strict=True):
                one.stored.set_result(head)

    def _give_up(self, batch: Sequence[_Waiting], error: Exception) -> None:
        self.problem = type(getattr(error, "orig", None) or error).__name__
        _log.error("the audit log cannot be written: %s", error)
        for one in batch:
            if len(self._withheld) < WITHHELD_MAX:
                self._withheld.append((_withheld(one.entry), one.at))
            one.stored.set_result(self._unavailable("the answer is withheld; what was asked for may have been done"))

    def _unavailable(self, effect: str) -> AuditUnavailableError:
        return AuditUnavailableError(
            f"The audit log cannot be written ({self.problem}): {effect}. The server's log says why.",
            retry_after_s=RETRY_AFTER_S,
        )

    async def _store(self, entries: Sequence[tuple[AuditEntry, datetime]]) -> list[Head]:
        # SQLite waits for its lock by itself, and a thread that waits cannot be called back.
        async with asyncio.timeout(None if self._database.is_sqlite else PATIENCE_S):
            while True:
                try:
                    return await self._store_once(entries)
                except DBAPIError as error:
                    # A number that another process has taken, or its transaction came between.
                    if not (isinstance(error, IntegrityError) or is_conflict(error)):
                        raise
                await asyncio.sleep(random.uniform(0, 0.02))  # noqa: S311 (no secret)

    async def _store_once(self, entries: Sequence[tuple[AuditEntry, datetime]]) -> list[Head]:
        async with self._database.session() as session:
            if self._database.is_sqlite:
                await session.execute(text("BEGIN IMMEDIATE"))
            repository = AuditRepository(session)
            head = await repository.head() or self._seal.origin
            await self._compare(repository, head)
            events, heads = self._sealed(entries, head)
            await repository.add(events)
            await session.commit()
        self._head = heads[-1]
        return heads

    async def _compare(self, repository: AuditRepository, head: Head) -> None:
        """What this process has stored must still be there: else leave a trace of it outside of the database."""
        known = self._head
        if known is None or known == head:
            return
        if head.sequence > known.sequence and await repository.hash_at(known.sequence) == known.hash:
            return
        _log.error("the audit log lacks event %d, which was stored; run `lianpu audit verify`", known.sequence)
        try:
            kept = await asyncio.to_thread(self._anchor.read)
            if kept is None or kept.sequence < known.sequence:
                await asyncio.to_thread(self._anchor.write, known)
        except StorageError as error:
            _log.error("the audit log cannot be anchored: %s", error.detail)

    def _sealed(
        self, entries: Sequence[tuple[AuditEntry, datetime]], head: Head
    ) -> tuple[list[dict[str, Any]], list[Head]]:
        events: list[dict[str, Any]] = []
        heads: list[Head] = []
        for entry, at in entries:
            event = {
                "sequence": head.sequence + 1,
                "at": at,
                "actor_kind": entry.actor.kind,
                "actor_id": entry.actor.id,
                "actor_name": entry.actor.name,
                "action": entry.action.value,
                "outcome": entry.outcome.value,
                "status": entry.status,
                "target": entry.target,
                "client": entry.client,
                "request_id": entry.request_id,
                "detail": dict(entry.detail),
                "previous_hash": head.hash,
            }
            head = Head(head.sequence + 1, self._seal.hash_of(event))
            events.append({**event, "hash": head.hash})
            heads.append(head)
        return events, heads


def _withheld(entry: AuditEntry) -> AuditEntry:
    """As the caller saw it: whatever was done, the answer did not leave."""
    detail = {**entry.detail, "withheld_status": entry.status}
    return replace(entry, outcome=Outcome.FAILED, status=AuditUnavailableError.status, detail=detail)
