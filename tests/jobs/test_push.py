"""The outbox of the jobs and its feed: what is written, in which order it is given out, and what a listener costs."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from lianpu.accounts.roles import Role
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import IdempotencyError
from lianpu.jobs import workers as workers_module
from lianpu.jobs.event_repository import JobEventRepository
from lianpu.jobs.events import JobEvents
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job, JobEvent, JobStatus
from lianpu.jobs.ownership import SERVER, Viewer
from lianpu.jobs.push import event_feed as event_feed_module
from lianpu.jobs.push import feed as feed_module
from lianpu.jobs.push.changes import Changes
from lianpu.jobs.push.feed import PushFeed
from lianpu.jobs.push.messages import (
    AuthMessage,
    ClosedMessage,
    HeartbeatMessage,
    JobMessage,
    PushedJob,
    ReadyMessage,
    ResetMessage,
)
from lianpu.jobs.push.subscription import (
    BAD_MESSAGE,
    HTTP_CODES,
    MESSAGE_TOO_LARGE,
    SERVER_ERROR,
    SERVER_STOPS,
    SLOW_CONSUMER,
    Frame,
    PushedChange,
    Subscription,
)
from lianpu.jobs.workers import JobWorkers
from tests.jobs.callers import principal
from tests.jobs.test_jobs import Handler, Run, database, ended

pytestmark = pytest.mark.anyio
__all__ = ["database"]

ADA, BOB = principal("ada"), principal("bob")
OPERATOR = Viewer.of(principal("olga", Role.OPERATOR))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _echo(job: RunningJob) -> dict[str, Any]:
    return dict(job.parameters)


@asynccontextmanager
async def pushing(
    database: Database, tmp_path: Path, *, queue_events: int = 256, workers: int = 2, **kinds: Run
) -> AsyncIterator[tuple[Jobs, PushFeed]]:
    events = JobEvents()
    handlers = [Handler(kind, run) for kind, run in kinds.items()]
    running = JobWorkers(database, tmp_path / "jobs", handlers, workers=workers, max_attempts=3, events=events)
    feed = PushFeed(database, events, Changes(), queue_events=queue_events)
    await feed.start()
    await running.start()
    try:
        yield Jobs(database, tmp_path / "jobs", running, retention_days=7), feed
    finally:
        await running.stop()
        await feed.stop(SERVER_STOPS)


async def written(database: Database) -> list[JobEvent]:
    async with database.session() as session:
        return list(await session.scalars(select(JobEvent).order_by(JobEvent.sequence)))


async def took(subscription: Subscription, count: int) -> list[dict[str, Any]]:
    """The next events; progress in between is left out."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += [json.loads(frame.text) for frame in await subscription.take() if frame.event_id is not None]
    return found


def states(messages: list[dict[str, Any]]) -> list[str]:
    return [message["job"]["status"] for message in messages]


