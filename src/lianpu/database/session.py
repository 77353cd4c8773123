"""The database port: one engine, sessions from it, migrations on start."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Sessions of one database, whose URL alone decides which (SQLite, PostgreSQL or MariaDB)."""

    def __init__(self, url: str, *, patience_s: float = 30, is_durable: bool = False) -> None:
        """
        Args:
            patience_s: how long a SQLite writer waits for the lock instead of failing at once.
            is_durable: what SQLite has committed outlives a power cut too, not only the end of the process.
        """
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        options: dict[str, Any] = (
            {"connect_args": {"timeout": patience_s}} if self.is_sqlite else {"pool_pre_ping": True}
        )
        # The errors of drivers go to the log, and what was to be stored must not: hashes of passwords, faces.
        self.engine = create_async_engine(url, hide_parameters=True, **options)
        if self.is_sqlite:
            pragmas = (
                "journal_mode=WAL",
                f"synchronous={'FULL' if is_durable else 'NORMAL'}",
                "foreign_keys=ON",
                f"busy_timeout={round(patience_s * 1000)}",
                # Else it sorts in files of its own outside of the home.
                "temp_store=MEMORY",
            )
            event.listen(self.engine.sync_engine, "connect", partial(_configure_sqlite, pragmas))
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A session that is rolled back unless its user commits."""
        async with self._sessions() as session:
            yield session

    async def migrate(self) -> None:
        """Bring the schema to the newest revision; harmless when it is there already."""
        async with self.engine.connect() as connection:
            await connection.run_sync(_upgrade)
            await connection.commit()

    async def ping(self) -> None:
        """Raises what the driver raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def migration_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _upgrade(connection: Connection) -> None:
    config = migration_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _configure_sqlite(pragmas: Sequence[str], connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
