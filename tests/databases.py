"""A pytest plugin: databases with the newest schema and nothing in them, of each of the three kinds.

SQLite is what tests run on by default. What is marked `slow` runs on PostgreSQL and MariaDB too, where they answer on
this machine's standard ports and let root in, or the user that `.ci/run` makes.
"""

import asyncio
import importlib.util
import secrets
import shutil
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from lianpu.database import schema
from lianpu.database.session import Database
from lianpu.errors import DatabaseLoginError, DatabaseUnreachableError

SERVERS = {"postgresql": ("asyncpg", 5432, "postgres"), "mariadb": ("asyncmy", 3306, "information_schema")}
"""Driver, port, and a database that is always there."""
USERS = ("root", "lianpu_test:lianpu_test")
ON_SERVERS = [pytest.param(name, marks=pytest.mark.servers) for name in SERVERS]
# An order of letters unlike that of their codes, as servers usually have it.
POSTGRESQL_OPTIONS = "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
# As if nobody had thought of other scripts.
MARIADB_OPTIONS = "CHARACTER SET latin1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server", choices=sorted(SERVERS), help="Run the tests of tests/api on this database server.")


def done(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: a fixture may be asked for while a loop runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@dataclass
class DatabaseServer:
    kind: str
    address: str
    """Without a database."""
    migrated: str | None = None
    """A database with the newest schema: copied on PostgreSQL, emptied after each test on MariaDB."""

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    async def run(self, *statements: str) -> None:
        """Outside of any transaction."""
        database = Database(self.url(SERVERS[self.kind][2]))
        engine = create_async_engine(
            database.address.url,
            isolation_level="AUTOCOMMIT",
            connect_args=dict(database.address.connect_args),
        )
        try:
            await database.ping()
            async with engine.connect() as connection:
                for statement in statements:
                    await connection.execute(text(statement))
        finally:
            await engine.dispose()
            await database.close()

    def create(self, *, options: str | None = None) -> str:
        name = f"lianpu_test_{secrets.token_hex(6)}"
        usual = POSTGRESQL_OPTIONS if self.kind == "postgresql" else MARIADB_OPTIONS
        done(self.run(f"CREATE DATABASE {name} {options or usual}"))
        return name

    def drop(self, name: str) -> None:
        force = " WITH (FORCE)" if self.kind == "postgresql" else ""
        done(self.run(f"DROP DATABASE {name}{force}"))

    def with_schema(self) -> str:
        """The name of `migrated`."""
        if self.migrated is None:
            name = self.create()
            done(_migrate(self.url(name)))
            self.migrated = name
        return self.migrated


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await database.close()


async def _empty(url: str) -> None:
    """What a test left in a database of MariaDB."""
    database = Database(url)
    async with database.engine.connect() as connection:
        await connection.execute(text("SET lock_wait_timeout = 20, foreign_key_checks = 0"))
        for name in await connection.run_sync(schema.tables):
            # It refuses to be deleted from.
            await connection.execute(text(("TRUNCATE " if name == "audit_events" else "DELETE FROM ") + name))
        for name in ("job_event_head", "stream_event_head", "gallery_log_head", "unknown_inbox_head"):
            await connection.execute(text(f"INSERT INTO {name} (id, sequence) VALUES (1, 0)"))
        await connection.execute(text("SET foreign_key_checks = 1"))
        await connection.commit()
    await database.close()


def _found(kind: str) -> DatabaseServer:
    driver, port, _ = SERVERS[kind]
    if importlib.util.find_spec(driver) is None:
        pytest.skip(f"{driver} is not installed")
    refused = ""
    for user in USERS:
        server = DatabaseServer(kind, f"{kind}://{user}@127.0.0.1:{port}")
        try:
            done(server.run())
        except (DatabaseUnreachableError, DatabaseLoginError) as error:
            refused = error.detail
        else:
            return server
    pytest.skip(refused)


@pytest.fixture(scope="session")
def database_server() -> Iterator[Callable[[str], DatabaseServer]]:
    """`database_server("mariadb")`; skips where there is none."""
    servers: dict[str, DatabaseServer] = {}

    def found(kind: str) -> DatabaseServer:
        if kind not in servers:
            servers[kind] = _found(kind)
        return servers[kind]

    yield found
    for server in servers.values():
        if server.migrated is not None:
            server.drop(server.migrated)


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_database: Path) -> str:
    file = tmp_path / "test.db"
    shutil.copyfile(migrated_database, file)
    return f"sqlite:///{file}"


def served(server: DatabaseServer) -> Iterator[str]:
    migrated = server.with_schema()
    if server.kind == "mariadb":
        yield server.url(migrated)
        done(_empty(server.url(migrated)))
        return
    name = server.create(options=f"TEMPLATE {migrated}")
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=["sqlite", *ON_SERVERS])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a database with the newest schema and nothing in it; a test that asks for it runs on each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
    else:
        yield from served(request.getfixturevalue("database_server")(request.param))


@pytest.fixture(params=ON_SERVERS)
def server_url(request: pytest.FixtureRequest, database_server: Callable[[str], DatabaseServer]) -> Iterator[str]:
    """The same, on the servers alone."""
    yield from served(database_server(request.param))


@pytest.fixture(params=["sqlite", *ON_SERVERS])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
        return
    server: DatabaseServer = request.getfixturevalue("database_server")(request.param)
    name = server.create()
    yield server.url(name)
    server.drop(name)
