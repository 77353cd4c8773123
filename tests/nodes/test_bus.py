"""R-OPS 2: what nodes tell each other, in one process and through Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis.asyncio.client import PubSub

from lianpu.nodes.bus import MISSED, Bus, LocalBus, Subscription
from lianpu.nodes.redis_bus import RedisBus
from tests.redis_server import NOTHING_KEPT, redis_server, unused_port

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["local", "redis"])
async def ends(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Bus, Bus]]:
    """Who publishes, and who listens."""
    if request.param == "local":
        bus = LocalBus()
        yield bus, bus
        return
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        one, other = RedisBus(url), RedisBus(url)
        await one.start()
        await other.start()
        yield one, other
        await one.close()
        await other.close()


async def heard(subscription: Subscription, count: int) -> list[bytes]:
    async with asyncio.timeout(10):
        return [await anext(subscription) for _ in range(count)]


async def test_R_OPS_2_messages_come_in_order_to_all_who_listen_to_the_channel(ends: tuple[Bus, Bus]) -> None:
    sender, receiver = ends
    async with receiver.subscribe("jobs") as one, receiver.subscribe("jobs") as two, receiver.subscribe("x") as other:
        for number in range(100):
            assert await sender.publish("jobs", b"%d" % number)
        await sender.publish("x", b"elsewhere")
        expected = [b"%d" % number for number in range(100)]
        assert await heard(one, 100) == await heard(two, 100) == expected
        assert await heard(other, 1) == [b"elsewhere"]


async def test_R_OPS_2_who_has_left_hears_nothing_and_is_not_counted(ends: tuple[Bus, Bus]) -> None:
    sender, receiver = ends
    assert await sender.listeners("jobs") == 0
    async with receiver.subscribe("jobs"):
        assert await sender.listeners("jobs") == 1
    async with receiver.subscribe("jobs") as again:
        await sender.publish("jobs", b"new")
        assert await heard(again, 1) == [b"new"]
    assert await sender.listeners("jobs") == 0


async def test_R_OPS_2_a_slow_reader_gets_the_newest_or_is_told_that_he_missed_some(ends: tuple[Bus, Bus]) -> None:
    sender, receiver = ends
    async with (
        receiver.subscribe("frames", waiting_max=1) as newest,
        receiver.subscribe("frames", waiting_max=3) as some,
        receiver.subscribe("end") as end,
    ):
        for number in range(5):
            await sender.publish("frames", b"%d" % number)
        await sender.publish("end", b"all")
        await heard(end, 1)
        assert await heard(newest, 1) == [b"4"]
        assert await heard(some, 3) == [MISSED, b"3", b"4"]


async def test_R_OPS_2_a_redis_that_was_away_is_found_again_and_who_follows_is_told(tmp_path: Path) -> None:
    port = unused_port()
    bus = RedisBus(f"redis://127.0.0.1:{port}/0")
    await bus.start()
    try:
        assert not await bus.publish("jobs", b"lost")
        assert await bus.listeners("jobs") == 0
        async with bus.subscribe("jobs") as subscription:
            for _ in range(2):
                with redis_server(tmp_path, *NOTHING_KEPT, port=port):
                    assert await heard(subscription, 1) == [MISSED]
                    assert await bus.publish("jobs", b"new")
                    assert await heard(subscription, 1) == [b"new"]
                assert not await bus.publish("jobs", b"lost")
    finally:
        await bus.close()


async def test_R_OPS_2_installations_that_share_a_redis_do_not_hear_each_other(tmp_path: Path) -> None:
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        one, other = RedisBus(url), RedisBus(url, key_prefix="second:")
        await one.start()
        await other.start()
        async with one.subscribe("jobs") as subscription:
            await other.publish("jobs", b"theirs")
            await one.publish("jobs", b"ours")
            assert await heard(subscription, 1) == [b"ours"]
        await one.close()
        await other.close()


async def test_R_OPS_2_who_is_cancelled_does_not_go_on_although_the_client_loses_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus = RedisBus(f"redis://127.0.0.1:{unused_port()}/0")
    connecting = asyncio.Event()

    async def publish(*_: object) -> None:
        """As the client does where it connects: what interrupted it is told as a connection that failed."""
        connecting.set()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise ConnectionError from None

    monkeypatch.setattr(bus._redis, "publish", publish)

    async def tell_for_ever() -> None:
        while True:
            await bus.publish("jobs", b"new")

    task = asyncio.create_task(tell_for_ever())
    async with asyncio.timeout(10):
        await connecting.wait()
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    await bus.close()


async def test_R_OPS_2_a_bus_closes_although_its_client_loses_that_it_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = asyncio.Event()

    async def get_message(*_: object, **__: object) -> None:
        """As the client does where it connects anew: what interrupted it is forgotten, and it goes on."""
        reading.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    monkeypatch.setattr(PubSub, "get_message", get_message)
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        bus = RedisBus(url)
        await bus.start()
        async with asyncio.timeout(20):
            await reading.wait()
            await bus.close()


async def test_R_OPS_2_who_is_told_to_end_may_still_tell_others_all_there_is(tmp_path: Path) -> None:
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        one, other = RedisBus(url), RedisBus(url)
        await one.start()
        await other.start()

        async def wait_and_tell() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                for number in range(3):
                    await one.publish("streams", b"%d" % number)

        async with other.subscribe("streams") as subscription:
            task = asyncio.create_task(wait_and_tell())
            await asyncio.sleep(0)
            task.cancel()
            assert await heard(subscription, 3) == [b"0", b"1", b"2"]
        await asyncio.wait({task})
        assert task.cancelled()
        await one.close()
        await other.close()
