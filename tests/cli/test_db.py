"""`lianpu db check|migrate|copy`: from SQLite to a server and back, with the gallery whole and searches equal."""

import io
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from lianpu.database import schema
from tests.cli.conftest import Lianpu, unused_port
from tests.databases import ON_SERVERS, DatabaseServer

SAID = "geheim-4711-xyz"


def test_R_OPS_2_check_says_what_is_there(lianpu: Lianpu, home: Path) -> None:
    at = ("--home", home)
    done = lianpu("db", "check", "--json", *at)
    told = json.loads(done.out)
    assert (done.code, told["revision"], told["newest_revision"]) == (0, schema.newest(), schema.newest())
    assert told["differences"] == []
    assert told["rows"]["persons"] == 0
    assert told["database"].startswith("SQLite 3.")
    with sqlite3.connect(home / "lianpu.db") as connection:
        connection.execute("DROP TABLE swap_policy")
    connection.close()
    broken = lianpu("db", "check", *at)
    assert (broken.code, "differs from the models: add_table swap_policy" in broken.out) == (1, True)


def test_R_OPS_2_check_makes_no_database(lianpu: Lianpu, tmp_path: Path) -> None:
    done = lianpu("db", "check", "--home", tmp_path / "new")
    assert (done.code, "database_missing" in done.err) == (1, True)
    assert not (tmp_path / "new" / "lianpu.db").exists()


def test_R_OPS_2_going_down_asks_first(lianpu: Lianpu, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--home", home)
    assert "already" in lianpu("db", "migrate", *at).out
    with sqlite3.connect(home / "lianpu.db") as connection:
        connection.execute("INSERT INTO setup_tokens VALUES ('x', '2026-01-01 00:00:00')")
        connection.execute(
            "INSERT INTO jobs (id, kind, status, parameters, checkpoint, done, attempts, cancel_requested, created_at) "
            "VALUES ('j', 'x', 'completed', '{}', '{}', 0, 1, 0, '2026-01-01 00:00:00')"
        )
    connection.close()
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    kept = lianpu("db", "migrate", "--to", "0002", *at)
    assert kept.code == 1
    assert "takes away for ever:\n" in kept.err
    assert "  table setup_tokens: 1 rows\n" in kept.err
    assert "  owner_id of the 1 rows of jobs\n" in kept.err
    assert "streams" not in kept.err, "there is nothing in it"
    assert json.loads(lianpu("db", "check", "--json", *at).out)["revision"] == schema.newest()
    down = lianpu("db", "migrate", "--to", "0002", "--yes", *at)
    assert (down.code, f"from the revision {schema.newest()} to 0002" in down.out) == (0, True)
    older = lianpu("db", "check", *at)
    assert (older.code, "revision 0002, the newest is" in older.out) == (1, True)
    up = lianpu("db", "migrate", *at)
    assert (up.code, f"from the revision 0002 to {schema.newest()}" in up.out) == (0, True)
    assert lianpu("db", "check", *at).code == 0
    unknown = lianpu("db", "migrate", "--to", "0815", *at)
    assert (unknown.code, "revision_not_found" in unknown.err) == (1, True)


def test_R_OPS_2_a_home_that_is_in_use_is_left_alone(lianpu: Lianpu, home: Path, tmp_path: Path) -> None:
    with FileLock(home / "lianpu.lock"):
        for command in (("migrate",), ("copy", "--to", f"sqlite:///{tmp_path / 'copy.db'}")):
            done = lianpu("db", *command, "--home", home)
            assert (done.code, "home_in_use" in done.err) == (2, True)


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_R_OPS_2_no_command_shows_the_password(
    lianpu: Lianpu, home: Path, name: str, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("LIANPU_DATABASE__URL", f"{name}://ada:{SAID}@127.0.0.1:{free_port}/lianpu")
    at = ("--home", home)
    # Its usual port may be in use: it is bound before the database is asked.
    monkeypatch.setenv("LIANPU_SERVER__PORT", str(unused_port()))
    told: dict[str, str] = {}
    for command in (("db", "check"), ("db", "migrate"), ("doctor",), ("config", "show"), ("serve",), ("users", "list")):
        done = lianpu(*command, *at)
        told[command[-1]] = done.out + done.err
        # Not 2: systemd is to start a server again whose database is late.
        assert done.code == (0 if command[0] == "config" else 1), command
        assert SAID not in told[command[-1]], command
    for command in ("check", "migrate", "serve", "list"):
        assert "error [database_unreachable]: " in told[command], command
        assert f"{name}://ada:***@127.0.0.1:{free_port}/lianpu does not answer" in told[command]
    assert "does not answer" in told["doctor"]
    logs = "".join(path.read_text() for path in home.rglob("*.log"))
    assert SAID not in logs


@pytest.mark.parametrize("kind", ON_SERVERS)
def test_R_OPS_2_a_gallery_moves_to_a_server_and_back(
    lianpu: Lianpu,
    home: Path,
    people: Path,
    t1_path: Path,
    kind: str,
    database_server: Callable[[str], DatabaseServer],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    server = database_server(kind)
    name = server.create()
    url, at = server.url(name), ("--home", home)
    try:
        assert lianpu("enroll", people, *at).code == 0
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SAID}\n"))
        assert lianpu("users", "create-admin", "ada", "--password-stdin", *at).code == 0
        before = lianpu("search", t1_path, "--json", *at)
        assert before.code == 0, before.err
        reference = json.loads(lianpu("db", "check", "--json", *at).out)["rows"]
        assert (reference["users"], reference["audit_events"] > 3, reference["job_items"] > 4) == (1, True, True)

        moved = lianpu("db", "copy", "--to", url, "--json", *at)
        assert moved.code == 0, moved.err
        again = lianpu("db", "copy", "--to", url, *at)
        assert (again.code, "database_not_empty" in again.err) == (1, True)

        monkeypatch.setenv("LIANPU_DATABASE__URL", url)
        shutil.move(home / "lianpu.db", tmp_path / "former.db")
        checked = lianpu("db", "check", "--json", *at)
        assert checked.code == 0, checked.out
        assert json.loads(checked.out)["rows"] == reference
        assert lianpu("gallery", "check", *at).code == 0
        assert lianpu("audit", "verify", *at).code == 0
        after = lianpu("search", t1_path, "--json", *at)
        assert _matches(after.out) == _matches(before.out)

        back = lianpu("db", "copy", "--to", f"sqlite:///{home / 'lianpu.db'}", "--json", *at)
        assert back.code == 0, back.err
        monkeypatch.delenv("LIANPU_DATABASE__URL")
        assert lianpu("gallery", "check", *at).code == 0
        assert lianpu("audit", "verify", *at).code == 0
        assert _matches(lianpu("search", t1_path, "--json", *at).out) == _matches(before.out)
        tables = [json.loads(done.out)["tables"] for done in (moved, back)]
        for table in ("persons", "person_images", "face_embeddings", "job_items", "users"):
            assert tables[0][table] == tables[1][table], table
    finally:
        server.drop(name)


def _matches(out: str) -> object:
    answer = json.loads(out)
    return [(face["box"], face["matches"]) for face in answer["faces"]]
