"""A change of the gallery keeps database, index and files agreeing, even when its request goes away."""

import asyncio
from pathlib import Path

import pytest

from lianpu.database.session import Database
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.index_engine import ExactEngine
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import Person
from lianpu.gallery.repository import GalleryRepository
from lianpu.storage.local import LocalStorage

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("when", ["before the commit", "while it commits"])
async def test_R_LIB_1_cancelled_change_is_whole_or_not_there(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    database = Database(database_url)
    storage = LocalStorage(tmp_path)
    storage.write("old.jpeg", b"old")
    changes = GalleryChanges(database, storage, GalleryIndexes(database, ExactEngine()))
    reached = asyncio.Event()

    async def change_it() -> None:
        async with changes.change({"new.jpeg": b"new"}) as change:
            change.session.add(Person(id="ada", name="Ada", details={}))
            change.obsolete_files.append("old.jpeg")
            if when == "before the commit":
                reached.set()
                await asyncio.sleep(60)
            commit = change.session.commit

            async def slow_commit() -> None:
                reached.set()
                await asyncio.sleep(0.2)
                await commit()

            monkeypatch.setattr(change.session, "commit", slow_commit)

    task = asyncio.create_task(change_it())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.session() as session:
        there = await GalleryRepository(session).find_person("ada") is not None
    await database.close()
    assert there is (when == "while it commits")
    assert sorted(path.name for path in tmp_path.glob("*.jpeg")) == (["new.jpeg"] if there else ["old.jpeg"])
