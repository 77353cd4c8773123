"""The schema of a database: its revision, the way to another one, and whether it is what the models say."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, func, inspect, select, table, text
from sqlalchemy.pool import StaticPool

from lianpu.database.base import Base
from lianpu.errors import DatabaseUnsuitableError, RevisionNotFoundError

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
BASE, HEAD = "base", "head"
_LOCK_KEY = 0x6C69616E7075  # "lianpu"
_LOCK_PATIENCE_S = 600
_LOCK_NAME = "CONCAT('lianpu.', MD5(DATABASE()))"


def migration_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


@cache
def revisions() -> tuple[str, ...]:
    """All there are, oldest first."""
    scripts = ScriptDirectory.from_config(migration_config())
    return tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def newest() -> str:
    return revisions()[-1]


def current(connection: Connection) -> str | None:
    """None: the database has no schema."""
    return MigrationContext.configure(connection).get_current_revision()


def known_revision(name: str) -> str | None:
    """Of `base`, `head` or a revision; None: the one before the first.

    Raises:
        RevisionNotFoundError: there is no such revision.
    """
    if name == BASE:
        return None
    if name == HEAD:
        return newest()
    if name not in revisions():
        raise RevisionNotFoundError(
            f"There is no revision {name!r}; there are {', '.join(revisions())}, base and head."
        )
    return name


def is_down(current_revision: str | None, target: str | None) -> bool:
    """Whether the way from one to the other goes back."""
    return _place(target) < _place(current_revision)


def _place(revision: str | None) -> int:
    """
    Raises:
        DatabaseUnsuitableError: this version of Lianpu does not know the revision.
    """
    if revision is None:
        return -1
    if revision not in revisions():
        raise DatabaseUnsuitableError(
            f"The database has the schema {revision}, which is newer than this version of Lianpu (up to {newest()}). "
            "Update Lianpu, or restore a backup of the database."
        )
    return revisions().index(revision)


def move(connection: Connection, target: str | None) -> tuple[str | None, str | None]:
    """Bring the schema to a revision, up or down; the caller commits. Several processes may do so at once.

    Returns:
        The revision before, and the one after.

    Raises:
        DatabaseUnsuitableError: the schema is newer than this version, or the server cannot keep what it must.
    """
    with _alone(connection):
        before = current(connection)
        if before != target:
            _check_server(connection)
            config = migration_config(connection)
            if is_down(before, target):
                command.downgrade(config, target or BASE)
            else:
                command.upgrade(config, target or BASE)
    return before, target


@contextmanager
def _alone(connection: Connection) -> Generator[None]:
    """Nodes that start at once migrate one after another. On SQLite the home's lock sees to that."""
    if connection.dialect.name == "postgresql":
        # Until the end of the transaction.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        yield
    elif connection.dialect.name in {"mysql", "mariadb"}:
        if connection.scalar(text(f"SELECT GET_LOCK({_LOCK_NAME}, {_LOCK_PATIENCE_S})")) != 1:
            raise DatabaseUnsuitableError("Another process migrates this database and does not come to an end.")
        try:
            yield
        finally:
            connection.execute(text(f"SELECT RELEASE_LOCK({_LOCK_NAME})"))
    else:
        yield


def _check_server(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        encoding = connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise DatabaseUnsuitableError(
                f"The database is encoded in {encoding}, which cannot hold names of every script: "
                "make it with ENCODING 'UTF8'."
            )


def differences(connection: Connection) -> list[str]:
    """In what the schema is not what the models say. The models must have been imported."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [_told(item) for item in compare_metadata(context, Base.metadata)]


def _told(difference: Any) -> str:
    if isinstance(difference, list):  # changes of one column
        return "; ".join(_told(item) for item in difference)  # pyright: ignore[reportUnknownVariableType]
    kind, *parts = difference
    named = [
        str(getattr(part, "name", None) or part) for part in parts if isinstance(part, str) or hasattr(part, "name")
    ]
    return f"{kind} {' '.join(named)}"


def counts(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Rows by table."""
    return {
        name: connection.scalar(select(func.count()).select_from(table(name))) or 0  # pyright: ignore[reportUnknownArgumentType]
        for name in names
    }


def tables(connection: Connection) -> list[str]:
    """Those that there are, but the one that Alembic keeps."""
    return sorted(set(inspect(connection).get_table_names()) - {VERSION_TABLE})


def lost_by(connection: Connection, target: str | None) -> dict[str, Sequence[str] | None]:
    """Tables that a way down takes away (None), and of others the columns that go."""
    there = _columns(connection)
    scratch = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with scratch.begin() as empty:
            move(empty, target)
            left = _columns(empty)
    finally:
        scratch.dispose()
    lost: dict[str, Sequence[str] | None] = {}
    for name, columns in there.items():
        if name not in left:
            lost[name] = None
        elif columns - left[name]:
            lost[name] = sorted(columns - left[name])
    return lost


def _columns(connection: Connection) -> dict[str, set[str]]:
    inspector = inspect(connection)
    return {name: {column["name"] for column in inspector.get_columns(name)} for name in tables(connection)}
