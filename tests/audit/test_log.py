"""Appending: every caller's entry, once, in one chain, whatever happens around it."""

import ast
import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lianpu.audit.audit import Audit, build_audit
from lianpu.audit.log import WITHHELD_MAX
from lianpu.database.session import Database
from lianpu.errors import AuditUnavailableError, StorageError
from lianpu.storage.local import LocalStorage
from tests.audit.tampering import KEY, fill, search_by, tampering

pytestmark = pytest.mark.anyio
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
async def impatient(database: Database, tmp_path: Path) -> Any:
    """A log that does not wait long for the database's lock."""
    audit = build_audit(database, LocalStorage(tmp_path / "home"), lambda: KEY)
    audit.log._database = own = Database(database.url, patience_s=0.1, is_durable=True)
    yield audit
    await own.close()


def rows(path: Path, what: str = "sequence, target") -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as connection:
        found = connection.execute(f"SELECT {what} FROM audit_events ORDER BY sequence").fetchall()
    connection.close()
    return found


async def test_R_ACC_4_a_hundred_at_once_make_one_chain(audit: Audit, tmp_path: Path) -> None:
    heads = await asyncio.gather(*(audit.log.append(search_by(target=f"p-{number}")) for number in range(100)))
    assert [head.sequence for head in heads] == list(range(1, 101))
    assert rows(tmp_path / "test.db") == [(number + 1, f"p-{number}") for number in range(100)]
    verdict = await audit.verification.verify()
    assert (verdict.ok, verdict.events, verdict.head) == (True, 100, heads[-1])


@pytest.mark.parametrize("seed", range(2))
async def test_R_ACC_4_kill_9_leaves_a_whole_chain_with_all_that_was_stored(
    database: Database, tmp_path: Path, seed: int
) -> None:
    """Two processes on one database; both are killed while they write."""
    promised = _promised_by_killed_ones(tmp_path, 60 + 17 * seed)
    audit = build_audit(database, LocalStorage(tmp_path / "home"), lambda: KEY)
    verdict = await audit.verification.verify()
    assert verdict.ok
    assert verdict.events >= max(promised)
    stored = dict(rows(tmp_path / "test.db", "sequence, hash"))
    assert {sequence: stored[sequence] for sequence in promised} == promised
    await fill(audit, 3)
    assert (await audit.verification.verify()).ok
    await audit.log.close()


def _promised_by_killed_ones(folder: Path, lines: int) -> dict[int, str]:
    """What two processes said was stored until they were killed: hashes by sequence number."""
    command = [sys.executable, "-m", "tests.audit.appending", str(folder), "5", "100000"]
    processes = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said: list[str] = []
    for process in processes:
        assert process.stdout is not None
        said += [process.stdout.readline() for _ in range(lines)]
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        # The last line may have been cut.
        said += process.stdout.read().splitlines()[:-1]
        process.wait(timeout=30)
        process.stdout.close()
    return {int(sequence): text for sequence, text in (line.split() for line in said)}


async def test_R_ACC_4_caller_who_goes_away_leaves_its_entry(audit: Audit, tmp_path: Path) -> None:
    gone = asyncio.create_task(audit.log.append(search_by(target="gone")))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await audit.log.append(search_by(target="stays"))
    assert rows(tmp_path / "test.db") == [(1, "gone"), (2, "stays")]


async def test_R_ACC_4_locked_database_is_told_and_nothing_is_lost(impatient: Audit, tmp_path: Path) -> None:
    log = impatient.log
    await log.check()
    await fill(impatient, 1)
    locking = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    locking.execute("BEGIN IMMEDIATE")
    failed = await asyncio.gather(
        *(log.append(search_by(target=f"late-{number}")) for number in range(3)), return_exceptions=True
    )
    assert [type(error) for error in failed] == [AuditUnavailableError] * 3
    error = failed[0]
    assert isinstance(error, AuditUnavailableError)
    assert (error.status, error.retry_after_s) == (503, 10)
    assert "may have been done" in error.detail
    assert log.problem == "OperationalError"
    with pytest.raises(AuditUnavailableError, match="nothing was done"):
        await log.check()
    locking.execute("ROLLBACK")
    locking.close()
    await log.check()
    assert log.problem is None
    # What was withheld is recorded as the callers saw it.
    found = rows(tmp_path / "test.db", "target, status, outcome, detail")
    assert [row[0] for row in found] == ["p-1", "late-0", "late-1", "late-2"]
    assert {row[1:3] for row in found[1:]} == {(503, "failed")}
    assert found[1][3] == '{"withheld_status": 200}'
    assert (await impatient.verification.verify()).ok