async def test_R_OPS_7_every_change_of_a_status_is_noted_once_and_in_order(database: Database, tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def walk(job: RunningJob) -> dict[str, Any]:
        await go_on.wait()
        await job.report(1, 2, checkpoint={})
        return {}

    async with pushing(database, tmp_path, workers=1, walk=walk) as (jobs, _):
        first = await jobs.seen_by(ADA).submit("walk", {})
        second = await jobs.seen_by(BOB).submit("walk", {})
        while (await jobs.get(first.id)).job.status != JobStatus.PROCESSING:
            await asyncio.sleep(0.005)
        await jobs.cancel(second.id)
        await jobs.cancel(first.id)
        go_on.set()
        await ended(jobs, first.id)
        go_on.clear()
        await jobs.retry(first.id)
        while (await jobs.get(first.id)).job.status != JobStatus.PROCESSING:
            await asyncio.sleep(0.005)
    # An orderly end gave it back; a crash would have been found at the next start.
    async with database.session() as session:
        # On a server of several nodes it is another's until its lease is over.
        left = {"status": JobStatus.PROCESSING, "lease_expires_at": now_utc() - timedelta(seconds=1)}
        await session.execute(update(Job).where(Job.id == first.id).values(left))
        await session.commit()
    go_on.set()
    async with pushing(database, tmp_path, walk=walk) as (jobs, _):
        await ended(jobs, first.id)
    events = await written(database)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert {(event.job_id, event.owner_id, event.kind) for event in events} == {
        (first.id, ADA.id, "walk"),
        (second.id, BOB.id, "walk"),
    }
    assert [event.status for event in events if event.job_id == second.id] == ["pending", "cancelled"]
    assert [event.status for event in events if event.job_id == first.id] == [
        *("pending", "processing", "cancelled"),
        *("pending", "processing", "pending"),
        # SQLite has one process: what it finds at its start is nobody's, and is put back first.
        *(("pending",) if database.is_sqlite else ()),
        *("processing", "completed"),
    ]


async def test_R_OPS_7_what_was_not_committed_is_no_event_and_leaves_no_gap(database: Database, tmp_path: Path) -> None:
    async with pushing(database, tmp_path, echo=_echo) as (jobs, _):
        job = await jobs.submit("echo", {"n": 1}, idempotency_key="k")
        await ended(jobs, job.id)
        with pytest.raises(IdempotencyError):
            await jobs.submit("echo", {"n": 2}, idempotency_key="k")
        await ended(jobs, (await jobs.submit("echo", {})).id)
    assert [event.sequence for event in await written(database)] == [1, 2, 3, 4, 5, 6]


async def test_R_INF_3_each_listener_gets_what_is_his(database: Database, tmp_path: Path) -> None:
    async with pushing(database, tmp_path, echo=_echo, other=_echo) as (jobs, feed):
        with (
            feed.subscription(Viewer.of(ADA), None) as adas,
            feed.subscription(Viewer.of(BOB), None) as bobs,
            feed.subscription(OPERATOR, None) as everybodys,
            feed.subscription(OPERATOR, "other") as of_kind,
        ):
            submitted = [await jobs.seen_by(who).submit("echo", {}) for who in (ADA, BOB, ADA)]
            nobodys = await jobs.submit("other", {})
            seen = await took(everybodys, 12)
            assert [message["event_id"] for message in seen] == list(range(1, 13))
            own = {job.id for job in submitted if job.owner_id == ADA.id}
            assert {message["job"]["job_id"] for message in await took(adas, 6)} == own
            assert states(await took(bobs, 3)) == ["pending", "processing", "completed"]
            assert {message["job"]["job_id"] for message in await took(of_kind, 3)} == {nobodys.id}
            assert [one.waiting for one in (adas, bobs, everybodys, of_kind)] == [0, 0, 0, 0]
        assert feed.subscriptions == frozenset()


async def test_R_OPS_7_progress_is_told_seldom_the_newest_only_and_never_after_the_end(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "PROGRESS_INTERVAL_S", 0.02)

    async def count(job: RunningJob) -> dict[str, Any]:
        for step in range(300):
            await job.report(step, 300, message=f"step {step}", checkpoint={})
        return {}

    async with pushing(database, tmp_path, count=count) as (jobs, feed):
        with feed.subscription(SERVER, None) as subscription:
            job = await jobs.submit("count", {})
            told: list[dict[str, Any]] = []
            while not told or told[-1]["job"]["status"] != "completed":
                told += [json.loads(frame.text) for frame in await subscription.take()]
            with suppress(TimeoutError):
                told += [json.loads(frame.text) for frame in await asyncio.wait_for(subscription.take(), 0.1)]
    progress = [message for message in told if "event_id" not in message]
    done = [message["job"]["done"] for message in progress]
    assert 1 <= len(progress) < 150
    assert done == sorted(set(done))
    assert all(message["job"]["message"] == f"step {message['job']['done']}" for message in progress)
    assert {(message["job"]["job_id"], message["job"]["status"]) for message in progress} == {(job.id, "processing")}
    assert "event_id" in told[-1]
    assert (await jobs.get(job.id)).job.done == 299


def change(number: int | None, owner: str = ADA.id, job_id: str = "j") -> PushedChange:
    frame = Frame("job", f"{number}", number)
    return PushedChange(job_id, "echo", owner, number, frame, frame)


async def test_R_OPS_7_a_listener_that_does_not_read_is_let_go_and_holds_nothing() -> None:
    subscription = Subscription(Viewer.of(ADA), None, since=0, queue_events=5)
    for number in range(1, 6):
        subscription.offer(change(number))
        for _ in range(100):
            subscription.offer(change(None))
    # One progress of the one job beside the five events.
    assert subscription.waiting == 6
    subscription.offer(change(6))
    assert await subscription.ended() == SLOW_CONSUMER
    assert subscription.waiting == 0
    subscription.offer(change(7))
    assert subscription.waiting == 0
    subscription.end(SERVER_STOPS)
    assert await subscription.ended() == SLOW_CONSUMER


async def test_R_OPS_7_progress_gives_way_to_the_event_that_it_led_to() -> None:
    subscription = Subscription(Viewer.of(ADA), None, since=0, queue_events=5)
    subscription.offer(change(None))
    subscription.offer(change(None, job_id="other"))
    subscription.offer(change(1))
    subscription.beat()
    assert [(frame.type, frame.event_id) for frame in await subscription.take()] == [
        ("job", 1),
        ("job", None),
        ("heartbeat", None),
    ]


@pytest.fixture
async def history(database: Database, tmp_path: Path) -> tuple[Database, list[tuple[int, str | None, str]]]:
    """Some 60 events of two owners and of nobody."""
    async with pushing(database, tmp_path, echo=_echo, other=_echo) as (jobs, _):
        for number in range(20):
            view = jobs if number % 5 == 4 else jobs.seen_by((ADA, BOB)[number % 2])
            await ended(jobs, (await view.submit(("echo", "other")[number % 3 == 0], {})).id)
    return database, [(event.sequence, event.owner_id, event.kind) for event in await written(database)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(after=st.integers(0, 60), page=st.integers(1, 70), who=st.sampled_from(["ada", "all"]), kind=st.booleans())
async def test_R_INF_3_what_was_missed_comes_once_and_whole(
    history: tuple[Database, list[tuple[int, str | None, str]]], after: int, page: int, who: str, kind: bool
) -> None:
    database, events = history
    viewer = OPERATOR if who == "all" else Viewer.of(ADA)
    feed = PushFeed(database, JobEvents(), Changes(), queue_events=9)
    await feed.start()
    with (
        pytest.MonkeyPatch.context() as patch,
        feed.subscription(viewer, "other" if kind else None) as subscription,
    ):
        patch.setattr(event_feed_module, "PAGE", page)
        missed = [change.event_id async for change in feed.missed(subscription, after)]
        assert await feed.is_kept_after(after)
    await feed.stop(SERVER_STOPS)
    assert missed == [
        sequence
        for sequence, owner, of_kind in events
        if sequence > after and viewer.sees(owner) and (not kind or of_kind == "other")
    ]


async def test_R_OPS_7_who_comes_while_events_are_written_misses_none(database: Database, tmp_path: Path) -> None:
    async with pushing(database, tmp_path, echo=_echo) as (jobs, feed):
        submitted = 0

        async def submit() -> None:
            nonlocal submitted
            for _ in range(40):
                await jobs.submit("echo", {})
                submitted += 1

        async def listen(number: int) -> tuple[int, list[int]]:
            while submitted < 2 * number:
                await asyncio.sleep(0.001)
            with feed.subscription(SERVER, None) as subscription:
                since = subscription.since
                missed = [change.event_id or 0 async for change in feed.missed(subscription, 0)]
                live = await took(subscription, 120 - since)
            return since, missed + [message["event_id"] for message in live]

        results = await asyncio.gather(submit(), *(listen(number) for number in range(20)))
    heard = [result for result in results if result is not None]
    assert [ids for _, ids in heard] == [list(range(1, 121))] * 20
    # They came at different moments.
    assert len({since for since, _ in heard}) > 1


async def test_R_OPS_7_events_that_cannot_be_read_are_given_out_later(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_feed_module, "RETRY_S", 0.01)
    read = feed_module.JobEventRepository.events
    failures = iter([OperationalError("SELECT", {}, Exception("away"))] * 3)

    async def away(*arguments: Any, **options: Any) -> Any:
        for failure in failures:
            raise failure
        return await read(*arguments, **options)

    monkeypatch.setattr(feed_module.JobEventRepository, "events", away)
    async with pushing(database, tmp_path, echo=_echo) as (jobs, feed):
        with feed.subscription(SERVER, None) as subscription:
            await jobs.submit("echo", {})
            told = await took(subscription, 3)
    assert [message["event_id"] for message in told] == [1, 2, 3]
    assert "events of jobs cannot be read" in caplog.text


async def test_R_OPS_7_old_events_go_and_who_was_away_longer_is_told(database: Database, tmp_path: Path) -> None:
    async with pushing(database, tmp_path, echo=_echo) as (jobs, feed):
        for _ in range(4):
            await ended(jobs, (await jobs.submit("echo", {})).id)
        async with database.session() as session:
            await session.execute(
                update(JobEvent).where(JobEvent.sequence <= 7).values(at=now_utc() - timedelta(hours=25))
            )
            await session.commit()
        clearing = asyncio.create_task(jobs.run_clearing())
        while len(await written(database)) > 5:
            await asyncio.sleep(0.01)
        clearing.cancel()
        assert [event.sequence for event in await written(database)] == [8, 9, 10, 11, 12]
        kept = {number: await feed.is_kept_after(number) for number in (0, 6, 7, 11, 12, 13)}
        assert kept == {0: False, 6: False, 7: True, 11: True, 12: True, 13: False}
        async with database.session() as session:
            await session.execute(text("DELETE FROM job_events"))
            await session.commit()
        assert [await feed.is_kept_after(number) for number in (11, 12)] == [False, True]
        # What was given out is not given out again.
        await ended(jobs, (await jobs.submit("echo", {})).id)
    assert [event.sequence for event in await written(database)] == [13, 14, 15]


async def told_after(feed: PushFeed, sequence: int, count: int) -> list[dict[str, Any]]:
    """The jobs in so many messages; the feed may read the last of them a moment after the job has ended."""
    for _ in range(500):
        with feed.subscription(SERVER, None) as subscription:
            told = [json.loads(one.frame.text)["job"] async for one in feed.missed(subscription, sequence)]
        if len(told) >= count:
            break
        await asyncio.sleep(0.01)
    return told


async def test_R_OPS_7_an_event_tells_the_job_as_it_was(database: Database, tmp_path: Path) -> None:
    async def refuse(job: RunningJob) -> dict[str, Any]:
        if (tmp_path / "mended").exists():
            return {}
        raise IdempotencyError("No.")

    async with pushing(database, tmp_path, refuse=refuse) as (jobs, feed):
        job = await jobs.submit("refuse", {})
        failed = await ended(jobs, job.id)
        told = await told_after(feed, 0, 3)
        assert [(one["status"], one["error"] is None, one["finished_at"] is None) for one in told] == [
            ("pending", True, True),
            ("processing", True, True),
            ("failed", False, False),
        ]
        assert told[2]["error"]["code"] == "idempotency_key_reused"
        assert failed.job.finished_at is not None
        assert told[2]["finished_at"] == failed.job.finished_at.isoformat().replace("+00:00", "Z")
        (tmp_path / "mended").touch()
        await jobs.retry(job.id)
        await ended(jobs, job.id)
        told = await told_after(feed, 2, 4)
        assert [one["status"] for one in told] == ["failed", "pending", "processing", "completed"]
        with feed.subscription(SERVER, None) as subscription:
            await jobs.delete(job.id)
            assert [one async for one in feed.missed(subscription, 0)] == []


async def test_R_OPS_7_no_wake_up_is_lost(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs at a time that wait for each other; the next two come while the workers look for work."""
    monkeypatch.setattr(workers_module, "IDLE_S", 3600)
    chance, rounds = random.Random(5), 80
    begun: dict[int, asyncio.Event] = {}
    done: asyncio.Queue[int] = asyncio.Queue()
    both = asyncio.Barrier(2)

    async def meet(job: RunningJob) -> dict[str, Any]:
        await both.wait()
        begun[job.parameters["round"]].set()
        return {}

    async with pushing(database, tmp_path, meet=meet) as (jobs, _):

        async def submit(number: int) -> None:
            begun[number] = asyncio.Event()
            for _ in range(2):
                await asyncio.sleep(chance.uniform(0, 0.003))
                await jobs.submit("meet", {"round": number})
            await begun[number].wait()
            done.put_nowait(number)

        for number in range(rounds):
            async with asyncio.timeout(10):
                await submit(number)
                await done.get()


async def test_R_INF_3_who_comes_while_nobody_listens_is_owed_what_was_not_given_out(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pushing(database, tmp_path) as (_, feed):
        with ExitStack() as stack:
            subscriptions: list[Subscription] = []

            class Meanwhile(JobEventRepository):
                async def head(self) -> int:
                    found = await super().head()
                    if found == 1 and not subscriptions:
                        subscriptions.append(stack.enter_context(feed.subscription(SERVER, None)))
                    return found

            monkeypatch.setattr(feed_module, "JobEventRepository", Meanwhile)
            async with database.session() as session:
                job = Job(kind="echo", parameters={})
                session.add(job)
                await session.flush()
                await JobEvents().note(session, job, JobStatus.PENDING)
                await session.commit()
            feed.wake()
            while not subscriptions:
                await asyncio.sleep(0.005)
            assert [message["event_id"] for message in await took(subscriptions[0], 1)] == [1]


async def test_R_INF_3_what_is_written_meanwhile_is_not_taken_for_missing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = asyncio.current_task()
    async with pushing(database, tmp_path, echo=_echo) as (jobs, feed):

        class Beside(JobEventRepository):
            """Somebody writes after each statement of this test; the feed's own would write for ever."""

            async def head(self) -> int:
                found = await super().head()
                await self._write()
                return found

            async def oldest(self) -> int | None:
                found = await super().oldest()
                await self._write()
                return found

            async def _write(self) -> None:
                if asyncio.current_task() is here:
                    await ended(jobs, (await jobs.submit("echo", {})).id)

        with monkeypatch.context() as patch:
            patch.setattr(feed_module, "JobEventRepository", Beside)
            assert await feed.is_kept_after(0)
            assert await feed.is_kept_after(3)
            assert not await feed.is_kept_after(99)


def test_R_OPS_5_the_documented_messages_are_those_that_are_sent() -> None:
    page = (Path(__file__).parents[2] / "docs" / "push.md").read_text(encoding="utf-8")
    known = {"auth": AuthMessage, "ready": ReadyMessage, "job": JobMessage, "heartbeat": HeartbeatMessage}
    known |= {"reset": ResetMessage, "closed": ClosedMessage}
    shown = [json.loads(block) for block in re.findall(r"```json\n(.+?)```", page, re.DOTALL)]
    assert {message["type"] for message in shown} == known.keys()
    for message in shown:
        model = known[message["type"]]
        if model is not AuthMessage:  # whose token is not shown whole
            assert json.loads(model.model_validate(message).model_dump_json()).keys() == message.keys()
            if model is JobMessage:
                assert PushedJob.model_validate(message["job"]).model_fields_set == PushedJob.model_fields.keys()
    for code in (BAD_MESSAGE, *(HTTP_CODES + status for status in (401, 403, 429))):
        assert f"| {code} |" in page
    for ending in (SLOW_CONSUMER, MESSAGE_TOO_LARGE, SERVER_ERROR, SERVER_STOPS):
        assert f"| {ending.code} | `{ending.reason}`" in page
