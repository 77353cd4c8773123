"""The database itself refuses to change or remove events; and the chain is the same on each of the three."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lianpu.audit.audit import build_audit
from lianpu.audit.repository import EventFilter
from lianpu.database.session import Database
from lianpu.storage.local import LocalStorage
from tests.audit.tampering import ADA, KEY, search_by

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


CHANGES = [
    "UPDATE audit_events SET target = 'x'",
    "UPDATE audit_events SET sequence = 99 WHERE sequence = 2",
    "DELETE FROM audit_events",
    "DELETE FROM audit_events WHERE sequence = 3",
]
REPLACING = {
    "sqlite": ["INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events WHERE sequence = 1"],
    "postgresql": [
        "TRUNCATE audit_events",
        "INSERT INTO audit_events SELECT * FROM audit_events WHERE sequence = 1 "
        "ON CONFLICT (sequence) DO UPDATE SET target = 'x'",
    ],
    "mariadb": [
        "REPLACE INTO audit_events SELECT * FROM audit_events WHERE sequence = 1",
        "INSERT INTO audit_events SELECT * FROM audit_events WHERE sequence = 1 ON DUPLICATE KEY UPDATE target = 'x'",
    ],
}


async def test_R_ACC_4_the_database_refuses_to_change_and_remove(database: Database, tmp_path: Path) -> None:
    audit = build_audit(database, LocalStorage(tmp_path / "home"), lambda: KEY)
    for number in range(3):
        await audit.log.append(search_by(target=f"张-{number}😀", score=0.125, names=["é"]))
    statements = CHANGES + REPLACING[database.engine.dialect.name.replace("mysql", "mariadb")]
    for statement in statements:
        async with database.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="append only"):
                await connection.execute(text(statement))
    assert (await audit.verification.verify()).events == 3
    events, _ = await audit.reading.page(EventFilter(actor="ada"), None, 10)
    assert [event.target for event in events] == ["张-2😀", "张-1😀", "张-0😀"]
    await audit.log.append(search_by())
    await audit.log.close()


async def test_R_ACC_4_several_writers_make_one_chain(database: Database, tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "home")
    audits = [build_audit(database, storage, lambda: KEY) for _ in range(4)]
    moments = [audits[number % 4].log.append(search_by(ADA, target=str(number))) for number in range(200)]
    heads = await asyncio.gather(*moments)
    assert sorted(head.sequence for head in heads) == list(range(1, 201))
    verdict = await audits[0].verification.verify()
    assert (verdict.ok, verdict.events) == (True, 200)
    for audit in audits:
        await audit.log.close()


async def test_R_ACC_4_what_is_stored_outlives_a_power_cut(tmp_path: Path) -> None:
    """SQLite's log is written through to the disk at every commit of the audit log, and of it alone."""
    levels: dict[bool, int] = {}
    for is_durable in (True, False):
        opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}", is_durable=is_durable)
        async with opened.session() as session:
            levels[is_durable] = (await session.execute(text("PRAGMA synchronous"))).scalar_one()
        await opened.close()
    assert levels == {True: 2, False: 1}
    with contextlib.closing(sqlite3.connect(tmp_path / "test.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
