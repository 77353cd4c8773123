"""The moment that a backup shows: every file of the home, and the database as it was when their list was made.

Features write a file before they commit its row and delete it after, and note in `unfinished/` what they have in hand:
a home of this moment is what a crash would have left, and the next start puts the rest in order.
"""

import os
import shutil
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lianpu.backup.manifest import BackedUpDatabase
from lianpu.errors import ArchiveDamagedError, StorageError
from lianpu.storage.local import UNFINISHED_SUFFIX

DATABASE_FILE = "lianpu.db"
STAGING_PREFIX = ".backup-"
RESTORING_PREFIX = ".restore-"
LOCK_PATIENCE_S = 60
# Made anew when missing, or of the process that runs; and the database, of which there is a snapshot instead.
LEFT_OUT = frozenset(
    {"cache", "logs", "uploads", "nodes", "lianpu.lock", "server.json"}
    | {DATABASE_FILE + suffix for suffix in ("", "-wal", "-shm", "-journal")}
)
PASSING = (STAGING_PREFIX, RESTORING_PREFIX, ".writable-")


@dataclass(frozen=True, slots=True)
class Snapshot:
    folder: Path
    """Holds the files, or links to them, by their names in the home."""
    files: tuple[str, ...]
    database: Path | None
    """A copy of the SQLite database; None: it lies elsewhere."""
    schema_revision: str | None

    @property
    def kind(self) -> BackedUpDatabase:
        return BackedUpDatabase.EXTERNAL if self.database is None else BackedUpDatabase.SQLITE


@contextmanager
def snapshot_of(home: Path, *, has_database: bool, is_at_rest: bool) -> Generator[Snapshot]:
    """Good while the context lasts. Blocks.

    Args:
        has_database: the database is SQLite's, in the home.
        is_at_rest: nothing else works on the home, so that its files stay as they are without links to them.

    Raises:
        ArchiveDamagedError: the database is damaged.
        StorageError: the copy of the database or the links cannot be made.
    """
    for left in home.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    staging = home / f"{STAGING_PREFIX}{os.getpid()}"
    try:
        staging.mkdir(mode=0o700)
        if not has_database or not (home / DATABASE_FILE).is_file():
            yield Snapshot(*_listed(home, staging, is_at_rest=is_at_rest), None, None)
            return
        with _no_commits(home / DATABASE_FILE) as source:
            folder, files = _listed(home, staging, is_at_rest=is_at_rest)
            source.release()
            copy = staging / DATABASE_FILE
            revision = source.copy_to(copy)
        yield Snapshot(folder, files, copy, revision)
    except sqlite3.DatabaseError as error:
        raise StorageError(f"The database cannot be copied: {error}.") from error
    except OSError as error:
        raise StorageError(f"The backup cannot be made in {home}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _listed(home: Path, staging: Path, *, is_at_rest: bool) -> tuple[Path, tuple[str, ...]]:
    if is_at_rest:
        return home, tuple(_names(home))
    linked = staging / "home"
    linked.mkdir()
    names: list[str] = []
    for name in _names(home):
        target = linked / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Files are never written to once they are there, but replaced: a link keeps what it was made of.
            os.link(home / name, target)
        except FileNotFoundError:  # deleted since the folder was read
            continue
        except OSError as error:
            raise StorageError(
                f"A link to {name} cannot be made ({error.strerror}): this file system has none, or the folder lies on "
                "another one. Stop the server, and back up then."
            ) from error
        names.append(name)
    return linked, tuple(names)


def _names(home: Path) -> Iterator[str]:
    """Relative, with `/`."""
    for parent, folders, files in os.walk(home, followlinks=True):
        if Path(parent) == home:
            folders[:] = [name for name in folders if not is_left_out(name)]
            files = [name for name in files if not is_left_out(name)]
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            if "\n" in name:
                raise StorageError(f"{str(path)!r} has a line break in its name: give it another, or take it away.")
            if not name.endswith(UNFINISHED_SUFFIX) and path.is_file():
                yield path.relative_to(home).as_posix()


def is_left_out(name: str) -> bool:
    """Of a file or folder directly in the home."""
    return name in LEFT_OUT or name.startswith(PASSING)


class _Source:
    """The database as it was when the context began, whatever is committed after `release`."""

    def __init__(self, lock: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._lock = lock
        self._reader = reader

    def release(self) -> None:
        """Others may commit again."""
        self._lock.execute("ROLLBACK")

    def copy_to(self, path: Path) -> str | None:
        """
        Returns:
            Its newest migration.

        Raises:
            ArchiveDamagedError: the copy is not sound, and so neither is the database.
        """
        with closing(sqlite3.connect(path, isolation_level=None)) as copy:
            self._reader.backup(copy)
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise ArchiveDamagedError(f"The database is damaged: {found}.")
            # One file: nothing of it waits in a write-ahead log.
            copy.execute("PRAGMA journal_mode=DELETE")
            row = copy.execute("SELECT version_num FROM alembic_version").fetchone()
        path.chmod(0o600)
        return None if row is None else str(row[0])


@contextmanager
def _no_commits(path: Path) -> Generator[_Source]:
    with (
        closing(sqlite3.connect(path, timeout=LOCK_PATIENCE_S, isolation_level=None)) as lock,
        closing(sqlite3.connect(path, timeout=LOCK_PATIENCE_S, isolation_level=None)) as reader,
    ):
        lock.execute("BEGIN IMMEDIATE")
        reader.execute("BEGIN")
        # A read transaction begins with its first read.
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield _Source(lock, reader)
