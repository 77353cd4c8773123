"""Migrations: up, down and up again on each kind, and what they make is what the models say."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

import lianpu
from lianpu.database import schema
from lianpu.database.base import Base
from lianpu.database.session import Database
from lianpu.errors import DatabaseUnsuitableError, RevisionNotFoundError
from tests.databases import DatabaseServer, done

pytestmark = pytest.mark.anyio
SOURCES = Path(lianpu.__file__).parent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bare(bare_url: str) -> AsyncIterator[Database]:
    opened = Database(bare_url)
    yield opened
    await opened.close()


async def _move(database: Database, target: str | None) -> None:
    async with database.engine.connect() as connection:
        await connection.run_sync(schema.move, target)
        await connection.commit()


async def test_R_OPS_2_migrations_make_what_the_models_say_and_go_down_and_up_again(bare: Database) -> None:
    # Whatever this process has imported so far: the tables of every feature are compared.
    for path in sorted(SOURCES.rglob("models.py")):
        importlib.import_module(".".join(("lianpu", *path.relative_to(SOURCES).with_suffix("").parts)))
    await bare.migrate()
    await bare.migrate()
    async with bare.engine.connect() as connection:
        assert await connection.run_sync(schema.differences) == []
        assert await connection.run_sync(schema.tables) == sorted(Base.metadata.tables)
    for revision in (*reversed(schema.revisions()), None):
        await _move(bare, revision)
    async with bare.engine.connect() as connection:
        assert await connection.run_sync(schema.tables) == []
    for revision in schema.revisions():
        await _move(bare, revision)
    async with bare.engine.connect() as connection:
        assert await connection.run_sync(schema.differences) == []
    async with bare.session() as session:
        assert (await session.execute(text("SELECT count(*) FROM persons"))).scalar() == 0


async def test_R_OPS_2_a_difference_is_seen(bare: Database) -> None:
    await bare.migrate()
    async with bare.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE persons DROP COLUMN threshold"))
        await connection.execute(text("CREATE INDEX ix_of_nobody ON person_images (format)"))
    async with bare.engine.connect() as connection:
        found = await connection.run_sync(schema.differences)
    assert any("add_column" in one and "threshold" in one for one in found), found
    assert any("remove_index" in one and "ix_of_nobody" in one for one in found), found


async def test_R_OPS_2_nodes_that_start_at_once_migrate_one_after_another(bare_url: str) -> None:
    if bare_url.startswith("sqlite"):
        pytest.skip("the home's lock keeps others away")
    nodes = [Database(bare_url) for _ in range(4)]
    await asyncio.gather(*(node.migrate() for node in nodes))
    async with nodes[0].engine.connect() as connection:
        assert await connection.run_sync(schema.current) == schema.newest()
    for node in nodes:
        await node.close()


async def test_R_OPS_2_a_newer_schema_is_refused(bare: Database) -> None:
    await bare.migrate()
    async with bare.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnsuitableError, match="9999, which is newer"):
        await bare.migrate()


async def test_R_OPS_2_going_down_names_what_it_takes_away(bare: Database) -> None:
    await bare.migrate()
    async with bare.engine.connect() as connection:
        lost = await connection.run_sync(schema.lost_by, "0009")
        tables = (
            "gallery_log",
            "gallery_log_head",
            "labelled_outputs",
            "leases",
            "swap_consents",
            "swap_policy",
            "unknown_inbox_head",
        )
        streams = ["is_paused", "is_pushed", "node", "stop_requested"]
        assert lost == {**dict.fromkeys(tables), "streams": streams, "users": ["granted"]}
        assert await connection.run_sync(schema.lost_by, schema.newest()) == {}
        with pytest.raises(RevisionNotFoundError):
            schema.known_revision("0815")


async def test_R_OPS_2_going_down_keeps_what_the_older_version_knows(bare: Database) -> None:
    """Logins and keys hang on users: on SQLite a table that is made anew would take them along."""
    await bare.migrate()
    async with bare.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO users "
                "(id, name, name_key, password_hash, role, is_active, must_change_password, created_at) "
                "VALUES ('u', 'Ada', 'ada', 'x', 'admin', true, false, '2026-01-01 00:00:00')"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO login_sessions (id, user_id, generation, client, created_at, used_at, expires_at) VALUES "
                "('s', 'u', 1, '', '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2027-01-01 00:00:00')"
            )
        )
    await _move(bare, "0006")
    await bare.migrate()
    async with bare.session() as session:
        assert (await session.execute(text("SELECT id, user_id FROM login_sessions"))).all() == [("s", "u")]


@pytest.mark.slow
async def test_R_OPS_2_mariadb_compares_bytes_whatever_its_defaults_are(database_server: object) -> None:
    server: DatabaseServer = database_server("mariadb")  # type: ignore[operator]
    name = server.create(options="CHARACTER SET latin1")
    database = Database(server.url(name))
    try:
        # As a version before this one left them.
        await _move(database, "0010")
        async with database.engine.begin() as connection:
            for table, column in (("persons", "name VARCHAR(200)"), ("stream_webhook_deliveries", "body TEXT")):
                change = f"DEFAULT CHARACTER SET latin1, MODIFY {column} CHARACTER SET latin1 NOT NULL"
                await connection.execute(text(f"ALTER TABLE {table} {change}"))
        await database.migrate()

        def look(connection: Connection) -> set[tuple[str, str]]:
            of = "FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name <> 'alembic_version'"
            return {tuple(row) for row in connection.execute(text(f"SELECT engine, table_collation {of}"))}  # type: ignore[misc]

        async with database.engine.connect() as connection:
            assert await connection.run_sync(look) == {("InnoDB", "utf8mb4_bin")}
            assert await connection.run_sync(schema.differences) == []
            columns = await connection.run_sync(lambda one: inspect(one).get_columns("stream_webhook_deliveries"))
            assert str(next(column["type"] for column in columns if column["name"] == "body")).startswith("TEXT")
    finally:
        await database.close()
        server.drop(name)


@pytest.mark.slow
async def test_R_OPS_2_a_postgresql_database_that_is_not_utf_8_is_refused(database_server: object) -> None:
    server: DatabaseServer = database_server("postgresql")  # type: ignore[operator]
    name = server.create(options="TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    database = Database(server.url(name))
    try:
        with pytest.raises(DatabaseUnsuitableError, match="SQL_ASCII"):
            await database.migrate()
        async with database.engine.connect() as connection:
            assert await connection.run_sync(schema.tables) == []
    finally:
        await database.close()
        server.drop(name)


@pytest.mark.slow
def test_R_OPS_2_the_command_line_knows_every_table(tmp_path: Path) -> None:
    """What it copies is what the composition root imports."""
    import subprocess
    import sys

    script = "import lianpu.bootstrap; from lianpu.database.base import Base; print(*sorted(Base.metadata.tables))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")

    async def made() -> list[str]:
        await database.migrate()
        async with database.engine.connect() as connection:
            tables = await connection.run_sync(schema.tables)
        await database.close()
        return tables

    assert told == done(made())
