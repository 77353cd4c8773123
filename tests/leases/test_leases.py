"""R-OPS 2: leases: one holder of an epoch, taken over when they run out, and nothing written under an old one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, literal, select

from lianpu.database.base import UtcDateTime, now_utc
from lianpu.database.clock import database_now
from lianpu.database.session import Database
from lianpu.errors import LeaseLostError
from lianpu.leases.alone import run_alone
from lianpu.leases.leases import LEASE_S, HeldLease, Leases

pytestmark = pytest.mark.anyio
NODES = 3


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class MovingClock:
    """A database's clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self, after_s: float) -> ColumnElement[datetime]:
        return literal(self.now + timedelta(seconds=after_s), UtcDateTime())


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def local(sqlite_url: str) -> AsyncIterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    await opened.close()


async def _may_write(database: Database, lease: HeldLease) -> bool:
    async with database.session() as session:
        try:
            await lease.fence(session)
        except LeaseLostError:
            return False
        return True


async def test_R_OPS_2_the_clock_of_statements_is_the_moment_in_utc(database: Database) -> None:
    async with database.session() as session:
        now, later = (await session.execute(select(database_now(), database_now(12.5)))).one()
    assert abs((now - now_utc()).total_seconds()) < 5
    assert later - now == pytest.approx(timedelta(seconds=12.5), abs=timedelta(seconds=1))
    assert isinstance(now, datetime)
    assert now.tzinfo is not None


STEPS = st.one_of(
    st.tuples(st.sampled_from(["take", "renew", "give_back", "forget"]), st.integers(0, NODES - 1)),
    st.tuples(st.just("clock"), st.integers(-60, 60)),
)


async def _do(step: str, node: Leases, name: str, had: list[HeldLease], given_back: set[int]) -> None:
    if step == "take":
        lease = await node.take(name)
        had += [] if lease is None else [lease]
    elif step == "renew":
        await node.renew()
    for lease in list(node.held):
        if step == "give_back":
            await node.give_back(lease)
            given_back.add(lease.epoch)
        elif step == "forget":
            node.forget(lease)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=25))
async def test_R_OPS_2_whatever_the_clock_does_no_two_nodes_ever_have_one_epoch(
    local: Database, steps: list[tuple[str, int]]
) -> None:
    clock = MovingClock()
    nodes = [Leases(local, node=f"node {number}", clock=clock) for number in range(NODES)]
    name = f"stream-{now_utc().isoformat()}"
    await nodes[0].make(name)
    had: list[HeldLease] = []
    given_back: set[int] = set()
    for step, number in steps:
        if step == "clock":
            clock.now += timedelta(seconds=number)
        else:
            await _do(step, nodes[number], name, had, given_back)
        epochs = [lease.epoch for lease in had]
        assert epochs == sorted(set(epochs))
        # Only the last one may still write, and nobody does after it was given back.
        old = had[:-1] if not had or had[-1].epoch not in given_back else had
        assert not any([await _may_write(local, lease) for lease in old])
    for node in nodes:
        for lease in node.held:
            node.forget(lease)


async def test_R_OPS_2_of_many_who_take_at_once_one_gets_it_and_the_next_when_it_is_given_back(
    database: Database,
) -> None:
    nodes = [Leases(database, node=f"node {number}") for number in range(8)]
    await asyncio.gather(*(node.make("delivery") for node in nodes))
    taken = [lease for lease in await asyncio.gather(*(node.take("delivery") for node in nodes)) if lease is not None]
    assert [lease.epoch for lease in taken] == [1]
    assert await _may_write(database, taken[0])
    holder = next(node for node in nodes if node.held)
    await holder.renew()
    assert taken[0].is_held
    await holder.give_back(taken[0])
    again = [lease for lease in await asyncio.gather(*(node.take("delivery") for node in nodes)) if lease is not None]
    assert [lease.epoch for lease in again] == [2]
    assert [node.takeovers for node in nodes] == [0] * 8


async def test_R_OPS_2_a_lease_that_was_not_renewed_is_taken_over_and_its_old_holder_learns_of_it(
    database: Database,
) -> None:
    clock = MovingClock()
    one, other = (Leases(database, node=node, clock=clock) for node in ("one", "other"))
    lost: list[HeldLease] = []
    await one.make("stream")
    old = await one.take("stream", lost.append)
    assert old is not None
    assert await other.take("stream") is None
    clock.now += timedelta(seconds=LEASE_S - 1)
    await one.renew()
    clock.now += timedelta(seconds=LEASE_S - 1)
    assert await other.take("stream") is None
    clock.now += timedelta(seconds=2)
    # Out of time, and nobody has taken it: nothing is written, but it can be renewed.
    assert not await _may_write(database, old)
    await one.renew()
    assert await _may_write(database, old)
    clock.now += timedelta(seconds=LEASE_S + 1)
    new = await other.take("stream")
    assert new is not None
    assert (new.epoch, other.takeovers) == (2, 1)
    assert not await _may_write(database, old)
    assert lost == []
    await one.renew()
    assert lost == [old]
    assert not old.is_held
    # Who comes late gives nothing away.
    await one.give_back(old)
    assert await _may_write(database, new)
    async with database.session() as session:
        with pytest.raises(LeaseLostError):
            await one.remove(session, old)


async def test_R_OPS_2_a_holder_who_cannot_renew_gives_up_before_others_may_take_over(
    local: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianpu.leases.leases.STOPPING_S", LEASE_S - 0.2)
    leases = Leases(local, node="one")
    await leases.make("stream")
    lost: list[HeldLease] = []
    lease = await leases.take("stream", lost.append)
    assert lease is not None
    async with asyncio.timeout(5):
        await lease.lost.wait()
    assert lost == [lease]
    assert not lease.is_held
    assert list(leases.held) == []
    async with local.session() as session:
        with pytest.raises(LeaseLostError):
            await lease.fence(session)


async def test_R_OPS_2_what_one_node_alone_does_goes_on_elsewhere_when_it_stops(
    local: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianpu.leases.alone.TAKE_S", 0.02)
    nodes = [Leases(local, node=f"node {number}") for number in range(3)]
    working: list[str] = []

    async def work(node: Leases) -> None:
        working.append(node.node)
        try:
            await asyncio.Event().wait()
        finally:
            working.remove(node.node)

    tasks = {node.node: asyncio.create_task(run_alone(node, "work", lambda node=node: [work(node)])) for node in nodes}
    for left in (3, 2, 1):
        async with asyncio.timeout(10):
            while not working:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert len(working) == 1
        assert len(tasks) == left
        task = tasks.pop(working[0])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert working == []
