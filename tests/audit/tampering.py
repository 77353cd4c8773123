"""Entries for tests, and somebody who can write the database and has no key."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lianpu.audit.audit import Audit
from lianpu.audit.entry import Actor, AuditEntry, Outcome
from lianpu.http.audited import Action

KEY = b"k" * 32
ADA = Actor("user", "0190-ada", "ada")
BOB = Actor("user", "0190-bob", "bob")


def search_by(actor: Actor = ADA, target: str | None = None, **detail: Any) -> AuditEntry:
    return AuditEntry(actor, Action.FACE_SEARCH, Outcome.OK, 200, target, "192.0.2.7", "r-1", detail)


async def fill(audit: Audit, count: int) -> None:
    for number in range(count):
        await audit.log.append(search_by(target=f"p-{number + 1}", faces=1))


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is not kept by the triggers: whoever owns the file can drop them."""
    connection = sqlite3.connect(path)
    try:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        assert triggers
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        connection.commit()
    finally:
        connection.close()


def copy_database(path: Path, copy: Path) -> None:
    """With what still lies in the write-ahead log."""
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