async def test_R_ACC_4_what_waits_for_a_database_that_is_gone_is_bounded(impatient: Audit, tmp_path: Path) -> None:
    with tampering(tmp_path / "test.db") as connection:
        connection.execute("ALTER TABLE audit_events RENAME TO hidden")
    results = await asyncio.gather(
        *(impatient.log.append(search_by()) for _ in range(WITHHELD_MAX + 500)), return_exceptions=True
    )
    assert {type(result) for result in results} == {AuditUnavailableError}
    assert len(impatient.log._withheld) == WITHHELD_MAX
    with sqlite3.connect(tmp_path / "test.db") as connection:
        connection.execute("ALTER TABLE hidden RENAME TO audit_events")
    connection.close()
    await fill(impatient, 1)
    verdict = await impatient.verification.verify()
    assert (verdict.ok, verdict.events) == (True, WITHHELD_MAX + 1)


async def test_R_ACC_4_full_disk_is_told(impatient: Audit, tmp_path: Path) -> None:
    await fill(impatient, 1)
    async with impatient.log._database.session() as session:
        connection = await session.connection()
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    results = await asyncio.gather(
        *(impatient.log.append(search_by(x="y" * 250)) for _ in range(100)), return_exceptions=True
    )
    assert {type(result) for result in results} == {AuditUnavailableError}
    assert len(rows(tmp_path / "test.db")) == 1


async def test_R_ACC_4_secret_that_cannot_be_read_is_told(database: Database, tmp_path: Path) -> None:
    def unreadable() -> bytes:
        raise StorageError("The secret cannot be read.")

    audit = build_audit(database, LocalStorage(tmp_path / "home"), unreadable)
    with pytest.raises(AuditUnavailableError):
        await audit.log.append(search_by())
    await audit.log.close()


async def test_R_ACC_4_closing_stores_and_anchors(database: Database, tmp_path: Path) -> None:
    audit = build_audit(database, LocalStorage(tmp_path / "home"), lambda: KEY)
    async with audit.running():
        await fill(audit, 3)
    anchor = tmp_path / "home" / "keys" / "audit.head"
    assert f'"hash": "{rows(tmp_path / "test.db", "hash")[-1][0]}"' in anchor.read_text()
    assert '"sequence": 3' in anchor.read_text()
    if os.name != "nt":
        assert anchor.stat().st_mode & 0o077 == 0


async def test_R_ACC_4_nothing_is_anchored_twice_and_no_home_stops_nothing(
    audit: Audit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await audit.log.anchor()
    assert not (tmp_path / "home" / "keys" / "audit.head").exists()
    await fill(audit, 1)
    (tmp_path / "home").write_text("in the way")
    await audit.log.anchor()
    assert "cannot be anchored" in caplog.text
    (tmp_path / "home").unlink()
    await audit.log.anchor()
    written = (tmp_path / "home" / "keys" / "audit.head").read_bytes()
    await audit.log.anchor()
    assert (tmp_path / "home" / "keys" / "audit.head").read_bytes() == written


def test_R_ACC_4_the_log_has_no_way_to_change_or_remove() -> None:
    for path in (REPOSITORY / "src" / "lianpu" / "audit").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names = {
            alias.name for node in imported if (node.module or "").startswith("sqlalchemy") for alias in node.names
        }
        assert not names & {"update", "delete", "Update", "Delete"}, path.name
        called = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_of_session(node)}
        assert called <= {"execute", "scalar", "scalars", "commit"}, path.name
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == "text"]
        assert [ast.unparse(node) for node in texts] in ([], ["text('BEGIN IMMEDIATE')"]), path.name


def _is_of_session(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and _name(call.func.value) in {"session", "_session"}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
