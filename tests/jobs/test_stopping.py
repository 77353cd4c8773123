"""What waits in the background ends when it is told to, whatever woke it just before."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lianpu.database.session import Database
from lianpu.jobs.events import JobEvents
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.push.changes import Changes
from lianpu.jobs.push.feed import PushFeed
from lianpu.jobs.push.subscription import SERVER_STOPS
from lianpu.jobs.repository import JobRepository
from lianpu.jobs.workers import JobWorkers
from tests.jobs.test_jobs import Handler, database

pytestmark = pytest.mark.anyio
__all__ = ["database"]


async def noop(job: object) -> dict[str, object]:
    return {}


@pytest.mark.parametrize("turns", range(5))
async def test_R_OPS_2_feed_that_was_just_woken_stops(database: Database, turns: int) -> None:
    # As on a server's database, whose events of other nodes are looked for now and then.
    database.is_sqlite = False
    feed = PushFeed(database, JobEvents(retention=timedelta(hours=1)), Changes(), queue_events=10)
    await feed.start()
    await asyncio.sleep(0.05)
    feed.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await feed.stop(SERVER_STOPS)


@pytest.mark.parametrize("turns", range(5))
async def test_R_OPS_2_workers_that_were_just_woken_stop(database: Database, tmp_path: Path, turns: int) -> None:
    workers = JobWorkers(database, tmp_path / "jobs", [Handler("noop", noop)], workers=2, max_attempts=1)
    await workers.start()
    await asyncio.sleep(0.05)
    workers.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await workers.stop()


async def test_R_OPS_7_work_that_is_done_is_kept_as_done_though_the_server_stops(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_saved = asyncio.Event()
    save = JobRepository.save

    async def save_slowly(self: JobRepository, job_id: str, worker: str, values: dict[str, Any]) -> bool:
        is_saved.set()
        await asyncio.sleep(0.1)
        return await save(self, job_id, worker, values)

    workers = JobWorkers(database, tmp_path / "jobs", [Handler("noop", noop)], workers=1, max_attempts=1)
    jobs = Jobs(database, tmp_path / "jobs", workers, retention_days=7)
    monkeypatch.setattr(JobRepository, "save", save_slowly)
    await database.migrate()
    await workers.start()
    job = await jobs.submit("noop", {})
    await is_saved.wait()
    await workers.stop()
    kept = (await jobs.get(job.id)).job
    assert (kept.status, kept.attempts, kept.finished_at is not None) == ("completed", 1, True)
