"""The database port: one engine, sessions from it, migrations on start."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar, cast

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from lianpu.database import schema
from lianpu.database.address import DatabaseAddress, DatabaseKind, database_address
from lianpu.database.conflicts import repeated
from lianpu.database.connecting import connector
from lianpu.database.sqlite_files import SqliteFiles
from lianpu.errors import NulCharacterError

T = TypeVar("T")
MAX_CONNECTIONS, KEPT_CONNECTIONS = 15, 5
"""Of one process to a database server: at most, and how many of them stay open while nobody needs them."""
_BYTE_BY_BYTE = "SET NAMES utf8mb4 COLLATE utf8mb4_bin"


class Database:
    """Sessions of one database, whose URL alone decides which (SQLite, PostgreSQL or MariaDB)."""

    def __init__(
        self,
        url: str,
        *,
        password: str | None = None,
        patience_s: float = 30,
        is_durable: bool = False,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        """
        Args:
            password: instead of the URL's.
            patience_s: how long a SQLite writer waits for the lock instead of failing at once.
            is_durable: what SQLite has committed outlives a power cut too, not only the end of the process.
            max_connections: to a server, at once; who needs one more waits for up to 30 s.

        Raises:
            DatabaseAddressError: the URL is none, or of a database or driver that is not known.
            DatabaseDriverError: the driver is not installed.
        """
        self.url = url
        self.address = database_address(url, password=password)
        self.is_sqlite = self.address.kind is DatabaseKind.SQLITE
        self._files = SqliteFiles()
        options = self._files.options(patience_s) if self.is_sqlite else _server_options(self.address, max_connections)
        # The errors of drivers go to the log, and what was to be stored must not: hashes of passwords, faces.
        self.engine = create_async_engine(self.address.url, hide_parameters=True, **options)
        event.listen(self.engine.sync_engine, "before_cursor_execute", _refuse_nul)
        if self.is_sqlite:
            pragmas = (
                "journal_mode=WAL",
                f"synchronous={'FULL' if is_durable else 'NORMAL'}",
                "foreign_keys=ON",
                f"busy_timeout={round(patience_s * 1000)}",
                # Else it sorts in files of its own outside of the home.
                "temp_store=MEMORY",
            )
            event.listen(self.engine.sync_engine, "connect", partial(_configure, [f"PRAGMA {one}" for one in pragmas]))
        elif self.address.kind is DatabaseKind.MARIADB:
            # What is no column, such as a value inside of JSON, is compared as the connection says.
            event.listen(self.engine.sync_engine, "connect", partial(_configure, [_BYTE_BY_BYTE]))
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A session that is rolled back unless its user commits."""
        async with self._sessions() as session:
            yield session

    async def committed(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Do `work` in a transaction and commit it; again, from the beginning, when other transactions came between.

        `work` must change nothing outside of the database, and make its rows anew each time.

        Raises:
            sqlalchemy.exc.DBAPIError: others came between each time, or something else is wrong.
        """

        async def transaction() -> T:
            async with self._sessions() as session:
                result = await work(session)
                await session.commit()
                return result

        return await repeated(transaction)

    async def migrate(self) -> None:
        """Bring the schema to the newest revision; harmless when it is there already.

        Raises:
            DatabaseUnsuitableError: the schema is newer than this version, or the server cannot keep what it must.
        """
        async with self.engine.connect() as connection:
            if await connection.run_sync(schema.current) != schema.newest():
                await connection.run_sync(schema.move, schema.newest())
                await connection.commit()

    async def ping(self) -> None:
        """Raises what the driver raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Nothing of it is open afterwards."""
        await self.engine.dispose()
        await self._files.closed()


def _server_options(address: DatabaseAddress, max_connections: int) -> dict[str, Any]:
    kept = min(KEPT_CONNECTIONS, max_connections)
    return {
        "pool_size": kept,
        "max_overflow": max_connections - kept,
        "connect_args": {**address.connect_args, "async_creator_fn": connector(address)},
        # The same on both: MariaDB's own choice reads what was true when the transaction began, and locks gaps.
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
    }


def _refuse_nul(
    _connection: object, _cursor: object, _statement: str, parameters: Any, _context: object, _executemany: bool
) -> None:
    if _holds_nul(parameters):
        raise NulCharacterError("A text holds a NUL character, which no name, id or description has.")


def _holds_nul(parameters: Any) -> bool:
    """Of one value, of those of a row, or of many rows: an INSERT of many may come as one long row, too."""
    if isinstance(parameters, str):
        return "\0" in parameters
    if isinstance(parameters, Mapping):
        return any(map(_holds_nul, cast(Mapping[Any, Any], parameters).values()))
    return isinstance(parameters, list | tuple) and any(map(_holds_nul, cast(Sequence[Any], parameters)))


def _configure(statements: Sequence[str], connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
