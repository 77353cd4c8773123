"""Database basics that every feature relies on, on each of the three kinds."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import func, insert, select, text

from lianpu.database.base import new_id
from lianpu.database.session import Database
from lianpu.errors import NulCharacterError
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.repository import GalleryRepository, PersonFilter
from lianpu.streams.models import Stream, StreamEvent
from lianpu.streams.repository import StreamRepository

pytestmark = pytest.mark.anyio
NAMES = ["张三", "張三", "José", "Jose", "JOSÉ", "👩‍🚀 Åse", "ابن سينا", "ß", "ss", "I", "ı", "a", "A", "𐍈"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


async def test_R_OPS_1_sqlite_runs_in_wal_mode_with_foreign_keys(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with database.session() as session:
        assert (await session.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await session.execute(text("PRAGMA foreign_keys"))).scalar() == 1
    await database.close()


async def test_R_OPS_2_a_process_opens_no_more_connections_than_it_may(server_url: str) -> None:
    database = Database(server_url, max_connections=2)
    name = "pg_backend_pid()" if server_url.startswith("postgresql") else "CONNECTION_ID()"

    async def ask() -> int:
        async with database.session() as session:
            found = int((await session.execute(text(f"SELECT {name}"))).scalar_one())
            await asyncio.sleep(0.02)
            return found

    asked = await asyncio.gather(*(ask() for _ in range(8)))
    assert len(set(asked)) == 2
    await database.close()


async def test_R_LIB_1_vectors_and_moments_come_back_exactly(database: Database) -> None:
    vector = np.random.default_rng(1).standard_normal(512).astype(np.float32)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone(timedelta(hours=8)))
    details = {"a": [1, "二", 0.1, None, True], "😀": {"b": 1e-300}}
    async with database.session() as session:
        session.add(Person(id="张", name="张三", details=details, created_at=moment, threshold=0.1))
        await session.flush()
        image = _image("张")
        session.add(image)
        await session.flush()
        session.add(
            FaceEmbedding(
                person_id="张", image_id=image.id, pack="dlib", pack_version="1", dimension=512, vector=vector
            )
        )
        await session.commit()
    async with database.session() as session:
        person = await session.get(Person, "张")
        assert person is not None
        assert person.created_at == moment
        assert person.created_at.tzinfo is UTC
        assert (person.details, person.threshold) == (details, 0.1)
        stored = (await session.execute(FaceEmbedding.__table__.select())).one()
        np.testing.assert_array_equal(stored.vector, vector)


async def test_R_OPS_2_figures_come_back_exactly(database: Database) -> None:
    """As many digits as on SQLite: MariaDB's FLOAT would round them."""
    async with database.session() as session:
        stream = Stream(id=new_id(), owner_id="ada", source=b"\0\xff", shown="x", options={}, lifetime_minutes=1 / 3)
        session.add(stream)
        await session.flush()
        event = StreamEvent(
            stream_id=stream.id, kind="x", track=1, score=0.1234567890123456, quality=2 / 3, is_live=None, has_crop=True
        )
        await StreamRepository(session).add_events([event])
        await session.commit()
    async with database.session() as session:
        stored = await session.get(StreamEvent, event.id)
        assert stored is not None
        assert (stored.score, stored.quality, stored.is_live, stored.has_crop) == (
            0.1234567890123456,
            2 / 3,
            None,
            True,
        )
        again = await session.get(Stream, stream.id)
        assert again is not None
        assert (again.lifetime_minutes, again.source) == (1 / 3, b"\0\xff")


async def test_R_LIB_3_ids_and_names_of_every_script_are_told_apart(database: Database) -> None:
    async with database.session() as session:
        session.add_all([Person(id=name, name=name, details={"word": name}) for name in NAMES])
        await session.commit()
    async with database.session() as session:
        for name in NAMES:
            assert (await session.scalars(select(Person.id).where(Person.name == name))).all() == [name]
            wanted = PersonFilter(metadata=(("word", name),))
            found = await GalleryRepository(session).persons(wanted, None, 100)
            assert [person.id for person in found] == [name], name
        found = await GalleryRepository(session).persons(PersonFilter(name="jos"), None, 100)
        assert {"Jose", "José"} <= {person.id for person in found}


async def test_R_LIB_3_metadata_of_every_kind_is_found_by_its_text(database: Database) -> None:
    details = {"city": "Köln", "floor": 3, "rate": 0.5, "is_staff": True, "none": None, "quoted": 'a "b" \\ c%_'}
    async with database.session() as session:
        session.add_all([Person(id="ada", name="Ada", details=details), Person(id="bob", name="Bob", details={})])
        await session.commit()
    async with database.session() as session:
        for key, value in (("city", "Köln"), ("floor", "3"), ("rate", "0.5"), ("quoted", 'a "b" \\ c%_')):
            found = await GalleryRepository(session).persons(PersonFilter(metadata=((key, value),)), None, 10)
            assert [person.id for person in found] == ["ada"], key
        for key, value in (("city", "köln"), ("city", "Koln"), ("nowhere", "x")):
            assert not await GalleryRepository(session).persons(PersonFilter(metadata=((key, value),)), None, 10)


async def test_R_OPS_2_a_nul_character_is_refused_by_every_database_alike(database: Database) -> None:
    async with database.session() as session:
        session.add(Person(id="ada", name="A\0da", details={}))
        with pytest.raises(NulCharacterError):
            await session.flush()
    async with database.session() as session:
        with pytest.raises(NulCharacterError):
            await session.scalar(select(Person).where(Person.name == "\0"))


async def test_R_OPS_2_a_nul_character_is_seen_among_many_rows(database: Database) -> None:
    """Sent row by row, and as one INSERT of all of them."""
    rows = [{"id": f"p{number}", "name": "Ada", "details": {}} for number in range(3)]
    wrong = [*rows, {"id": "p3", "name": "A\0da", "details": {}}]
    for statement in (insert(Person), insert(Person).returning(Person.id)):
        async with database.session() as session:
            with pytest.raises(NulCharacterError):
                await session.execute(statement, wrong)
        async with database.session() as session:
            await session.execute(statement, rows)
            assert await session.scalar(select(func.count()).select_from(Person)) == 3


async def test_R_OPS_2_an_update_that_changes_nothing_still_counts_its_row(database: Database) -> None:
    """Compare-and-set goes by that number, and MariaDB would count changed rows alone."""
    async with database.session() as session:
        session.add(Person(id="ada", name="Ada", details={}))
        await session.commit()
    async with database.session() as session:
        changed = await session.execute(text("UPDATE persons SET name = 'Ada' WHERE id = 'ada'"))
        assert changed.rowcount == 1  # type: ignore[attr-defined]


def _image(person_id: str) -> PersonImage:
    return PersonImage(
        person_id=person_id, sha256="0" * 64, format="jpeg", width=1, height=1, size_bytes=1, box=[0, 0, 1, 1],
        quality={}, stored_path="a", thumbnail_path="b",
    )  # fmt: skip


def test_R_LIB_1_generated_ids_are_uuid_7_and_sort_by_their_making() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {UUID(one).version for one in ids} == {7}
    assert {UUID(one).variant for one in ids} == {"specified in RFC 4122"}
    milliseconds = [one[:13] for one in ids]
    assert milliseconds == sorted(milliseconds)
