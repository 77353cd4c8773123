"""Reading the audit log, by filter and page or as a whole."""

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from lianpu.audit.models import AuditEvent
from lianpu.audit.repository import AuditRepository, EventFilter
from lianpu.database.session import Database
from lianpu.errors import CursorInvalidError
from lianpu.http.pagination import Cursor, decode_cursor, moment_and_id

CHUNK = 2000


class AuditReading:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: EventFilter, cursor: str | None, limit: int
    ) -> tuple[Sequence[AuditEvent], str | None]:
        """Newest first. Returns: the events, and the cursor of the next page.

        Raises:
            CursorInvalidError: the cursor is not of this list and these filters.
        """
        scope = f"audit:{wanted}"
        after = None if cursor is None else _place(decode_cursor(cursor, scope, 2))
        async with self._database.session() as session:
            found = await AuditRepository(session).page(wanted, after, limit + 1)
        if len(found) <= limit:
            return found, None
        last = found[limit - 1]
        return found[:limit], Cursor((last.at.isoformat(), str(last.sequence))).encode(scope)

    async def lines(self, after: int, limit: int) -> AsyncGenerator[bytes]:
        """Whole events with their hashes as JSON lines (UTF-8), in the order of the chain."""
        while limit > 0:
            async with self._database.session() as session:
                rows = await AuditRepository(session).after(after, min(limit, CHUNK))
            yield b"".join(_line(row) for row in rows)
            if len(rows) < min(limit, CHUNK):
                return
            after, limit = rows[-1]["sequence"], limit - len(rows)


def _place(cursor: Cursor) -> tuple[Any, int]:
    at, sequence = moment_and_id(cursor)
    if not sequence.isdecimal():
        raise CursorInvalidError("The cursor is not one that this server gave out.")
    return at, int(sequence)


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps({**row, "at": row["at"].isoformat()}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
