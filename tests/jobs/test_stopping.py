"""What waits in the background ends when it is told to, whatever woke it just before."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from lianpu.database.session import Database
from lianpu.jobs.events import JobEvents
from lianpu.jobs.push.changes import Changes
from lianpu.jobs.push.feed import PushFeed
from lianpu.jobs.push.subscription import SERVER_STOPS
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
