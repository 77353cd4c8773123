"""Whose jobs are whose: everybody's own, everybody's for who manages jobs, and inference for its owner alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Role, Scope
from lianpu.database.session import Database
from lianpu.errors import IdempotencyError, JobNotFoundError
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job
from lianpu.jobs.ownership import INFERENCE
from tests.jobs.callers import called_by, principal
from tests.jobs.test_jobs import database, ended, working

pytestmark = pytest.mark.anyio
__all__ = ["database"]

ADA, BOB = principal("ada"), principal("bob")
OPERATOR, ADMIN = principal("olga", Role.OPERATOR), principal("root", Role.ADMIN)
SECRET = "what only its owner knows"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _infer(job: RunningJob) -> dict[str, Any]:
    async with job.database.session() as session:
        job.add_item(session, 0, SECRET, "failed", {"seen": SECRET})
        await session.commit()
    return {"output": SECRET}


async def _echo(job: RunningJob) -> dict[str, Any]:
    return dict(job.parameters)


@pytest.fixture
async def jobs(database: Database, tmp_path: Path) -> AsyncIterator[Jobs]:
    async with working(database, tmp_path, echo=_echo, **{INFERENCE: _infer}) as opened:
        yield opened


async def ids_seen_by(jobs: Jobs, caller: Principal) -> set[str]:
    """By the list, page by page."""
    found: set[str] = set()
    cursor = None
    while True:
        page, cursor = await jobs.seen_by(caller).page(None, None, cursor, 2)
        found |= {job.id for job in page}
        if cursor is None:
            return found


async def test_R_INF_3_others_jobs_are_not_there_for_a_viewer(jobs: Jobs) -> None:
    of = {
        caller.name: {(await jobs.seen_by(caller).submit("echo", {"n": n})).id for n in range(3)}
        for caller in (ADA, BOB, OPERATOR)
    }
    nobodys = (await jobs.submit("echo", {})).id
    assert await ids_seen_by(jobs, ADA) == of["ada"]
    assert await ids_seen_by(jobs, BOB) == of["bob"]
    assert await ids_seen_by(jobs, OPERATOR) == await ids_seen_by(jobs, ADMIN) == set().union(*of.values(), {nobodys})
    for job_id in of["ada"] | {nobodys}:
        await ended(jobs, job_id)
        async with called_by(BOB, jobs) as client:
            answers = [
                await client.get(f"/api/v1/jobs/{job_id}"),
                await client.get(f"/api/v1/jobs/{job_id}/items"),
                await client.post(f"/api/v1/jobs/{job_id}/cancel"),
                await client.post(f"/api/v1/jobs/{job_id}/retry"),
                await client.delete(f"/api/v1/jobs/{job_id}"),
            ]
            unknown = await client.get(f"/api/v1/jobs/{'0' * 36}")
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "job_not_found")}
        assert answers[0].json()["detail"].replace(job_id, "0" * 36) == unknown.json()["detail"]
        assert (await jobs.get(job_id)).job.id == job_id


async def test_R_INF_3_a_viewer_cancels_and_deletes_his_own(database: Database, tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def wait(job: RunningJob) -> dict[str, Any]:
        await go_on.wait()
        await job.report(1, 1)
        return {}

    async with working(database, tmp_path, **{INFERENCE: wait}) as jobs, called_by(ADA, jobs) as client:
        job = await jobs.seen_by(ADA).submit(INFERENCE, {})
        assert (await client.post(f"/api/v1/jobs/{job.id}/cancel")).status_code == 200
        go_on.set()
        assert (await ended(jobs, job.id)).job.status == "cancelled"
        assert (await client.post(f"/api/v1/jobs/{job.id}/retry")).status_code == 200
        assert (await ended(jobs, job.id)).job.status == "completed"
        assert (await client.delete(f"/api/v1/jobs/{job.id}")).status_code == 204
        with pytest.raises(JobNotFoundError):
            await jobs.get(job.id)


async def test_R_ACC_2_running_again_what_took_more_needs_jobs_manage(jobs: Jobs) -> None:
    """Somebody who was an operator, or a key that may only read jobs."""
    job = await jobs.seen_by(ADA).submit("echo", {})
    await ended(jobs, job.id)
    async with called_by(ADA, jobs) as client:
        refused = await client.post(f"/api/v1/jobs/{job.id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert refused.json()["required_scope"] == "jobs:manage"
    without = principal("kay", scopes=frozenset({Scope.IMAGES}))
    async with called_by(without, jobs) as client:
        for path in ("cancel", "retry"):
            assert (await client.post(f"/api/v1/jobs/{job.id}/{path}")).json()["required_scope"] == "jobs:read"


@pytest.mark.parametrize("other", [OPERATOR, ADMIN])
async def test_R_INF_1_inference_of_others_is_withheld_from_everybody(jobs: Jobs, other: Principal) -> None:
    job = await jobs.seen_by(ADA).submit(INFERENCE, {"image": SECRET})
    await ended(jobs, job.id)
    async with called_by(other, jobs) as client:
        texts = [
            (await client.get(path)).text
            for path in (f"/api/v1/jobs/{job.id}", "/api/v1/jobs", f"/api/v1/jobs/{job.id}/items")
        ]
        told = (await client.get(f"/api/v1/jobs/{job.id}")).json()["job"]
        again = (await client.post(f"/api/v1/jobs/{job.id}/retry")).text
        assert (await client.get(f"/api/v1/jobs/{job.id}/items")).json()["items"] == []
    assert all(job.id in text for text in texts[:2])
    assert SECRET not in "".join([*texts, again])
    assert (told["is_withheld"], told["parameters"], told["result"], told["items"]) == (True, {}, None, {})
    await ended(jobs, job.id)
    async with called_by(ADA, jobs) as client:
        own = (await client.get(f"/api/v1/jobs/{job.id}")).json()["job"]
        items = (await client.get(f"/api/v1/jobs/{job.id}/items")).json()["items"]
    assert (own["is_withheld"], own["parameters"], own["result"]) == (False, {"image": SECRET}, {"output": SECRET})
    assert items[0]["detail"] == {"seen": SECRET}


async def test_R_OPS_7_a_key_of_another_user_gives_nothing_away(jobs: Jobs) -> None:
    def submit(caller: Principal, say: str) -> Any:
        return jobs.seen_by(caller).submit("echo", {"say": say}, idempotency_key="the key")

    adas, bobs = await submit(ADA, "a"), await submit(BOB, "b")
    assert adas.id != bobs.id
    assert (await submit(ADA, "a")).id == adas.id
    assert (await submit(BOB, "b")).id == bobs.id
    with pytest.raises(IdempotencyError, match=adas.id):
        await submit(ADA, "b")
    # What is stored for somebody is no key of anybody else.
    assert adas.idempotency_key is not None
    same_text = await jobs.seen_by(BOB).submit("echo", {"say": "a"}, idempotency_key=adas.idempotency_key)
    assert same_text.id != adas.id
    of_admin = await jobs.seen_by(ADMIN).submit("echo", {"say": "a"}, idempotency_key=adas.idempotency_key)
    assert of_admin.id != adas.id


async def test_R_OPS_7_keys_from_before_there_were_accounts_keep_working(jobs: Jobs, database: Database) -> None:
    before = await jobs.submit("echo", {"say": "x"}, idempotency_key="k")
    async with database.session() as session:
        await session.execute(update(Job).where(Job.id == before.id).values(owner_id=None, idempotency_key="k"))
        await session.commit()
    again = await jobs.seen_by(OPERATOR).submit("echo", {"say": "x"}, idempotency_key="k")
    assert again.id == before.id
    with pytest.raises(IdempotencyError):
        await jobs.seen_by(OPERATOR).submit("echo", {"say": "y"}, idempotency_key="k")
    # Who may not see it gets a job of his own.
    assert (await jobs.seen_by(ADA).submit("echo", {"say": "x"}, idempotency_key="k")).id != before.id


async def test_R_ACC_2_what_a_job_has_made_keeps_its_own_scope(jobs: Jobs) -> None:
    made = await jobs.seen_by(OPERATOR).submit("echo", {"plot": 1})
    await ended(jobs, made.id)
    view = jobs.seen_by(ADA)
    assert (await view.of_kind("echo", made.id)).id == made.id
    assert [job.id for job in await view.completed("echo", 5)] == [made.id]
    with pytest.raises(JobNotFoundError):
        await view.of_kind(INFERENCE, made.id)
