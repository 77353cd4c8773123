"""A database copied into one of another kind, and back, is the same; what fails leaves nothing."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

import lianpu.bootstrap  # noqa: F401  (the tables of every feature)
from lianpu.database import copying, schema
from lianpu.database.base import Base, new_id, now_utc
from lianpu.database.copying import copy_database, fingerprints
from lianpu.database.session import Database
from lianpu.errors import DatabaseCopyError, DatabaseNotEmptyError, DatabaseRevisionError
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def source(sqlite_url: str) -> AsyncIterator[Database]:
    opened = Database(sqlite_url)
    await fill(opened, 40)
    yield opened
    await opened.close()


@pytest.fixture
async def target(bare_url: str) -> AsyncIterator[Database]:
    opened = Database(bare_url)
    yield opened
    await opened.close()


def untold(_table: str, _done: int, _total: int) -> None:
    """Nobody is told."""


async def fill(database: Database, persons: int, *, name: str = "张三 👩‍🚀 José", details: Any = None) -> None:
    random = np.random.default_rng(persons)
    async with database.session() as session:
        for number in range(persons):
            person = Person(id=f"p{number}", name=name, details=details or {"n": number, "π": 3.14}, threshold=1 / 3)
            person.created_at = now_utc() - timedelta(microseconds=number)
            image = PersonImage(
                id=new_id(), person_id=person.id, sha256=f"{number:064x}", is_primary=number % 2 == 0, format="jpeg",
                width=1, height=2, size_bytes=3, box=[0.1, 2.0, 3.0, 4e10], quality={"overall": 0.1}, liveness=None,
                stored_path="a", thumbnail_path="b",
            )  # fmt: skip
            session.add_all([person])
            await session.flush()
            session.add(image)
            await session.flush()
            vector = random.standard_normal(512).astype(np.float32)
            session.add(
                FaceEmbedding(
                    person_id=person.id, image_id=image.id, pack="dlib", pack_version="1", dimension=512, vector=vector
                )
            )
        await session.commit()


async def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as SQLAlchemy reads it."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    async with database.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = [tuple(row) for row in await connection.execute(select(table))]
            found[table.name] = (
                sorted(tuple(one.tobytes() if isinstance(one, np.ndarray) else one for one in row) for row in rows)
                if table.name == "face_embeddings"
                else sorted(rows, key=repr)
            )
    return found


async def test_R_OPS_2_a_copy_and_the_copy_of_the_copy_are_the_same(
    source: Database, target: Database, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    there = await copy_database(source, target, lambda *one: told.append(one))
    assert ("persons", 40, 40) in told
    assert [one.name for one in there] == [table.name for table in Base.metadata.sorted_tables]
    before = await contents(source)
    assert await contents(target) == before
    back = Database(f"sqlite:///{tmp_path / 'back.db'}")
    again = await copy_database(target, back, untold)
    assert again == there
    assert await contents(back) == before
    await back.close()
    async with target.engine.connect() as connection:
        assert await connection.run_sync(schema.differences) == []


async def test_R_OPS_2_a_target_that_is_not_empty_is_refused_and_left_alone(source: Database, target: Database) -> None:
    await target.migrate()
    await fill(target, 1)
    before = await contents(target)
    with pytest.raises(DatabaseNotEmptyError, match="table face_embeddings has rows"):
        await copy_database(source, target, untold)
    assert await contents(target) == before


async def test_R_OPS_2_a_source_with_an_older_schema_is_refused(source: Database, target: Database) -> None:
    async with source.engine.connect() as connection:
        await connection.run_sync(schema.move, "0009")
        await connection.commit()
    with pytest.raises(DatabaseRevisionError, match="0009"):
        await copy_database(source, target, untold)


async def _assert_nothing_there(target: Database) -> None:
    async with target.engine.connect() as connection:
        counted = await connection.run_sync(lambda one: schema.counts(one, schema.tables(one)))
    heads = {"job_event_head", "stream_event_head", "gallery_log_head", "unknown_inbox_head"}
    assert {name for name, count in counted.items() if count} == heads


async def test_R_OPS_2_what_cannot_be_written_leaves_the_target_empty(source: Database, target: Database) -> None:
    async with source.session() as session:
        # SQLite itself does not mind.
        await session.execute(
            text("UPDATE face_embeddings SET pack_version = CAST(x'410042' AS TEXT) WHERE person_id = 'p7'")
        )
        await session.commit()
    with pytest.raises(DatabaseCopyError, match="face_embeddings holds a NUL character"):
        await copy_database(source, target, untold)
    await _assert_nothing_there(target)
    async with source.session() as session:
        await session.execute(text("UPDATE face_embeddings SET pack_version = '1'"))
        await session.commit()
    await copy_database(source, target, untold)


async def test_R_OPS_2_a_name_that_is_too_long_is_told_with_its_table(source: Database, server_url: str) -> None:
    async with source.session() as session:
        await session.execute(text("UPDATE persons SET name = :name WHERE id = 'p7'"), {"name": "x" * 201})
        await session.commit()
    target = Database(server_url)
    with pytest.raises(DatabaseCopyError, match="Rows 1 to 40 of the table persons cannot be written"):
        await copy_database(source, target, untold)
    await _assert_nothing_there(target)
    await target.close()


async def test_R_OPS_2_a_table_that_came_out_different_is_taken_back(
    source: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = copying._copy_table

    async def losing(table: Any, source_: AsyncConnection, target_: AsyncConnection, on_progress: Any) -> Any:
        copied = await reading(table, source_, target_, on_progress)
        if table.name == "persons":
            await target_.execute(text("UPDATE persons SET name = 'Bob' WHERE id = 'p3'"))
        return copied

    monkeypatch.setattr(copying, "_copy_table", losing)
    with pytest.raises(DatabaseCopyError, match="persons came out different: 40 rows"):
        await copy_database(source, target, untold)
    await _assert_nothing_there(target)


KILLED = """
import asyncio, sys
import lianpu.bootstrap
from lianpu.database.copying import copy_database
from lianpu.database.session import Database

