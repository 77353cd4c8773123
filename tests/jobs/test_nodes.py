"""R-OPS 2: jobs on several nodes: who runs them, who hears of them, and who may end them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lianpu.database.session import Database
from lianpu.jobs import workers as workers_module
from lianpu.jobs.events import JobEvents
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.ownership import SERVER
from lianpu.jobs.push.changes import Changes
from lianpu.jobs.push.feed import PushFeed
from lianpu.jobs.push.subscription import SERVER_STOPS
from lianpu.jobs.queue import TableQueue, Take
from lianpu.jobs.relay import JobRelay
from lianpu.jobs.workers import JobWorkers
from lianpu.nodes.redis_bus import RedisBus
from tests.jobs.test_jobs import Handler
from tests.redis_server import NOTHING_KEPT, redis_server

pytestmark = pytest.mark.anyio
WITHIN_S = 1.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Node:
    workers: JobWorkers
    jobs: Jobs
    feed: PushFeed


@dataclass
class Pair:
    works: Node
    """It runs jobs."""
    asks: Node
    """It runs none: they are submitted, cancelled and followed here."""
    is_held: asyncio.Event
    """Until it is set, a job does not end."""


@pytest.fixture
async def pair(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    # Whoever is not told learns it too late.
    monkeypatch.setattr(workers_module, "IDLE_S", 3600)
    is_held = asyncio.Event()

    async def count(job: RunningJob) -> dict[str, Any]:
        for done in range(1, 1_000_000):
            await job.report(done, None, message=f"step {done}")
            if is_held.is_set():
                break
            await asyncio.sleep(0.02)
        return {}

    database = Database(database_url)
    async with AsyncExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path, *NOTHING_KEPT))
        stack.push_async_callback(database.close)
        nodes: list[Node] = []
        for is_worker in (True, False):
            bus, events = RedisBus(url), JobEvents()
            await bus.start()
            stack.push_async_callback(bus.close)
            workers = JobWorkers(
                database,
                tmp_path / "jobs",
                [Handler("count", count)],
                workers=1,
                max_attempts=3,
                events=events,
                queue=TableQueue(bus),
            )
            feed = PushFeed(database, events, Changes(), queue_events=100)
            relay = JobRelay(bus, events, workers)
            await relay.start()
            await feed.start()
            await workers.start(main=is_worker)
            stack.push_async_callback(relay.stop)
            stack.push_async_callback(workers.queue.close)
            stack.push_async_callback(feed.stop, SERVER_STOPS)
            stack.push_async_callback(workers.stop)
            nodes.append(Node(workers, Jobs(database, tmp_path / "jobs", workers, retention_days=1), feed))
        yield Pair(*nodes, is_held)


async def _until(status: str, jobs: Jobs, job_id: str, *, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while (await jobs.get(job_id)).job.status != status:
            await asyncio.sleep(0.01)


async def test_R_OPS_2_a_job_submitted_on_one_node_is_begun_on_another_at_once(pair: Pair) -> None:
    pair.is_held.set()
    # The first one is found as the worker looks into the table; the second needs to be told of.
    for _ in range(2):
        job = await pair.asks.jobs.submit("count", {})
        await _until("completed", pair.works.jobs, job.id, within_s=WITHIN_S)


async def test_R_OPS_2_a_job_is_cancelled_on_another_node_than_runs_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await pair.asks.jobs.submit("count", {})
    await _until("processing", pair.asks.jobs, job.id, within_s=WITHIN_S)
    # It is told, and does not read it from the table when it reports.
    monkeypatch.setattr("lianpu.jobs.handler.REPORT_INTERVAL_S", 3600)
    await pair.asks.jobs.cancel(job.id)
    await _until("cancelled", pair.asks.jobs, job.id, within_s=WITHIN_S)


async def test_R_OPS_7_progress_on_one_node_is_pushed_by_another(pair: Pair) -> None:
    with pair.asks.feed.subscription(SERVER, None) as mailbox:
        job = await pair.asks.jobs.submit("count", {})
        told: list[str] = []
        async with asyncio.timeout(5):
            while not any('"message":"step' in text and '"status":"processing"' in text for text in told):
                told += [frame.text for frame in await mailbox.take() if job.id in frame.text]
            pair.is_held.set()
            while not any('"status":"completed"' in text for text in told):
                told += [frame.text for frame in await mailbox.take() if job.id in frame.text]


class ForgetfulBroker:
    """Takes what is announced, and delivers nothing but what the test hands out."""

    is_brokered = True
    is_taking = True

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.take: Take | None = None

    def announce(self, job_id: str) -> None:
        self.announced.append(job_id)

    async def start(self, take: Take, *, concurrency: int) -> None:
        self.take = take

    async def stop(self) -> None:
        self.take = None

    async def close(self) -> None:
        pass


@pytest.fixture
async def brokered(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[ForgetfulBroker, JobWorkers, Jobs, list[str]]]:
    monkeypatch.setattr(workers_module, "IDLE_S", 0.05)
    database, broker, ran = Database(database_url), ForgetfulBroker(), list[str]()

    async def note(job: RunningJob) -> dict[str, Any]:
        ran.append(job.id)
        await asyncio.sleep(0.05)
        return {}

    workers = JobWorkers(database, tmp_path / "jobs", [Handler("note", note)], workers=2, max_attempts=3, queue=broker)
    yield broker, workers, Jobs(database, tmp_path / "jobs", workers, retention_days=1), ran
    await workers.stop()
    await database.close()


async def test_R_OPS_2_a_job_whose_message_the_broker_lost_is_found_in_the_table(
    brokered: tuple[ForgetfulBroker, JobWorkers, Jobs, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, workers, jobs, ran = brokered
    monkeypatch.setattr(workers_module, "BROKER_PATIENCE", timedelta(seconds=0.4))
    await workers.start()
    job = await jobs.submit("note", {})
    assert broker.announced == [job.id]
    await asyncio.sleep(0.2)
    assert ran == []
    await _until("completed", jobs, job.id, within_s=5)
    assert ran == [job.id]


async def test_R_OPS_2_a_message_that_is_delivered_again_and_again_runs_its_job_once(
    brokered: tuple[ForgetfulBroker, JobWorkers, Jobs, list[str]],
) -> None:
    broker, workers, jobs, ran = brokered
    await workers.start()
    assert broker.take is not None
    job_ids = [(await jobs.submit("note", {})).id for _ in range(3)]
    await asyncio.gather(*(broker.take(job_id) for job_id in [*job_ids * 4, "of another installation"]))
    assert sorted(ran) == sorted(job_ids)
    await broker.take(job_ids[0])
    assert len(ran) == 3


async def test_R_OPS_2_a_server_with_a_broker_announces_jobs_and_runs_none(
    brokered: tuple[ForgetfulBroker, JobWorkers, Jobs, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, workers, jobs, ran = brokered
    monkeypatch.setattr(workers_module, "BROKER_PATIENCE", timedelta(0))
    await workers.start(main=False)
    job = await jobs.submit("note", {})
    await asyncio.sleep(0.3)
    assert (broker.announced, broker.take, ran) == ([job.id], None, [])


async def test_R_OPS_2_a_worker_that_stops_gives_its_job_back_and_says_so(
    brokered: tuple[ForgetfulBroker, JobWorkers, Jobs, list[str]],
) -> None:
    broker, workers, jobs, ran = brokered
    await workers.start()
    assert broker.take is not None
    job = await jobs.submit("note", {})
    taking = asyncio.create_task(broker.take(job.id))
    while not ran:
        await asyncio.sleep(0.005)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    released = (await jobs.get(job.id)).job
    assert (released.status, released.attempts, released.worker) == ("pending", 0, None)
    assert broker.announced == [job.id, job.id]
