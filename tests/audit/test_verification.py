"""Every kind of tampering is found, and the event named."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from lianpu.audit.anchor import Anchor
from lianpu.audit.audit import Audit, build_audit
from lianpu.audit.chain import Seal
from lianpu.audit.verification import CHUNK, AuditVerification, ChainProblem
from lianpu.database.session import Database
from lianpu.storage.local import LocalStorage
from tests.audit.tampering import BOB, KEY, copy_database, fill, search_by, tampering

pytestmark = pytest.mark.anyio
COLUMNS = (
    "at = '2020-01-01 00:00:00.000000'",
    "actor_kind = 'local'",
    "actor_id = 'x'",
    "actor_name = 'x'",
    "action = 'x'",
    "outcome = 'failed'",
    "status = 500",
    "target = NULL",
    "client = 'x'",
    "request_id = 'x'",
    "detail = '{}'",
    "detail = '{\"faces\": 1.0}'",
    "previous_hash = hash",
    "hash = previous_hash",
    # What cannot even be read.
    "detail = '{'",
    "at = 'never'",
    "status = 'x'",
)


@pytest.mark.parametrize("change", COLUMNS)
async def test_R_ACC_4_changed_row_is_found(audit: Audit, tmp_path: Path, change: str) -> None:
    await fill(audit, 7)
    with tampering(tmp_path / "test.db") as connection:
        assert connection.execute(f"UPDATE audit_events SET {change} WHERE sequence = 4").rowcount == 1
    verdict = await audit.verification.verify()
    assert (verdict.ok, verdict.first_broken, verdict.problem) == (False, 4, ChainProblem.CHANGED)
    assert verdict.events == 3


async def test_R_ACC_4_whole_log_is_whole(audit: Audit) -> None:
    empty = await audit.verification.verify()
    assert (empty.ok, empty.events, empty.head.sequence) == (True, 0, 0)
    await fill(audit, 7)
    await audit.log.anchor()
    await fill(audit, 2)
    verdict = await audit.verification.verify()
    assert (verdict.ok, verdict.events, verdict.head.sequence) == (True, 9, 9)
    assert verdict.anchored is not None
    assert verdict.anchored.sequence == 7
    assert (await audit.verification.verify(expect_head=verdict.head.hash)).ok
    assert (await audit.verification.verify(expect_head=verdict.anchored.hash)).ok


def _remove_one(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit_events WHERE sequence = 4")


def _remove_and_close_up(connection: sqlite3.Connection) -> None:
    _remove_one(connection)
    for sequence in range(5, 8):
        connection.execute("UPDATE audit_events SET sequence = ? WHERE sequence = ?", (sequence - 1, sequence))


def _remove_the_first(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit_events WHERE sequence = 1")


def _insert_between(connection: sqlite3.Connection) -> None:
    for sequence in range(7, 3, -1):
        connection.execute("UPDATE audit_events SET sequence = ? WHERE sequence = ?", (sequence + 1, sequence))
    _copy(connection, "2", "4")


def _insert_at_the_end(connection: sqlite3.Connection) -> None:
    _copy(connection, "7", "8")


def _insert_before_the_first(connection: sqlite3.Connection) -> None:
    _copy(connection, "7", "0")


def _insert_far_before(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE audit_events SET sequence = sequence - 10")


def _swap(connection: sqlite3.Connection) -> None:
    for old, new in ((4, 99), (5, 4), (99, 5)):
        connection.execute("UPDATE audit_events SET sequence = ? WHERE sequence = ?", (new, old))


def _forge_with_another_key(connection: sqlite3.Connection) -> None:
    """Everything as it has to be, but for the key."""
    connection.row_factory = sqlite3.Row
    row = dict(connection.execute("SELECT * FROM audit_events WHERE sequence = 4").fetchone())
    event = {**row, "target": "p-innocent", "detail": json.loads(row["detail"])}
    event["at"] = datetime.fromisoformat(row["at"] + "+00:00")
    forged = Seal(lambda: b"guessed" * 5).hash_of(event)
    connection.execute("UPDATE audit_events SET target = 'p-innocent', hash = ? WHERE sequence = 4", (forged,))
    connection.execute("UPDATE audit_events SET previous_hash = ? WHERE sequence = 5", (forged,))


def _copy(connection: sqlite3.Connection, source: str, target: str) -> None:
    columns = [row[1] for row in connection.execute("PRAGMA table_info(audit_events)") if row[1] != "sequence"]
    listed = ", ".join(f'"{column}"' for column in columns)
    connection.execute(
        f"INSERT INTO audit_events (sequence, {listed}) SELECT {target}, {listed} FROM audit_events "
        f"WHERE sequence = {source}"
    )


@pytest.mark.parametrize(
    ("tamper", "first_broken", "problem"),
    [
        (_remove_one, 4, ChainProblem.MISSING),
        (_remove_and_close_up, 4, ChainProblem.CHANGED),
        (_remove_the_first, 1, ChainProblem.MISSING),
        (_insert_between, 4, ChainProblem.CHANGED),
        (_insert_at_the_end, 8, ChainProblem.CHANGED),
        (_insert_before_the_first, 0, ChainProblem.INSERTED),
        (_insert_far_before, -9, ChainProblem.INSERTED),
        (_swap, 4, ChainProblem.CHANGED),
        (_forge_with_another_key, 4, ChainProblem.CHANGED),
    ],
)
async def test_R_ACC_4_removed_and_inserted_rows_are_found(
    audit: Audit,
    tmp_path: Path,
    tamper: Callable[[sqlite3.Connection], None],
    first_broken: int,
    problem: ChainProblem,
) -> None:
    await fill(audit, 7)
    with tampering(tmp_path / "test.db") as connection:
        tamper(connection)
    verdict = await audit.verification.verify()
    assert (verdict.first_broken, verdict.problem, verdict.ok) == (first_broken, problem, False)


@pytest.mark.parametrize("left", [0, 3, 6])
async def test_R_ACC_4_cut_tail_is_found_by_the_anchor(audit: Audit, tmp_path: Path, left: int) -> None:
    await fill(audit, 7)
    await audit.log.anchor()
    with tampering(tmp_path / "test.db") as connection:
        connection.execute("DELETE FROM audit_events WHERE sequence > ?", (left,))
    verdict = await audit.verification.verify()
    assert (verdict.first_broken, verdict.problem) == (left + 1, ChainProblem.CUT)
    assert (await audit.verification.quick())[1] is ChainProblem.CUT


async def test_R_ACC_4_cut_tail_is_found_by_a_hash_that_somebody_noted_down(audit: Audit, tmp_path: Path) -> None:
    await fill(audit, 7)
    noted = (await audit.verification.verify()).head.hash
    with tampering(tmp_path / "test.db") as connection:
        connection.execute("DELETE FROM audit_events WHERE sequence = 7")
    # Without an anchor the rest is a chain like any other.
    assert (await audit.verification.verify()).ok
    verdict = await audit.verification.verify(expect_head=noted)
    assert (verdict.ok, verdict.problem, verdict.first_broken) == (False, ChainProblem.HEAD_UNKNOWN, None)


async def test_R_ACC_4_history_that_was_cut_and_goes_on_is_found(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The tail goes while the server is down; then it writes on, which must not hide what is missing."""
    storage = LocalStorage(tmp_path / "home")
    first = build_audit(database, storage, lambda: KEY)
    async with first.running():
        await fill(first, 7)
    with tampering(tmp_path / "test.db") as connection:
        connection.execute("DELETE FROM audit_events WHERE sequence > 4")
    second = build_audit(database, storage, lambda: KEY)
    async with second.running():
        assert "lacks what its anchor names" in caplog.text
        await fill(second, 5)
    verdict = await second.verification.verify()
    assert (verdict.first_broken, verdict.problem) == (7, ChainProblem.REWRITTEN)
    assert (await second.verification.quick())[1] is ChainProblem.REWRITTEN
    kept = Anchor(storage).read()
    assert kept is not None
    assert kept.sequence == 7


