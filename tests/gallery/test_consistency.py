"""`gallery check` finds whatever does not agree, mends what is safe, and never takes work in progress for a fault."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from lianpu.database.base import new_id
from lianpu.database.session import Database
from lianpu.engines.image import ImageLimits, encode_jpeg
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.consistency.check import ConsistencyCheck
from lianpu.gallery.consistency.repairs import Repairs
from lianpu.gallery.index_engine import ExactEngine
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.unfinished import ABANDONED_AFTER, mend_after_crash
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.workers import JobWorkers
from lianpu.packs.metric import Metric
from lianpu.storage.local import LocalStorage
from lianpu.vectors.index import IndexedEmbedding

pytestmark = pytest.mark.anyio
KEY = ("alpha", "1")
DIMENSION = 4
UNGUARDED = {
    "sqlite": ("PRAGMA foreign_keys=OFF", "PRAGMA foreign_keys=ON"),
    "postgresql": ("SET session_replication_role = replica", "SET session_replication_role = DEFAULT"),
    "mariadb": ("SET foreign_key_checks = 0", "SET foreign_key_checks = 1"),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Gallery:
    home: Path
    database: Database
    storage: LocalStorage
    changes: GalleryChanges
    indexes: GalleryIndexes
    jobs: Jobs

    async def check(self, *, repair: bool = False, quick: bool = False) -> dict[str, Any]:
        job = await self.jobs.submit("gallery.check", {"repair": repair, "quick": quick})
        while (record := await self.jobs.get(job.id)).job.finished_at is None:
            await asyncio.sleep(0.01)
        assert record.job.result is not None, record.job.error
        return record.job.result

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.database.session() as session:
            # What breaks a gallery asks no foreign key.
            off, on = UNGUARDED[session.get_bind().dialect.name]
            await session.execute(text(off))
            await session.execute(text(statement), values)
            await session.commit()
            await session.execute(text(on))
            await session.commit()

    async def one(self, query: str) -> Any:
        async with self.database.session() as session:
            return (await session.execute(text(query))).scalar()

    async def add(self, person_id: str, images: int = 2) -> None:
        for number in range(images):
            data = encode_jpeg(np.full((20, 20, 3), 20 * number, np.uint8)) + person_id.encode()
            image_id = new_id()
            row = PersonImage(
                id=image_id,
                person_id=person_id,
                sha256=hashlib.sha256(data).hexdigest(),
                is_primary=number == 0,
                format="jpeg",
                width=20,
                height=20,
                size_bytes=len(data),
                box=[1.0, 1.0, 19.0, 19.0],
                quality={},
                stored_path=f"gallery/{image_id[-2:]}/{image_id}.jpeg",
                thumbnail_path=f"gallery/{image_id[-2:]}/{image_id}.thumbnail.jpeg",
            )
            vector = np.arange(DIMENSION, dtype=np.float32) + number + 1
            embedding = FaceEmbedding(
                person_id=person_id,
                image_id=image_id,
                pack=KEY[0],
                pack_version=KEY[1],
                dimension=DIMENSION,
                vector=vector,
            )
            async with self.changes.change({row.stored_path: data, row.thumbnail_path: data}) as change:
                if number == 0:
                    change.session.add(Person(id=person_id, name=person_id, details={}))
                    await change.session.flush()
                change.session.add(row)
                await change.session.flush()
                change.add_embeddings([embedding])


@pytest.fixture
async def gallery(tmp_path: Path, database_url: str) -> AsyncIterator[Gallery]:
    database = Database(database_url)
    storage = LocalStorage(tmp_path)
    indexes = GalleryIndexes(database, ExactEngine())
    changes = GalleryChanges(database, storage, indexes)
    folder = tmp_path / "jobs"
    repairs = Repairs(changes, indexes, storage, folder, limits=ImageLimits(), thumbnail_side_px=32)
    check = ConsistencyCheck(database, storage, changes, indexes, repairs, folder)
    workers = JobWorkers(database, folder, [check], workers=1, max_attempts=2)
    await workers.start()
    await indexes.index_of(KEY, DIMENSION, Metric.EUCLIDEAN)
    made = Gallery(tmp_path, database, storage, changes, indexes, Jobs(database, folder, workers, retention_days=1))
    await made.add("ada")
    await made.add("张三", 3)
    yield made
    await workers.stop()
    await database.close()


async def test_R_LIB_12_whole_gallery_is_clean(gallery: Gallery) -> None:
    result = await gallery.check()
    assert result["is_clean"], result
    assert result["looked_at"] == {"images": 5, "files": 10, "embeddings": 5, "indexes": 1}
    assert (await gallery.check(quick=True))["is_clean"]


async def _photo_missing(gallery: Gallery) -> None:
    gallery.storage.delete(await gallery.one("SELECT stored_path FROM person_images"))


async def _photo_damaged(gallery: Gallery) -> None:
    name = await gallery.one("SELECT stored_path FROM person_images")
    data = gallery.storage.read(name)
    gallery.storage.write(name, data[:-1] + b"x")


async def _thumbnail_missing(gallery: Gallery) -> None:
    gallery.storage.delete(await gallery.one("SELECT thumbnail_path FROM person_images"))


async def _thumbnail_damaged(gallery: Gallery) -> None:
    gallery.storage.write(await gallery.one("SELECT thumbnail_path FROM person_images"), b"nothing")


async def _file_orphan(gallery: Gallery) -> None:
    gallery.storage.write("gallery/ab/stray.jpeg", b"stray")


async def _unfinished_orphan(gallery: Gallery) -> None:
    (gallery.home / "gallery" / "ab").mkdir(exist_ok=True)
    (gallery.home / "gallery" / "ab" / ".stray.jpeg.k3x9.part").write_bytes(b"str")


async def _no_primary(gallery: Gallery) -> None:
    await gallery.execute("UPDATE person_images SET is_primary = false WHERE person_id = 'ada'")


async def _several_primaries(gallery: Gallery) -> None:
    await gallery.execute("UPDATE person_images SET is_primary = true WHERE person_id = 'ada'")


async def _embedding_orphan(gallery: Gallery) -> None:
    embedding_id = await gallery.one("SELECT id FROM face_embeddings")
    await gallery.execute("UPDATE face_embeddings SET image_id = 'none' WHERE id = :id", id=embedding_id)


async def _embedding_of_another(gallery: Gallery) -> None:
    embedding_id = await gallery.one("SELECT id FROM face_embeddings WHERE person_id = 'ada'")
    await gallery.execute("UPDATE face_embeddings SET person_id = '张三' WHERE id = :id", id=embedding_id)
    await gallery.indexes.refill(KEY)


async def _embedding_not_finite(gallery: Gallery) -> None:
    vector = np.array([1, np.nan, 1, 1], "<f4").tobytes()
    embedding_id = await gallery.one("SELECT id FROM face_embeddings")
    await gallery.execute("UPDATE face_embeddings SET vector = :vector WHERE id = :id", vector=vector, id=embedding_id)


async def _embedding_too_short(gallery: Gallery) -> None:
    embedding_id = await gallery.one("SELECT id FROM face_embeddings")
    # Not even a whole number of floats.
    await gallery.execute("UPDATE face_embeddings SET vector = :vector WHERE id = :id", vector=b"abc", id=embedding_id)


async def _index_lacks(gallery: Gallery) -> None:
    await gallery.indexes.apply([await gallery.one("SELECT id FROM face_embeddings")], [])


async def _index_has_more(gallery: Gallery) -> None:
    index = await gallery.indexes.index_of(KEY, DIMENSION, Metric.EUCLIDEAN)
    index.add([IndexedEmbedding("stray", "ada", np.ones(DIMENSION, np.float32))])


async def _index_names_another(gallery: Gallery) -> None:
    index = await gallery.indexes.index_of(KEY, DIMENSION, Metric.EUCLIDEAN)
    embedding_id = await gallery.one("SELECT id FROM face_embeddings WHERE person_id = 'ada'")
    index.add([IndexedEmbedding(embedding_id, "张三", np.ones(DIMENSION, np.float32))])


async def _job_folder(gallery: Gallery) -> None:
    folder = gallery.home / "jobs" / "gone"
    folder.mkdir(parents=True)
    (folder / "archive").write_bytes(b"x")
    old = time.time() - 2 * 24 * 3600
    os.utime(folder, (old, old))


async def _image_orphan(gallery: Gallery) -> None:
    await gallery.execute("DELETE FROM persons WHERE id = 'ada'")


MENDED = {
    "thumbnail_missing": [_thumbnail_missing],
    "thumbnail_damaged": [_thumbnail_damaged],
    "file_orphan": [_file_orphan, _unfinished_orphan],
    "primary_wrong": [_no_primary, _several_primaries],
    "embedding_orphan": [_embedding_orphan],
    "embedding_person_differs": [_embedding_of_another],
    "embedding_damaged": [_embedding_not_finite, _embedding_too_short],
    "index_differs": [_index_lacks, _index_has_more, _index_names_another],
    "job_folder_orphan": [_job_folder],
}
LOST = {"file_missing": [_photo_missing], "file_damaged": [_photo_damaged], "image_orphan": [_image_orphan]}


@pytest.mark.parametrize(("problem", "breaks"), [(name, one) for name, many in MENDED.items() for one in many])
async def test_R_LIB_12_what_does_not_agree_is_found_and_mended(gallery: Gallery, problem: str, breaks: Any) -> None:
    await breaks(gallery)
    found = await gallery.check()
    assert list(found["counts"]) == [problem], found
    assert (found["found"], found["repaired"]) == (1, 0)
    mended = await gallery.check(repair=True)
    assert (mended["found"], mended["remaining"]) == (1, 0), mended
    assert (await gallery.check())["is_clean"]


@pytest.mark.parametrize(("problem", "breaks"), [(name, one) for name, many in LOST.items() for one in many])
async def test_R_LIB_12_what_is_lost_is_said_and_left_as_it_is(gallery: Gallery, problem: str, breaks: Any) -> None:
    await breaks(gallery)
    before = await gallery.one("SELECT count(*) FROM person_images")
    found = await gallery.check(repair=True)
    assert set(found["counts"]) == {problem}, found
    assert found["remaining"] == found["found"] >= 1
    assert await gallery.one("SELECT count(*) FROM person_images") == before


async def test_R_LIB_12_quick_check_compares_sizes_alone(gallery: Gallery) -> None:
    await _photo_damaged(gallery)
    assert (await gallery.check(quick=True))["is_clean"]
    assert not (await gallery.check())["is_clean"]


async def test_R_LIB_12_check_takes_no_running_change_for_a_fault(gallery: Gallery) -> None:
    """Persons come and go while it looks; files lie there before their rows and after."""
    stop = asyncio.Event()

    async def churn(name: str) -> int:
        rounds = 0
        while not stop.is_set():
            await gallery.add(name, 1)
            async with gallery.changes.change() as change:
                for image in await change.repository.images(name):
                    change.obsolete_files += [image.stored_path, image.thumbnail_path]
                change.removed_embedding_ids += await change.repository.embedding_ids(name)
                await change.repository.delete_person(name)
            rounds += 1
        return rounds

    tasks = [asyncio.create_task(churn(f"p{number}")) for number in range(3)]
    try:
        for _ in range(6):
            result = await gallery.check(repair=True)
            assert result["is_clean"], str(result)
    finally:
        stop.set()
        rounds = await asyncio.gather(*tasks)
    assert min(rounds) > 1
    assert (await gallery.check())["looked_at"]["files"] == 10
    assert list((gallery.home / "unfinished").iterdir()) == []


async def test_R_LIB_12_what_a_crash_left_is_cleared_at_the_next_start(gallery: Gallery) -> None:
    stored = await gallery.one("SELECT stored_path FROM person_images")
    # As a process leaves it that is killed between files and commit, and in the middle of a write.
    dead = GalleryChanges(gallery.database, gallery.storage, gallery.indexes).unfinished
    dead.note("one", ["gallery/ab/new.jpeg", "gallery/ab/half.jpeg", stored])
    gallery.storage.write("gallery/ab/new.jpeg", b"new")
    (gallery.home / "gallery" / "ab" / ".half.jpeg.k3x9.part").write_bytes(b"ha")
    (gallery.home / "unfinished" / ".two.json.k3x9.part").write_bytes(b'["galle')
    if gallery.database.is_sqlite:
        assert (await gallery.check())["counts"] == {"file_orphan": 2}
    else:
        # Another node may have them in hand.
        assert (await gallery.check())["is_clean"]
        await mend_after_crash(gallery.database, gallery.changes.unfinished)
        assert gallery.storage.read("gallery/ab/new.jpeg")
        old = time.time() - ABANDONED_AFTER.total_seconds() - 60
        for note in (gallery.home / "unfinished").iterdir():
            os.utime(note, (old, old))
    await mend_after_crash(gallery.database, gallery.changes.unfinished)
    assert (await gallery.check())["is_clean"]
    assert gallery.storage.read(stored)
    assert list((gallery.home / "unfinished").iterdir()) == []
