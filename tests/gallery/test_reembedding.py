"""Re-embedding: cut off anywhere, beside deletions, enrolments and moves, it makes each embedding once."""

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from lianpu.bootstrap import Platform, open_platform
from lianpu.errors import FaceNotFoundError, PackError
from lianpu.gallery.enrolment import ImageOptions, PersonFields
from lianpu.gallery.models import EmbeddingFailure, FaceEmbedding
from lianpu.gallery.packs import reembedding
from lianpu.gallery.packs.reembedding import REEMBED, Reembedding
from lianpu.jobs.jobs import JobRecord
from lianpu.settings import load_settings
from tests import fake_packs
from tests.fake_packs import UNSEEN, photo

pytestmark = pytest.mark.anyio

BETA = ("beta", "1")
PROGRAM = Path(__file__).parent / "reembedding_crash.py"
Open = Callable[..., Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    fake_packs.install(monkeypatch)
    monkeypatch.setattr(reembedding, "BATCH_IMAGES", 4)

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[Platform]:
        values = {"home": str(tmp_path), "packs.default": "alpha@1", "quality.mode": "off", "conflicts.mode": "off"}
        settings = load_settings({**values, **overrides}, environment={}, folder=tmp_path).settings
        async with open_platform(settings) as platform:
            yield platform

    return opened


async def enrol(platform: Platform, person: int, variant: int = 0, photo_of: int | None = None) -> str:
    fields = PersonFields(person_id=f"p{person}", name=f"Person {person}")
    data = photo(person if photo_of is None else photo_of, variant)
    return (await platform.gallery.enrolment.enrol(data, fields, ImageOptions())).image_id


async def submit(platform: Platform, **parameters: Any) -> str:
    return (await platform.jobs.submit(REEMBED, {"pack": "beta", "pack_version": "1", **parameters})).id


async def ended(platform: Platform, job_id: str) -> JobRecord:
    while (record := await platform.jobs.get(job_id)).job.finished_at is None:
        await asyncio.sleep(0.005)
    return record


async def embedded_images(platform: Platform) -> list[str]:
    async with platform.database.session() as session:
        query = select(FaceEmbedding.image_id).where(FaceEmbedding.pack == "beta").order_by(FaceEmbedding.image_id)
        return list(await session.scalars(query))


def held(monkeypatch: pytest.MonkeyPatch, *, after: int) -> tuple[threading.Event, threading.Event]:
    """Embedding stops after so many images: (it has stopped, let it go on)."""
    stopped, go_on = threading.Event(), threading.Event()
    original, count = Reembedding._embed, iter(range(10**6))

    def embed(self: Reembedding, *arguments: Any) -> Any:
        if next(count) >= after:
            stopped.set()
            assert go_on.wait(30)
        return original(self, *arguments)

    monkeypatch.setattr(Reembedding, "_embed", embed)
    return stopped, go_on


async def test_R_LIB_7_images_that_come_go_and_move_meanwhile_are_taken_as_they_are(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as platform:
        images = [await enrol(platform, person) for person in range(8)]
        stopped, go_on = held(monkeypatch, after=5)
        job_id = await submit(platform)
        await asyncio.to_thread(stopped.wait, 30)
        # The first four are stored; the others are being embedded.
        await platform.gallery.persons.delete("p6")
        async with platform.gallery.enrolment._changes.change() as change:
            moved = await change.repository.image("p7", images[7])
            moved.person_id, moved.is_primary = "p0", False
            (embedding,) = (await change.repository.embeddings_of_images([images[7]]))[images[7]]
            embedding.person_id = "p0"
            change.added.append(embedding)
        later = await enrol(platform, 9)
        go_on.set()
        record = await ended(platform, job_id)
        assert (record.job.status, record.job.result["embedded"], record.job.result["failed"]) == ("completed", 8, 0)
        assert await embedded_images(platform) == sorted([*images[:6], images[7], later])
        async with platform.database.session() as session:
            owner = await session.scalar(
                select(FaceEmbedding.person_id).where(FaceEmbedding.image_id == images[7], FaceEmbedding.pack == "beta")
            )
        assert owner == "p0"


async def test_R_LIB_7_cancelled_it_ends_with_what_is_done_and_retried_it_goes_on(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as platform:
        for person in range(10):
            await enrol(platform, person)
        stopped, go_on = held(monkeypatch, after=5)
        job_id = await submit(platform)
        await asyncio.to_thread(stopped.wait, 30)
        await platform.jobs.cancel(job_id)
        go_on.set()
        assert (await ended(platform, job_id)).job.status == "cancelled"
        assert len(await embedded_images(platform)) == 8  # two whole batches
        await platform.jobs.retry(job_id)
        record = await ended(platform, job_id)
        assert (record.job.status, record.job.result["embedded"]) == ("completed", 10)
        assert (record.job.done, record.job.total) == (10, 10)


async def test_R_LIB_7_a_server_that_stops_goes_on_after_its_start(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as platform:
        for person in range(10):
            await enrol(platform, person, photo_of=UNSEEN if person in {1, 9} else None)
        stopped, go_on = held(monkeypatch, after=5)
        job_id = await submit(platform)
        await asyncio.to_thread(stopped.wait, 30)
        threading.Timer(0.2, go_on.set).start()  # the queue is closed only when its work is done
    async with opened() as platform:
        record = await ended(platform, job_id)
        assert (record.job.status, record.job.result["embedded"], record.item_counts) == ("completed", 8, {"failed": 2})
        items, _ = await platform.jobs.items(job_id, None, None, 10)
        assert [item.position for item in items] == [0, 1]
        assert (await platform.gallery.coverage.of(BETA)).figures()["failed"] == 2


async def test_R_LIB_7_damaged_and_missing_files_fail_alone_and_a_pack_that_does_not_run_fails_the_job(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as platform:
        images = [await enrol(platform, person) for person in range(3)]
        files = {image: next((tmp_path / "gallery").rglob(f"{image}.png")) for image in images}
        files[images[0]].write_bytes(files[images[0]].read_bytes()[:200])
        files[images[1]].unlink()
        record = await ended(platform, await submit(platform))
        reasons = {failure["image_id"]: failure["reason"] for failure in record.job.result["failures"]}
        assert set(reasons) == set(images[:2])
        assert "missing" in reasons[images[1]]
        assert await embedded_images(platform) == [images[2]]

        await enrol(platform, 5)

        def does_not_run(*arguments: Any) -> Any:
            raise PackError("The network did not run.")

        monkeypatch.setattr(reembedding, "vector_at", does_not_run)
        record = await ended(platform, await submit(platform))
        assert (record.job.status, record.job.error["code"]) == ("failed", "pack_error")
        assert (await platform.gallery.coverage.of(BETA)).missing == 1


async def test_R_LIB_7_half_of_the_workers_are_left_to_searches_and_no_lock_is_held_while_embedding(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(**{"runtime.workers": 4}) as platform:
        for person in range(12):
            await enrol(platform, person)
        running, most, counting = 0, 0, threading.Lock()
        original = Reembedding._embed

        def embed(self: Reembedding, *arguments: Any) -> Any:
            nonlocal running, most
            assert not platform.gallery.indexes.lock.locked()
            with counting:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with counting:
                running -= 1
            return original(self, *arguments)

        monkeypatch.setattr(Reembedding, "_embed", embed)
        assert (await ended(platform, await submit(platform))).job.status == "completed"
        assert most == 2


async def test_R_LIB_7_asked_twice_one_job_does_it(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as platform:
        await enrol(platform, 1)
        stopped, go_on = held(monkeypatch, after=0)
        gallery = platform.gallery
        first = await gallery.reembedding.whole_gallery(platform.jobs, "beta", retry_failed=False)
        await asyncio.to_thread(stopped.wait, 30)
        again = await gallery.reembedding.whole_gallery(platform.jobs, "beta@1", retry_failed=False)
        assert again.id == first.id
        go_on.set()
        await ended(platform, first.id)
        other = await gallery.reembedding.whole_gallery(platform.jobs, "beta", retry_failed=False)
        assert other.id != first.id
        await ended(platform, other.id)


def _kill_often(home: Path, images: int) -> int:
    """Fill a gallery, then re-embed it in processes of which ten are killed; how many were."""
    moments = random.Random(7)
    root = Path(__file__).parents[2]
    command = [sys.executable, str(PROGRAM), str(home)]
    environment = {"PYTHONPATH": str(root)}
    subprocess.run([*command, "enrol", str(images)], check=True, cwd=root, env=environment)
    kills = 0
    while True:
        process = subprocess.Popen(
            [*command, "reembed", "0"], stdout=subprocess.PIPE, text=True, cwd=root, env=environment
        )
        assert process.stdout is not None
        stop_after = moments.randint(3, 20)
        for seen, _ in enumerate(process.stdout, start=1):
            if seen == stop_after and kills < 10:
                process.kill()
                kills += 1
        process.stdout.close()
        if process.wait() == 0:
            return kills


async def test_R_LIB_6_the_face_is_looked_for_where_the_first_pack_saw_it(opened: Open) -> None:
    async with opened() as platform:
        image_id = await enrol(platform, 1)
        async with platform.gallery.enrolment._changes.change() as change:
            (await change.repository.image("p1", image_id)).box = [0.0, 0.0, 15.0, 15.0]
        record = await ended(platform, await submit(platform))
        assert record.job.result["failures"][0]["reason"] == str(
            FaceNotFoundError("pack 'beta' does not find this face")
        )


@pytest.mark.slow
async def test_R_LIB_7_killed_at_ten_random_moments_every_image_is_done_once(opened: Open, tmp_path: Path) -> None:
    images = 500
    kills = await asyncio.to_thread(_kill_often, tmp_path, images)
    with sqlite3.connect(tmp_path / "lianpu.db") as connection:
        status, attempts = connection.execute("SELECT status, attempts FROM jobs").fetchone()
    connection.close()
    assert (kills, status, attempts) == (10, "completed", 11)
    async with opened() as platform:
        async with platform.database.session() as session:
            embedded = await session.scalar(
                select(func.count()).select_from(FaceEmbedding).where(FaceEmbedding.pack == "beta")
            )
            failed = await session.scalar(select(func.count()).select_from(EmbeddingFailure))
        coverage = await platform.gallery.coverage.of(BETA)
        page, _ = await platform.jobs.page(REEMBED, None, None, 2)
        record = await platform.jobs.get(page[0].id)
    assert (embedded, failed, coverage.missing) == (images - 25, 25, 0)
    assert (record.item_counts, record.job.result["embedded"]) == ({"failed": 25}, images - 25)
