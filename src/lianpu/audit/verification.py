"""Is the audit log whole? Every seal is made anew, every sequence number looked for, and the end compared."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lianpu.audit.anchor import Anchor
from lianpu.audit.chain import Head, Seal
from lianpu.audit.repository import AuditRepository
from lianpu.database.session import Database
from lianpu.errors import StorageError

CHUNK = 2000
UNREADABLE = (ValueError, TypeError)
"""What a column raises whose content is not of its type."""
Row = tuple[int, dict[str, Any] | None]
"""Sequence number, and the values of an event where they can be read."""


class ChainProblem(StrEnum):
    CHANGED = "changed"
    """Its seal does not fit: it was changed, or written by somebody without the key."""
    MISSING = "missing"
    INSERTED = "inserted"
    OUT_OF_ORDER = "out_of_order"
    """Genuine, but not the successor of the one before it: two histories were mixed, as by a restored backup."""
    CUT = "cut"
    """The chain ends before what its anchor names."""
    REWRITTEN = "rewritten"
    """The chain has another event where its anchor was."""
    HEAD_UNKNOWN = "head_unknown"
    """The expected hash is nobody's."""
    ANCHOR_DAMAGED = "anchor_damaged"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it; all before `first_broken` is proved."""

    events: int
    head: Head
    anchored: Head | None
    problem: ChainProblem | None = None
    first_broken: int | None = None
    """Sequence number; None: all is well, or no event can be blamed."""

    @property
    def ok(self) -> bool:
        return self.problem is None


@dataclass(slots=True)
class _Walk:
    head: Head
    events: int = 0
    anchor_fits: bool = False
    expected_found: bool = False
    problem: ChainProblem | None = None
    first_broken: int | None = None

    def broken(self, problem: ChainProblem, sequence: int | None) -> None:
        self.problem, self.first_broken = problem, sequence

    def is_over(self, newest: Head) -> bool:
        return self.problem is not None or (self.events > 0 and self.head.sequence >= newest.sequence)


class AuditVerification:
    def __init__(self, database: Database, seal: Seal, anchor: Anchor) -> None:
        self._database = database
        self._seal = seal
        self._anchor = anchor
        self._turn = asyncio.Lock()

    async def verify(self, expect_head: str | None = None) -> Verdict:
        """Read the whole log. One at a time: it keeps a core busy.

        Args:
            expect_head: a hash that was noted down before, which must be in the chain.
        """
        async with self._turn:
            anchored, is_damaged = await self._anchored()
            walk = _Walk(self._seal.origin, expected_found=expect_head in {None, self._seal.origin.hash})
            async with self._database.session() as session:
                repository = AuditRepository(session)
                newest = await repository.head()
                while newest is not None and not walk.is_over(newest):
                    rows = await _rows(repository, walk.head.sequence if walk.events else None)
                    await asyncio.to_thread(self._check, rows, walk, anchored, expect_head)
            if walk.problem is None:
                _check_end(walk, anchored, is_damaged=is_damaged)
            return Verdict(walk.events, walk.head, anchored, walk.problem, walk.first_broken)

    async def quick(self) -> tuple[Head | None, ChainProblem | None]:
        """Only whether the chain still has what its anchor names. Returns: the newest event, and what is wrong."""
        anchored, is_damaged = await self._anchored()
        async with self._database.session() as session:
            repository = AuditRepository(session)
            head = await repository.head()
            if is_damaged:
                return head, ChainProblem.ANCHOR_DAMAGED
            if anchored is None or await repository.hash_at(anchored.sequence) == anchored.hash:
                return head, None
        is_cut = head is None or head.sequence < anchored.sequence
        return head, ChainProblem.CUT if is_cut else ChainProblem.REWRITTEN

    async def _anchored(self) -> tuple[Head | None, bool]:
        try:
            return await asyncio.to_thread(self._anchor.read), False
        except StorageError:
            return None, True

    def _check(self, rows: Sequence[Row], walk: _Walk, anchored: Head | None, expect_head: str | None) -> None:
        for sequence, row in rows:
            problem = self._problem(sequence, row, walk.head, anchored)
            if row is None or problem is not None:
                missing = problem is ChainProblem.MISSING
                walk.broken(problem or ChainProblem.CHANGED, walk.head.sequence + 1 if missing else sequence)
                return
            walk.head = Head(sequence, row["hash"])
            walk.events += 1
            walk.anchor_fits |= walk.head == anchored
            walk.expected_found |= walk.head.hash == expect_head

    def _problem(
        self, sequence: int, row: dict[str, Any] | None, before: Head, anchored: Head | None
    ) -> ChainProblem | None:
        if sequence != before.sequence + 1:
            return ChainProblem.MISSING if sequence > before.sequence else ChainProblem.INSERTED
        if row is None or self._seal.hash_of(row) != row["hash"]:
            return ChainProblem.CHANGED
        if row["previous_hash"] != before.hash:
            return ChainProblem.OUT_OF_ORDER
        was_here = anchored is None or anchored.sequence != sequence or anchored.hash == row["hash"]
        return None if was_here else ChainProblem.REWRITTEN


async def _rows(repository: AuditRepository, after: int | None) -> list[Row]:
    try:
        return [(row["sequence"], row) for row in await repository.after(after, CHUNK)]
    except UNREADABLE:
        return [(sequence, await _row(repository, sequence)) for sequence in await repository.sequences(after, CHUNK)]


async def _row(repository: AuditRepository, sequence: int) -> dict[str, Any] | None:
    try:
        return await repository.row(sequence)
    except UNREADABLE:
        return None


def _check_end(walk: _Walk, anchored: Head | None, *, is_damaged: bool) -> None:
    if is_damaged:
        walk.broken(ChainProblem.ANCHOR_DAMAGED, None)
    elif anchored is not None and not walk.anchor_fits:
        walk.broken(ChainProblem.CUT, walk.head.sequence + 1)
    elif not walk.expected_found:
        walk.broken(ChainProblem.HEAD_UNKNOWN, None)
