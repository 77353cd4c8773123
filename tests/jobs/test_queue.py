"""R-OPS 2: how workers hear of jobs, in one process, between nodes, and through both kinds of brokers."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from kombu import Connection

from lianpu.jobs.celery_queue import CeleryQueue
from lianpu.jobs.queue import JobQueue, TableQueue
from lianpu.nodes.redis_bus import RedisBus
from lianpu.observability.instruments import Instruments, current_instruments, measure_with
from tests.redis_server import NOTHING_KEPT, redis_server, unused_port

pytestmark = pytest.mark.anyio
RABBITMQ = ("127.0.0.1", 5672)
RABBITMQ_URL = "amqp://guest:guest@127.0.0.1:5672//"
MakeQueue = Callable[[], Awaitable[JobQueue]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["alone", "bus", "redis", pytest.param("rabbitmq", marks=pytest.mark.servers)])
async def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[JobQueue, JobQueue]]:
    """The queue of a node that announces, and of one that takes; alone: the same."""
    name = f"lianpu.test.{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        if request.param == "alone":
            queue = TableQueue()
            queues: list[JobQueue] = [queue, queue]
        elif request.param == "rabbitmq":
            with socket.socket() as probe:
                if probe.connect_ex(RABBITMQ):
                    pytest.skip("no RabbitMQ on its standard port")
            queues = [CeleryQueue(RABBITMQ_URL, queue=name) for _ in range(2)]
        else:
            url = stack.enter_context(redis_server(tmp_path, *NOTHING_KEPT))
            if request.param == "redis":
                queues = [CeleryQueue(url, queue=name) for _ in range(2)]
            else:
                buses = [RedisBus(url) for _ in range(2)]
                for bus in buses:
                    await bus.start()
                    stack.push_async_callback(bus.close)
                queues = [TableQueue(bus) for bus in buses]
        yield queues[0], queues[1]
        for queue in queues:
            await queue.close()
        if request.param == "rabbitmq":
            with Connection(RABBITMQ_URL) as connection:
                connection.default_channel.queue_delete(name)
                connection.default_channel.exchange_delete(name)


async def _until(is_so: Callable[[], bool], *, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.01)


class Taker:
    def __init__(self) -> None:
        self.taken: list[str] = []
        self.at_once = self.most_at_once = 0
        self.holds = asyncio.Event()
        self.holds.set()

    async def __call__(self, job_id: str) -> None:
        self.taken.append(job_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.holds.wait()
        finally:
            self.at_once -= 1


async def test_R_OPS_2_what_is_announced_is_taken_on_another_node(nodes: tuple[JobQueue, JobQueue]) -> None:
    announcing, taking = nodes
    taker = Taker()
    assert not taking.is_taking
    await taking.start(taker, concurrency=2)
    assert taking.is_taking
    announcing.announce("first")
    await _until(lambda: "first" in taker.taken)
    for number in range(20):
        announcing.announce(str(number))
    await _until(lambda: set(taker.taken) >= {str(number) for number in range(20)})
    await taking.stop()
    assert not taking.is_taking


@pytest.mark.parametrize("nodes", ["bus", "redis", pytest.param("rabbitmq", marks=pytest.mark.servers)], indirect=True)
async def test_R_OPS_2_what_is_taken_is_measured_by_the_platform_that_takes_it(
    nodes: tuple[JobQueue, JobQueue],
) -> None:
    announcing, taking = nodes
    instruments = Instruments()
    found: list[Instruments | None] = []

    async def take(_: str) -> None:
        found.append(current_instruments())

    measure_with(instruments)
    try:
        await taking.start(take, concurrency=1)
    finally:
        measure_with(None)
    announcing.announce("first")
    await _until(lambda: bool(found))
    await taking.stop()
    assert found[0] is instruments


@pytest.mark.parametrize("nodes", ["redis", pytest.param("rabbitmq", marks=pytest.mark.servers)], indirect=True)
async def test_R_OPS_2_a_broker_gives_a_worker_no_more_than_it_runs_and_what_it_did_not_end_to_another(
    nodes: tuple[JobQueue, JobQueue],
) -> None:
    first, second = nodes
    slow, quick = Taker(), Taker()
    slow.holds.clear()
    await first.start(slow, concurrency=2)
    for number in range(6):
        second.announce(str(number))
    await _until(lambda: slow.at_once == 2)
    # Nobody else is there, and still the others stay with the broker.
    await asyncio.sleep(0.2)
    assert len(slow.taken) == 2
    await first.stop()
    assert slow.at_once == 0
    await second.start(quick, concurrency=2)
    await _until(lambda: set(quick.taken) == {str(number) for number in range(6)})


@pytest.mark.slow
async def test_R_OPS_2_a_broker_that_is_away_refuses_nothing_and_is_found_again(tmp_path: Path) -> None:
    port = unused_port()
    queue, taker = CeleryQueue(f"redis://127.0.0.1:{port}/0"), Taker()
    queue.announce("lost")
    await queue.start(taker, concurrency=1)
    with redis_server(tmp_path, *NOTHING_KEPT, port=port):
        async with asyncio.timeout(20):
            while "heard" not in taker.taken:
                queue.announce("heard")
                await asyncio.sleep(0.2)
    await queue.close()


async def test_R_OPS_4_the_broker_is_the_one_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("CELERY_BROKER_READ_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "redis://127.0.0.1:9/0")
    app = CeleryQueue("redis://127.0.0.1:10/0")._app
    for connection in (app.connection_for_read(), app.connection_for_write()):
        assert connection.port == 10
