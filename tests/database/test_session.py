"""Database basics that every feature relies on."""

import importlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from alembic import command
from sqlalchemy import Connection, inspect, text

import lianpu
from lianpu.database.base import new_id
from lianpu.database.session import Database, migration_config
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage

pytestmark = pytest.mark.anyio
SOURCES = Path(lianpu.__file__).parent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def database(tmp_path: Path):
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await opened.migrate()
    yield opened
    await opened.close()


async def test_R_LIB_1_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        from lianpu.database.base import Base

        # Whatever this process has imported so far: the tables of every feature are compared.
        for path in sorted(SOURCES.rglob("models.py")):
            importlib.import_module(".".join(("lianpu", *path.relative_to(SOURCES).with_suffix("").parts)))
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_R_OPS_2_migrations_go_down_and_up_again(database: Database) -> None:
    def down(connection: Connection) -> list[str]:
        config = migration_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        return inspect(connection).get_table_names()

    async with database.engine.begin() as connection:
        assert await connection.run_sync(down) == ["alembic_version"]
    await database.migrate()
    await database.migrate()
    async with database.session() as session:
        assert (await session.execute(text("SELECT count(*) FROM persons"))).scalar() == 0


async def test_R_OPS_1_sqlite_runs_in_wal_mode_with_foreign_keys(database: Database) -> None:
    async with database.session() as session:
        assert (await session.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await session.execute(text("PRAGMA foreign_keys"))).scalar() == 1


async def test_R_LIB_1_vectors_and_moments_come_back_exactly(database: Database) -> None:
    vector = np.random.default_rng(1).standard_normal(128).astype(np.float32)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone(timedelta(hours=8)))
    async with database.session() as session:
        session.add(Person(id="张", name="张三", details={"a": [1, "二"]}, created_at=moment))
        await session.flush()
        image = PersonImage(
            person_id="张", sha256="0" * 64, format="jpeg", width=1, height=1, size_bytes=1, box=[0, 0, 1, 1],
            quality={}, stored_path="a", thumbnail_path="b",
        )  # fmt: skip
        session.add(image)
        await session.flush()
        session.add(
            FaceEmbedding(
                person_id="张", image_id=image.id, pack="dlib", pack_version="1", dimension=128, vector=vector
            )
        )
        await session.commit()
    async with database.session() as session:
        person = await session.get(Person, "张")
        assert person is not None
        assert person.created_at == moment
        assert person.created_at.tzinfo is UTC
        assert person.details == {"a": [1, "二"]}
        stored = (await session.execute(FaceEmbedding.__table__.select())).one()
        np.testing.assert_array_equal(stored.vector, vector)


def test_R_LIB_1_generated_ids_are_uuid_7_and_sort_by_their_making() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {UUID(one).version for one in ids} == {7}
    assert {UUID(one).variant for one in ids} == {"specified in RFC 4122"}
    milliseconds = [one[:13] for one in ids]
    assert milliseconds == sorted(milliseconds)
