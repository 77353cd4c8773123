"""`lianpu backup` and `lianpu restore`: nothing is lost, nothing is put over anything, nothing damaged is taken in."""

import hashlib
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lianpu.backup.snapshot import snapshot_of
from tests.cli.conftest import Lianpu


def contents(home: Path) -> dict[str, bytes]:
    """What a backup keeps, but the database."""
    left_out = {"cache", "logs", "uploads"}
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file()
        and path.relative_to(home).parts[0] not in left_out
        and not path.name.startswith("lianpu.")
        and not path.name.endswith(".part")
    }


def rows(home: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "lianpu.db")) as database:
        return sorted(database.execute(f"SELECT * FROM {table}"))


@pytest.fixture
def used_home(tmp_path: Path, migrated_database: Path) -> Path:
    """With persons, photos and keys, as far as a backup cares."""
    home = tmp_path / "home"
    files = {
        "gallery/01/a.jpeg": b"a photo",
        "gallery/02/张三.jpeg": os.urandom(300_000),
        "keys/accounts.secret": os.urandom(32),
        "lianpu.yaml": b"gallery:\n  max_faces: 20\n",
        "cache/packs/dlib/net.onnx": b"made anew",
        "logs/lianpu.log": b"{}\n",
        "gallery/01/.b.jpeg.k3x9.part": b"half of",
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    (home / "keys" / "accounts.secret").chmod(0o600)
    shutil.copyfile(migrated_database, home / "lianpu.db")
    with closing(sqlite3.connect(home / "lianpu.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        for name in ("Ada", "张三"):
            values = (name, name, "{}", "2026-01-01", "2026-01-01")
            database.execute(
                "INSERT INTO persons (id, name, metadata, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", values
            )
        database.commit()
    return home


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANPU_")}
    return subprocess.run([sys.executable, *arguments], env=kept, capture_output=True, timeout=120)


def test_R_OPS_1_home_is_backed_up_wiped_and_restored(used_home: Path, lianpu: Lianpu, tmp_path: Path) -> None:
    file = tmp_path / "lianpu.tar"
    kept, persons = contents(used_home), rows(used_home, "persons")
    assert len(persons) == 2
    done = lianpu("backup", file, "--home", used_home)
    assert (done.code, done.out) == (0, ""), done.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(used_home.glob(".backup-*"))

    shutil.rmtree(used_home)
    done = lianpu("restore", file, "--home", used_home)
    assert done.code == 0, done.err
    assert contents(used_home) == kept
    assert (used_home / "lianpu.yaml").read_bytes() == b"gallery:\n  max_faces: 20\n"
    assert rows(used_home, "persons") == persons
    assert (used_home / "keys" / "accounts.secret").stat().st_mode & 0o777 == 0o600
    assert used_home.stat().st_mode & 0o077 == 0
    assert {path.name for path in used_home.iterdir()} >= {"gallery", "keys", "lianpu.db"}
    assert not (used_home / "cache").exists()


def test_R_OPS_1_what_a_backup_holds_can_be_proved_without_lianpu(
    used_home: Path, lianpu: Lianpu, tmp_path: Path
) -> None:
    file = tmp_path / "lianpu.tar"
    assert lianpu("backup", file, "--home", used_home).code == 0
    with tarfile.open(file) as tar:
        names = tar.getnames()
        # Python 3.11.3 and older have no filters.
        tar.extractall(tmp_path / "unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    assert (names[0], names[-1]) == ("manifest.json", "checksums.sha256")
    told = (tmp_path / "unpacked" / "checksums.sha256").read_text()
    for line in told.splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((tmp_path / "unpacked" / name).read_bytes()).hexdigest() == digest
    assert len(told.splitlines()) == len(names) - 1
    # One file: what was written last does not wait beside it.
    assert "home/lianpu.db" in names
    assert not [
        name for name in names if name.endswith(("-wal", "-shm")) or name.startswith(("home/cache", "home/logs"))
    ]


def test_R_OPS_1_nothing_is_put_over_what_is_there(used_home: Path, lianpu: Lianpu, tmp_path: Path) -> None:
    file = tmp_path / "lianpu.tar"
    assert lianpu("backup", file, "--home", used_home).code == 0
    again = lianpu("backup", file, "--home", used_home)
    assert (again.code, "is there already" in again.err) == (1, True)
    assert lianpu("backup", used_home / "inside.tar", "--home", used_home).code == 2
    before = contents(used_home)
    over = lianpu("restore", file, "--home", used_home)
    assert (over.code, "error [home_not_empty]" in over.err) == (2, True)
    assert contents(used_home) == before


Member = tuple[str, bytes]
SECRET = "home/keys/accounts.secret"


def replaced(members: list[Member], name: str, old: bytes, new: bytes) -> list[Member]:
    assert any(known == name and old in data for known, data in members)
    return [(known, data.replace(old, new) if known == name else data) for known, data in members]


def renamed(members: list[Member], old: str, new: str) -> list[Member]:
    return [(new if known == old else known, data) for known, data in members]


CHANGES: dict[str, Callable[[list[Member]], list[Member]]] = {
    "a photo is changed": lambda members: replaced(members, "home/gallery/01/a.jpeg", b"photo", b"Photo"),
    "a file is missing": lambda members: [member for member in members if member[0] != SECRET],
    "a file is added": lambda members: [*members[:-1], ("home/gallery/more", b"x"), members[-1]],
    "a file stands twice": lambda members: [*members[:-1], members[1], members[-1]],
    "it leads elsewhere": lambda members: renamed(members, SECRET, "home/../../outside"),
    "it is something else": lambda members: renamed(members, "manifest.json", "manifest.txt"),
    "it ends early": lambda members: members[:-1],
    "a newer version made it": lambda members: replaced(
        members, "manifest.json", b'"format_version": 1', b'"format_version": 2'
    ),
    "a newer database": lambda members: replaced(
        members, "manifest.json", b'"schema_revision": "', b'"schema_revision": "9'
    ),
}


def change_backup(file: Path, target: Path, change: str) -> None:
    """A copy of the backup in which something is wrong."""
    members: list[Member] = []
    with tarfile.open(file) as old:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            members.append((member.name, content.read()))
    with tarfile.open(target, "w") as new:
        for name, data in CHANGES[change](members):
            head = tarfile.TarInfo(name)
            head.size = len(data)
            new.addfile(head, io.BytesIO(data))


@pytest.mark.parametrize("change", CHANGES)
def test_R_OPS_1_what_is_damaged_leaves_the_home_empty(
    used_home: Path, lianpu: Lianpu, tmp_path: Path, change: str
) -> None:
    assert lianpu("backup", tmp_path / "good.tar", "--home", used_home).code == 0
    change_backup(tmp_path / "good.tar", tmp_path / "wrong.tar", change)
    done = lianpu("restore", tmp_path / "wrong.tar", "--home", tmp_path / "new")
    code = "archive_version_unsupported" if "newer" in change else "archive_damaged"
    assert (done.code, f"error [{code}]" in done.err) == (1, True), done.err
    assert not {path.name for path in (tmp_path / "new").iterdir()} - {"lianpu.lock"}
    assert not (tmp_path / "outside").exists()
    # And the good one still fits there.
    assert lianpu("restore", tmp_path / "good.tar", "--home", tmp_path / "new").code == 0


def test_R_OPS_1_backup_that_is_cut_off_leaves_the_home_empty(used_home: Path, lianpu: Lianpu, tmp_path: Path) -> None:
    file = tmp_path / "lianpu.tar"
    assert lianpu("backup", file, "--home", used_home).code == 0
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    done = lianpu("restore", file, "--home", tmp_path / "new")
    assert (done.code, "error [archive_damaged]" in done.err) == (1, True), done.err
    assert not {path.name for path in (tmp_path / "new").iterdir()} - {"lianpu.lock"}


def test_R_OPS_1_damaged_database_is_told_before_it_becomes_the_last_backup(
    used_home: Path, lianpu: Lianpu, tmp_path: Path
) -> None:
    database = used_home / "lianpu.db"
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(database.read_bytes())
    content[8192:28672] = os.urandom(20480)
    database.write_bytes(content)
    done = lianpu("backup", tmp_path / "lianpu.tar", "--home", used_home)
    assert done.code == 1
    assert "database" in done.err
    assert not (tmp_path / "lianpu.tar").exists()


def test_R_OPS_1_snapshot_is_of_one_moment_while_others_write(used_home: Path) -> None:
    """Photos that are deleted and persons that are added after the moment change nothing of it."""
    before = contents(used_home)
    persons = rows(used_home, "persons")
    with snapshot_of(used_home, has_database=True, is_at_rest=False) as shown:
        with closing(sqlite3.connect(used_home / "lianpu.db")) as database:
            database.execute("PRAGMA foreign_keys=ON")
            database.execute("DELETE FROM persons")
            database.commit()
        shutil.rmtree(used_home / "gallery")
        assert {name: (shown.folder / name).read_bytes() for name in shown.files} == before | {
            "lianpu.yaml": (used_home / "lianpu.yaml").read_bytes()
        }
        assert shown.database is not None
        with closing(sqlite3.connect(shown.database)) as copy:
            assert sorted(copy.execute("SELECT * FROM persons")) == persons
        assert rows(used_home, "persons") == []
    assert not list(used_home.glob(".backup-*"))


@pytest.mark.slow
def test_R_OPS_1_backup_goes_through_a_pipe(used_home: Path, tmp_path: Path) -> None:
    passed_on = run("-m", "lianpu", "backup", "-", "--home", str(used_home))
    assert passed_on.returncode == 0, passed_on.stderr
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANPU_")}
    command = [sys.executable, "-m", "lianpu", "restore", "-", "--home", str(tmp_path / "new")]
    taken = subprocess.run(command, input=passed_on.stdout, env=kept, capture_output=True, timeout=120)
    assert taken.returncode == 0, taken.stderr
    assert contents(tmp_path / "new") == contents(used_home)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://lianpu:hidden@database.example/lianpu",
        "postgresql://database.example/lianpu?user=lianpu&password=hidden",
    ],
)
def test_R_OPS_2_database_elsewhere_is_said_not_to_be_in_it(
    url: str, used_home: Path, lianpu: Lianpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANPU_DATABASE__URL", url)
    done = lianpu("backup", tmp_path / "files.tar", "--home", used_home)
    assert done.code == 0, done.err
    assert "is not in this file" in done.err
    assert "hidden" not in done.err
    with tarfile.open(tmp_path / "files.tar") as tar:
        assert "home/lianpu.db" not in tar.getnames()
        assert any(name.startswith("home/gallery/") for name in tar.getnames())