async def main():
    def tell(table, done, total):
        print(table, done, flush=True)
        if table == "face_embeddings" and done:
            input()
    await copy_database(Database(sys.argv[1]), Database(sys.argv[2]), tell)

asyncio.run(main())
"""


def _copy_until_killed(*urls: str) -> None:
    """While the last rows are written and nothing is committed."""
    command = [sys.executable, "-c", KILLED, *urls]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as copier:
        assert copier.stdout is not None
        assert "face_embeddings 40" in (line.strip() for line in copier.stdout)
        os.kill(copier.pid, signal.SIGKILL)


@pytest.mark.slow
async def test_R_OPS_2_a_copy_that_is_killed_leaves_nothing(source: Database, target: Database) -> None:
    await asyncio.to_thread(_copy_until_killed, source.url, target.url)
    await _assert_nothing_there(target)
    await copy_database(source, target, untold)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
JSONS = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1))  # noqa: DTZ001 (hypothesis adds the zone)
PERSONS = st.lists(
    st.tuples(TEXTS, JSONS, st.none() | st.floats(allow_nan=False, allow_infinity=False), MOMENTS), max_size=5
)


HEADS = 4
"""Rows of every database: the heads of logs."""


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(persons=PERSONS)
def test_R_OPS_2_whatever_a_gallery_holds_is_copied_exactly(
    tmp_path_factory: pytest.TempPathFactory, migrated_database: Path, database_url: str, persons: Sequence[Any]
) -> None:
    from tests.databases import done

    async def there_and_back() -> None:
        folder = tmp_path_factory.mktemp("copies")
        shutil.copyfile(migrated_database, folder / "source.db")
        source, target = Database(f"sqlite:///{folder / 'source.db'}"), Database(database_url)
        async with source.session() as session:
            for number, (name, details, threshold, moment) in enumerate(persons):
                session.add(
                    Person(
                        id=str(number), name=name, details=details, threshold=threshold,
                        created_at=moment.replace(tzinfo=UTC),
                    )
                )  # fmt: skip
            await session.commit()
        copied = await copy_database(source, target, untold)
        assert await fingerprints(source) == await fingerprints(target)
        assert sum(one.fingerprint.rows for one in copied) == len(persons) + HEADS
        async with target.engine.begin() as connection:
            await connection.execute(text("DELETE FROM persons"))
            await connection.execute(text("UPDATE job_event_head SET sequence = 0"))
        await source.close()
        await target.close()

    done(there_and_back())


def test_R_OPS_2_fingerprints_see_every_change_and_no_order() -> None:
    table = Base.metadata.tables["gallery_state"]
    rows = [{"key": key, "value": {"a": 1, "b": [True, None]}, "updated_at": now_utc()} for key in "xy"]
    digests = [copying._digest(table, row) for row in rows]
    assert len(set(digests)) == 2
    for change in ({"key": "z"}, {"value": {"a": 1.0, "b": [True, None]}}, {"value": {"a": 1, "b": [1, None]}}):
        assert copying._digest(table, {**rows[0], **change}) != digests[0]
    turned = {**rows[0], "value": {"b": [True, None], "a": 1}}
    assert copying._digest(table, turned) == digests[0]