async def test_R_ACC_4_tail_cut_under_a_running_server_leaves_a_trace(
    audit: Audit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(audit, 7)
    with tampering(tmp_path / "test.db") as connection:
        connection.execute("DELETE FROM audit_events WHERE sequence > 4")
    await fill(audit, 5)
    assert "lacks event 7, which was stored" in caplog.text
    verdict = await audit.verification.verify()
    assert (verdict.first_broken, verdict.problem) == (7, ChainProblem.REWRITTEN)


async def test_R_ACC_4_restored_database_is_told_from_a_whole_one(audit: Audit, tmp_path: Path) -> None:
    """A genuine older copy is put back: every seal in it fits."""
    await fill(audit, 4)
    copy_database(tmp_path / "test.db", tmp_path / "older.db")
    await fill(audit, 3)
    await audit.log.anchor()
    older = Database(f"sqlite+aiosqlite:///{tmp_path / 'older.db'}")
    storage = LocalStorage(tmp_path / "home")
    verdict = await AuditVerification(older, Seal(lambda: KEY), Anchor(storage)).verify()
    await older.close()
    assert (verdict.first_broken, verdict.problem, verdict.events) == (5, ChainProblem.CUT, 4)


async def test_R_ACC_4_two_histories_mixed_are_found(audit: Audit, tmp_path: Path) -> None:
    """Each row is genuine; rows of the one are put among those of the other."""
    await fill(audit, 4)
    copy_database(tmp_path / "test.db", tmp_path / "other.db")
    await audit.log.append(search_by(BOB, target="p-secret"))
    await fill(audit, 2)
    other = Database(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
    branch = build_audit(other, LocalStorage(tmp_path / "elsewhere"), lambda: KEY)
    await fill(branch, 1)
    await branch.log.close()
    await other.close()
    with tampering(tmp_path / "test.db") as connection:
        connection.execute("ATTACH ? AS other", (str(tmp_path / "other.db"),))
        connection.execute("DELETE FROM audit_events WHERE sequence = 5")
        connection.execute("INSERT INTO audit_events SELECT * FROM other.audit_events WHERE sequence = 5")
        connection.commit()
    verdict = await audit.verification.verify()
    assert (verdict.first_broken, verdict.problem) == (6, ChainProblem.OUT_OF_ORDER)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sequence": "x", "hash": ""}'])
async def test_R_ACC_4_damaged_anchor_is_told(audit: Audit, tmp_path: Path, content: bytes) -> None:
    await fill(audit, 2)
    await audit.log.anchor()
    (tmp_path / "home" / "keys" / "audit.head").write_bytes(content)
    verdict = await audit.verification.verify()
    assert (verdict.ok, verdict.problem, verdict.events) == (False, ChainProblem.ANCHOR_DAMAGED, 2)
    assert (await audit.verification.quick())[1] is ChainProblem.ANCHOR_DAMAGED
    await audit.log.anchor()
    assert (tmp_path / "home" / "keys" / "audit.head").read_bytes() == content


async def test_R_ACC_4_another_secret_proves_nothing(audit: Audit, database: Database, tmp_path: Path) -> None:
    await fill(audit, 2)
    verification = AuditVerification(database, Seal(lambda: b"new" * 11), Anchor(LocalStorage(tmp_path)))
    verdict = await verification.verify()
    assert (verdict.first_broken, verdict.problem, verdict.events) == (1, ChainProblem.CHANGED, 0)


async def test_R_ACC_4_tampering_beyond_the_first_chunk_is_found(audit: Audit, tmp_path: Path) -> None:
    await asyncio.gather(*(audit.log.append(search_by()) for _ in range(CHUNK + 50)))
    assert (await audit.verification.verify()).events == CHUNK + 50
    with tampering(tmp_path / "test.db") as connection:
        connection.execute("UPDATE audit_events SET detail = '{' WHERE sequence = ?", (CHUNK + 7,))
    verdict = await audit.verification.verify()
    assert (verdict.first_broken, verdict.problem) == (CHUNK + 7, ChainProblem.CHANGED)
