"""Copies one database into another, of whatever kind: every row, in one transaction, compared before the commit."""

import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, MetaData, Table, delete, func, insert, select, text
from sqlalchemy import table as named
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from lianpu.database import schema
from lianpu.database.base import Base, VectorBlob
from lianpu.database.session import Database
from lianpu.errors import DatabaseCopyError, DatabaseNotEmptyError, DatabaseRevisionError, NulCharacterError

ROWS_PER_STEP = 500
_MODULUS = 1 << 256

Progress = Callable[[str, int, int], None]
"""Told of a table, and how many of how many of its rows are done."""
Handle = Callable[[Sequence[Mapping[str, Any]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TableFingerprint:
    """What a table holds, in whatever order."""

    rows: int
    digest: str
    """The sum of the SHA-256 of all rows, modulo 2^256, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class CopiedTable:
    name: str
    fingerprint: TableFingerprint


async def copy_database(source: Database, target: Database, on_progress: Progress) -> list[CopiedTable]:
    """Copy everything; the target gets its schema first where it has none. No server may run on either.

    All of it is one transaction of the target: whatever fails, or kills this process, leaves the target empty.

    Raises:
        DatabaseRevisionError: the source has not the newest schema.
        DatabaseNotEmptyError: there is something in the target.
        DatabaseCopyError: a table cannot be copied, or what came out differs from what went in.
        DatabaseUnreachableError, DatabaseLoginError: of either database.
    """
    async with snapshot(source) as reading:
        await _check_source(reading)
        async with target.engine.connect() as there:
            # Before anything is changed.
            await _seeded(there)
        await target.migrate()
        async with target.engine.connect() as writing:
            if target.is_sqlite:
                await writing.execute(text("BEGIN IMMEDIATE"))
            for name in await _seeded(writing):
                await writing.execute(delete(named(name)))
            tables = _raw_tables()
            copied = [await _copy_table(table, reading, writing, on_progress) for table in tables]
            for table, expected in zip(tables, copied, strict=True):
                await _compare(table, expected, writing)
            await writing.commit()
    return copied


@asynccontextmanager
async def snapshot(database: Database) -> AsyncGenerator[AsyncConnection]:
    """A connection that reads what was there at one moment."""
    async with database.engine.connect() as connection:
        if database.is_sqlite:
            # Its driver begins a transaction before the first write alone.
            await connection.execute(text("BEGIN"))
        else:
            await connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


async def fingerprints(database: Database) -> dict[str, TableFingerprint]:
    """By table, of what was there at one moment."""
    async with snapshot(database) as connection:
        return {table.name: await _read(connection, table, _forget) for table in _raw_tables()}


async def _forget(_rows: Sequence[Mapping[str, Any]]) -> None:
    """Nothing is done with them."""


def _raw_tables() -> list[Table]:
    """In the order of their foreign keys, with vectors as the bytes that they are: a damaged one is copied as it is."""
    raw = MetaData()
    tables = [table.to_metadata(raw) for table in Base.metadata.sorted_tables]
    for table in tables:
        for column in table.columns:
            if isinstance(column.type, VectorBlob):
                column.type = LargeBinary()
    return tables


async def _check_source(reading: AsyncConnection) -> None:
    revision = await reading.run_sync(schema.current)
    if revision != schema.newest():
        raise DatabaseRevisionError(
            f"The source has the schema {revision or 'of no revision'}, not {schema.newest()}: "
            "bring it there by `lianpu db migrate` (or start this version's server on it once)."
        )


async def _seeded(target: AsyncConnection) -> list[str]:
    """Tables that hold what a migration put in.

    Raises:
        DatabaseNotEmptyError: there is more.
    """
    seeded: list[str] = []
    for name in await target.run_sync(schema.tables):
        found = await target.execute(select(text("*")).select_from(named(name)).limit(2))
        rows = [dict(row) for row in found.mappings()]
        # The head of a sequence that was never used.
        if rows == [{"id": 1, "sequence": 0}]:
            seeded.append(name)
        elif rows:
            raise DatabaseNotEmptyError(
                f"The target's table {name} has rows. Copy into an empty database: nothing is overwritten."
            )
    return seeded


async def _copy_table(
    table: Table, reading: AsyncConnection, writing: AsyncConnection, on_progress: Progress
) -> CopiedTable:
    total = await reading.scalar(select(func.count()).select_from(table)) or 0
    done = 0
    on_progress(table.name, done, total)

    async def write(rows: Sequence[Mapping[str, Any]]) -> None:
        nonlocal done
        try:
            await writing.execute(insert(table), rows)
        except DBAPIError as error:
            raise DatabaseCopyError(
                f"Rows {done + 1} to {done + len(rows)} of the table {table.name} cannot be written: {error.orig}. "
                "Nothing was left in the target."
            ) from error
        except NulCharacterError as error:
            raise _nul(table, rows) from error
        done += len(rows)
        on_progress(table.name, done, total)

    return CopiedTable(table.name, await _read(reading, table, write))


async def _read(connection: AsyncConnection, table: Table, handle: Handle) -> TableFingerprint:
    count = total = 0
    async with connection.stream(select(table).execution_options(yield_per=ROWS_PER_STEP)) as result:
        async for part in result.mappings().partitions():
            rows = [dict(row) for row in part]
            for row in rows:
                total = (total + int.from_bytes(_digest(table, row), "big")) % _MODULUS
            count += len(rows)
            await handle(rows)
    return TableFingerprint(count, f"{total:064x}")


def _digest(table: Table, row: Mapping[str, Any]) -> bytes:
    values = [_plain(row[column.name]) for column in table.columns]
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).digest()


def _plain(value: Any) -> Any:
    """The same for what is equal, whichever driver gave it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return (value + 0.0).hex()  # zero has no sign everywhere
    return value


async def _compare(table: Table, expected: CopiedTable, writing: AsyncConnection) -> None:
    there = await _read(writing, table, _forget)
    if there != expected.fingerprint:
        wanted = expected.fingerprint
        raise DatabaseCopyError(
            f"The table {table.name} came out different: {there.rows} rows with the digest {there.digest[:16]}… "
            f"instead of {wanted.rows} with {wanted.digest[:16]}…. Nothing was left in the target."
        )


def _nul(table: Table, rows: Sequence[Mapping[str, Any]]) -> DatabaseCopyError:
    keys = [column.name for column in table.primary_key.columns]
    row = next(row for row in rows if any(isinstance(value, str) and "\0" in value for value in row.values()))
    return DatabaseCopyError(
        f"The row {', '.join(f'{key} {row[key]!r}' for key in keys)} of the table {table.name} holds a NUL character, "
        "which the target cannot keep: correct it in the source. Nothing was left in the target."
    )
