"""Jobs: durable, resumable, cancellable, the same for every kind."""

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from lianpu.accounts.roles import Role
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import DatabaseUnreachableError, IdempotencyError, JobNotFoundError, JobStateError, PackDamagedError
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.jobs import JobRecord, Jobs
from lianpu.jobs.models import JobStatus
from lianpu.jobs.workers import JobWorkers
from tests.jobs.callers import called_by, principal

pytestmark = pytest.mark.anyio

CRASHING = Path(__file__).parent / "crashing.py"
Run = Callable[[RunningJob], Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Handler:
    def __init__(self, kind: str, run: Run) -> None:
        self.kind = kind
        self._run = run

    async def run(self, job: RunningJob) -> dict[str, Any]:
        return await self._run(job)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@asynccontextmanager
async def working(database: Database, tmp_path: Path, *, max_attempts: int = 3, **kinds: Run) -> AsyncIterator[Jobs]:
    folder = tmp_path / "jobs"
    handlers = [Handler(kind, run) for kind, run in kinds.items()]
    workers = JobWorkers(database, folder, handlers, workers=2, max_attempts=max_attempts)
    await workers.start()
    try:
        yield Jobs(database, folder, workers, retention_days=7)
    finally:
        await workers.stop()


async def ended(jobs: Jobs, job_id: str) -> JobRecord:
    for _ in range(1000):
        record = await jobs.get(job_id)
        if record.job.finished_at is not None:
            return record
        await asyncio.sleep(0.01)
    raise AssertionError("the job did not end")


async def _echo(job: RunningJob) -> dict[str, Any]:
    return {"said": job.parameters["say"]}


async def test_R_OPS_7_a_job_runs_and_keeps_its_result(database: Database, tmp_path: Path) -> None:
    async with working(database, tmp_path, echo=_echo) as jobs:
        job = await jobs.submit("echo", {"say": "你好"})
        record = await ended(jobs, job.id)
    assert (record.job.status, record.job.result, record.job.attempts) == ("completed", {"said": "你好"}, 1)
    assert record.job.created_at <= record.job.started_at <= record.job.finished_at


async def test_R_OPS_7_several_jobs_run_at_once_and_all_of_them_once(database: Database, tmp_path: Path) -> None:
    begun: list[str] = []

    async def meet(job: RunningJob) -> dict[str, Any]:
        begun.append(job.id)
        await asyncio.sleep(0.02)
        return {}

    async with working(database, tmp_path, meet=meet) as jobs:
        submitted = [(await jobs.submit("meet", {"number": number})).id for number in range(12)]
        await asyncio.gather(*(ended(jobs, job_id) for job_id in submitted))
    assert sorted(begun) == sorted(submitted)


async def test_R_OPS_7_a_refusal_ends_the_job_with_its_code(database: Database, tmp_path: Path) -> None:
    async def refuse(job: RunningJob) -> dict[str, Any]:
        raise PackDamagedError("The file is cut off.")

    async def fall(job: RunningJob) -> dict[str, Any]:
        raise ZeroDivisionError("secret detail")

    async with working(database, tmp_path, refuse=refuse, fall=fall) as jobs:
        refused = await ended(jobs, (await jobs.submit("refuse", {})).id)
        fallen = await ended(jobs, (await jobs.submit("fall", {})).id)
    assert refused.job.status == "failed"
    assert refused.job.error == {
        "code": "pack_damaged", "title": "Pack is damaged", "detail": "The file is cut off.", "errors": []
    }  # fmt: skip
    assert fallen.job.error is not None
    assert fallen.job.error["code"] == "internal_error"
    assert "secret" not in str(fallen.job.error)


async def test_R_OPS_2_a_job_that_met_a_trouble_of_the_database_is_tried_again(
    database: Database, tmp_path: Path
) -> None:
    troubles = [DatabaseUnreachableError("It is away."), OperationalError("x", {}, Exception(1213, "Deadlock found"))]

    async def meet(job: RunningJob) -> dict[str, Any]:
        if job.parameters["always"] or job.attempt <= len(troubles):
            raise troubles[(job.attempt - 1) % 2]
        return {"attempt": job.attempt}

    async with working(database, tmp_path, meet=meet) as jobs:
        once = await ended(jobs, (await jobs.submit("meet", {"always": False})).id)
        always = await ended(jobs, (await jobs.submit("meet", {"always": True})).id)
    assert (once.job.status, once.job.result) == ("completed", {"attempt": 3})
    assert always.job.error is not None
    assert (always.job.status, always.job.error["code"], always.job.attempts) == ("failed", "database_unreachable", 3)


async def test_R_OPS_7_a_running_job_is_cancelled_and_goes_on_when_retried(database: Database, tmp_path: Path) -> None:
    steps: list[int] = []
    go_on = asyncio.Event()

    async def walk(job: RunningJob) -> dict[str, Any]:
        for step in range(job.checkpoint.get("next", 0), 5):
            if step == 2:
                await go_on.wait()
            await job.report(step, 5, checkpoint={"next": step})
            steps.append(step)
        return {"walked": 5}

    async with working(database, tmp_path, walk=walk) as jobs:
        job = await jobs.submit("walk", {})
        while len(steps) < 2:
            await asyncio.sleep(0.005)
        await jobs.cancel(job.id)
        go_on.set()
        record = await ended(jobs, job.id)
        assert (record.job.status, record.job.checkpoint) == ("cancelled", {"next": 1})
        assert steps == [0, 1]
        with pytest.raises(JobStateError):
            await jobs.cancel(job.id)
        await jobs.retry(job.id)
        record = await ended(jobs, job.id)
    assert (record.job.status, record.job.result, record.job.done) == ("completed", {"walked": 5}, 4)
    assert steps == [0, 1, 1, 2, 3, 4]


async def test_R_OPS_7_a_waiting_job_is_cancelled_at_once(database: Database, tmp_path: Path) -> None:
    block = asyncio.Event()

    async def wait(job: RunningJob) -> dict[str, Any]:
        await block.wait()
        return {}

    async with working(database, tmp_path, wait=wait) as jobs:
        running = [await jobs.submit("wait", {"number": number}) for number in range(2)]
        waiting = await jobs.submit("wait", {"number": 2})
        record = await jobs.cancel(waiting.id)
        assert (record.job.status, record.job.attempts) == ("cancelled", 0)
        block.set()
        for job in running:
            assert (await ended(jobs, job.id)).job.status == "completed"
        assert (await jobs.get(waiting.id)).job.status == "cancelled"


async def test_R_OPS_7_failed_items_alone_are_tried_again(database: Database, tmp_path: Path) -> None:
    tried: list[int] = []
    broken = {1, 3}

    async def items(job: RunningJob) -> dict[str, Any]:
        done = await job.items_done()
        for position in range(4):
            if position in done:
                continue
            tried.append(position)
            async with job.database.session() as session:
                job.add_item(session, position, f"{position}.jpg", "failed" if position in broken else "enrolled", {})
                await session.commit()
        return await job.item_counts()

    async with working(database, tmp_path, items=items) as jobs:
        job = await jobs.submit("items", {})
        record = await ended(jobs, job.id)
        assert record.item_counts == {"enrolled": 2, "failed": 2}
        broken.clear()
        await jobs.retry(job.id)
        record = await ended(jobs, job.id)
        assert record.job.result == {"enrolled": 4}
        assert tried == [0, 1, 2, 3, 1, 3]
        with pytest.raises(JobStateError):
            await jobs.retry(job.id)


async def test_R_OPS_7_an_orderly_end_gives_the_job_back(database: Database, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def stay(job: RunningJob) -> dict[str, Any]:
        await job.report(1, 2, checkpoint={"half": True})
        begun.set()
        if job.parameters["stay"] and job.attempt == 1 and not job.checkpoint.get("seen"):
            await asyncio.sleep(60)
        return {}

    async with working(database, tmp_path, stay=stay) as jobs:
        job = await jobs.submit("stay", {"stay": True})
        await begun.wait()
    record = await jobs.get(job.id)
    assert (record.job.status, record.job.attempts, record.job.checkpoint) == ("pending", 0, {"half": True})


async def test_R_OPS_7_a_job_that_always_kills_its_process_is_given_up(database: Database, tmp_path: Path) -> None:
    async with working(database, tmp_path, echo=_echo, max_attempts=2) as jobs:
        job = await jobs.submit("echo", {"say": "x"})
        await ended(jobs, job.id)
    async with database.session() as session:
        stored = await session.get(type(job), job.id)
        assert stored is not None
        stored.status, stored.attempts, stored.finished_at, stored.result = JobStatus.PROCESSING, 2, None, None
        stored.lease_expires_at = now_utc() - timedelta(seconds=1)
        await session.commit()
    async with working(database, tmp_path, echo=_echo, max_attempts=2) as jobs:
        record = await ended(jobs, job.id)
    assert record.job.error is not None
    assert record.job.error["code"] == "job_crashed"


async def test_R_OPS_7_an_expired_lease_lets_another_worker_take_the_job(database: Database, tmp_path: Path) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(job: RunningJob) -> dict[str, Any]:
        if job.attempt == 1:
            begun.set()
            await go_on.wait()
            await job.report(1, 1)
        return {"attempt": job.attempt}

    async with working(database, tmp_path, slow=slow) as jobs:
        job = await jobs.submit("slow", {})
        await begun.wait()
        async with database.session() as session:
            stored = await session.get(type(job), job.id)
            assert stored is not None
            stored.lease_expires_at = now_utc() - timedelta(seconds=1)
            await session.commit()
        # Another node.
        other = JobWorkers(database, tmp_path / "jobs", [Handler("slow", slow)], workers=1, max_attempts=3)
        database.is_sqlite = False
        await other.start()
        record = await ended(jobs, job.id)
        go_on.set()
        await asyncio.sleep(0.05)
        await other.stop()
        assert record.job.result == {"attempt": 2}
        assert (await jobs.get(job.id)).job.result == {"attempt": 2}


async def test_R_OPS_7_the_same_key_gives_the_same_job(database: Database, tmp_path: Path) -> None:
    async with working(database, tmp_path, echo=_echo) as jobs:
        first, second = await asyncio.gather(
            *(jobs.submit("echo", {"say": "x"}, idempotency_key="k", content_digest="d") for _ in range(2))
        )
        assert first.id == second.id
        with pytest.raises(IdempotencyError):
            await jobs.submit("echo", {"say": "x"}, idempotency_key="k", content_digest="other")
        with pytest.raises(IdempotencyError):
            await jobs.submit("echo", {"say": "y"}, idempotency_key="k", content_digest="d")
        page, _ = await jobs.page(None, None, None, 10)
    assert [job.id for job in page] == [first.id]


async def test_R_OPS_7_a_draft_that_is_not_submitted_leaves_nothing(database: Database, tmp_path: Path) -> None:
    async with working(database, tmp_path, echo=_echo) as jobs:
        with suppress(RuntimeError):
            async with jobs.draft() as draft:
                (draft.folder / "photo.jpg").write_bytes(b"x")
                raise RuntimeError
        assert list((tmp_path / "jobs").iterdir()) == []
        async with jobs.draft() as draft:
            (draft.folder / "photo.jpg").write_bytes(b"x")
            job = await jobs.submit("echo", {"say": "x"}, draft=draft)
        await ended(jobs, job.id)
        assert (jobs.folder_of(job.id) / "photo.jpg").read_bytes() == b"x"
        await jobs.delete(job.id)
        assert list((tmp_path / "jobs").iterdir()) == []
        with pytest.raises(JobNotFoundError):
            await jobs.get(job.id)


async def test_R_OPS_7_old_jobs_and_abandoned_folders_are_cleared_away(database: Database, tmp_path: Path) -> None:
    async with working(database, tmp_path, echo=_echo) as jobs:
        old, young = [await jobs.submit("echo", {"say": say}) for say in ("old", "young")]
        for job in (old, young):
            await ended(jobs, job.id)
        abandoned = tmp_path / "jobs" / "nobody's"
        abandoned.mkdir(parents=True)
        os.utime(abandoned, (0, 0))
        async with database.session() as session:
            stored = await session.get(type(old), old.id)
            assert stored is not None
            stored.finished_at = now_utc() - timedelta(days=8)
            await session.commit()
        clearing = asyncio.create_task(jobs.run_clearing())
        while abandoned.exists():
            await asyncio.sleep(0.01)
        clearing.cancel()
        page, _ = await jobs.page(None, None, None, 10)
    assert [job.id for job in page] == [young.id]


async def test_R_OPS_7_api_lists_cancels_retries_and_removes(database: Database, tmp_path: Path) -> None:
    async def items(job: RunningJob) -> dict[str, Any]:
        async with job.database.session() as session:
            for position in range(5):
                job.add_item(session, position, f"{position}.jpg", "failed" if position == 3 else "enrolled", {})
            await session.commit()
        await job.report(5, 5, message="done")
        return {"images": 5}

    async with AsyncExitStack() as stack:
        jobs = await stack.enter_async_context(working(database, tmp_path, items=items, echo=_echo))
        client = await stack.enter_async_context(called_by(principal("ada", Role.OPERATOR), jobs))
        job = await jobs.submit("items", {"folder": "x"})
        for say in "abc":
            await ended(jobs, (await jobs.submit("echo", {"say": say})).id)
        await ended(jobs, job.id)
        told = (await client.get(f"/api/v1/jobs/{job.id}")).json()["job"]
        assert told["status"] == "completed"
        assert told["progress"] == {"done": 5, "total": 5, "message": "done"}
        assert told["items"] == {"enrolled": 4, "failed": 1}
        assert told["result"] == {"images": 5}
        first = (await client.get("/api/v1/jobs", params={"limit": 3})).json()
        rest = (await client.get("/api/v1/jobs", params={"limit": 3, "cursor": first["next_cursor"]})).json()
        assert [len(first["jobs"]), len(rest["jobs"]), rest["next_cursor"]] == [3, 1, None]
        of_kind = (await client.get("/api/v1/jobs", params={"kind": "items", "status": "completed"})).json()["jobs"]
        assert [item["job_id"] for item in of_kind] == [job.id]
        page = (await client.get(f"/api/v1/jobs/{job.id}/items", params={"limit": 4})).json()
        last = (await client.get(f"/api/v1/jobs/{job.id}/items", params={"cursor": page["next_cursor"]})).json()
        assert [item["position"] for item in page["items"] + last["items"]] == [0, 1, 2, 3, 4]
        failed = (await client.get(f"/api/v1/jobs/{job.id}/items", params={"status": "failed"})).json()["items"]
        assert [item["name"] for item in failed] == ["3.jpg"]
        assert (await client.post(f"/api/v1/jobs/{job.id}/cancel")).json()["code"] == "job_state"
        assert (await client.delete(f"/api/v1/jobs/{job.id}")).status_code == 204
        for method, path in (("GET", ""), ("GET", "/items"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")):
            answer = await client.request(method, f"/api/v1/jobs/{job.id}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found"), (method, path)
        refused = await client.get("/api/v1/jobs", params={"status": "asleep"})
        assert refused.status_code == 422
        refused = await client.get("/api/v1/jobs", params={"cursor": first["next_cursor"], "kind": "items"})
        assert refused.json()["code"] == "cursor_invalid"


@pytest.mark.slow
def test_R_OPS_7_killed_at_random_moments_every_item_is_done_once(tmp_path: Path) -> None:
    moments = random.Random(3)
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, str(CRASHING), str(tmp_path)], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert process.stdout is not None
        stop_after = moments.randint(20, 60)
        for seen, _ in enumerate(process.stdout, start=1):
            if seen == stop_after and kills < 3:
                process.kill()
                kills += 1
        process.stdout.close()
        if process.wait() == 0:
            break
    with sqlite3.connect(tmp_path / "lianpu.db") as connection:
        effects = [row[0] for row in connection.execute("SELECT position FROM effects ORDER BY position")]
        status, attempts = connection.execute("SELECT status, attempts FROM jobs").fetchone()
    connection.close()
    assert kills == 3
    assert effects == list(range(200))
    assert (status, attempts) == ("completed", 4)
