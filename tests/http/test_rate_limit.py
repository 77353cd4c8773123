"""Counting: in this process, in a real Redis, and what happens when that Redis goes away."""

import logging
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from limits import parse

from lianpu.errors import RateLimitedError
from lianpu.http.client_address import client_address, client_group
from lianpu.http.counters import Counters
from lianpu.http.rate_limit import RateLimits

pytestmark = pytest.mark.anyio
REDIS = "redis://127.0.0.1:6379/15"
NOBODY = "redis://:top-secret-password@127.0.0.1:1/0"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def redis_prefix() -> AsyncIterator[str]:
    """A prefix of keys of our own, cleared away afterwards; skips without a Redis."""
    redis = pytest.importorskip("redis.asyncio")
    client = redis.Redis.from_url(REDIS, socket_connect_timeout=1)
    prefix = f"lianpu-test:{secrets.token_hex(8)}"
    try:
        try:
            await client.ping()
        except redis.RedisError as error:
            pytest.skip(f"no Redis at {REDIS}: {type(error).__name__}")
        yield prefix
        async for key in client.scan_iter(match=f"*{prefix}*"):
            await client.delete(key)
    finally:
        await client.aclose()


async def _behaves(counters: Counters) -> None:
    item = parse("3/day")
    assert [await counters.hit(item, "a") for _ in range(3)] == [None, None, None]
    wait_s = await counters.hit(item, "a")
    assert wait_s is not None
    assert 0 <= wait_s <= 24 * 3600
    assert await counters.hit(item, "b") is None
    assert [await counters.add("n", 60), await counters.add("n", 60), await counters.add("n", 60, -1)] == [1, 2, 1]
    assert await counters.value("n") == 1
    assert 50 < await counters.expires_in_s("n") <= 60
    await counters.clear("n", "never")
    assert (await counters.value("n"), await counters.expires_in_s("n")) == (0, 0)


async def test_R_ACC_4_counted_in_this_process() -> None:
    await _behaves(Counters())


async def test_R_ACC_4_counted_in_redis_for_all_nodes(redis_prefix: str) -> None:
    one, other = (Counters(REDIS, key_prefix=redis_prefix) for _ in range(2))
    try:
        await _behaves(one)
        assert await one.add("shared", 60) == 1
        assert await other.add("shared", 60) == 2
        assert await other.hit(parse("3/day"), "a") is not None
    finally:
        await one.close()
        await other.close()


async def test_R_ACC_4_without_its_redis_each_node_counts_by_itself_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counters = Counters(NOBODY)
    with caplog.at_level(logging.WARNING):
        await _behaves(counters)
    await counters.close()
    said = [record for record in caplog.records if record.name == "lianpu.http.counters"]
    assert [record.getMessage() for record in said] == ["Redis does not answer: limits are counted by each node alone"]
    assert "top-secret" not in caplog.text
    assert "top-secret" not in str([record.__dict__ for record in said])


async def test_R_ACC_4_redis_that_comes_back_is_used_again(
    redis_prefix: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lianpu.http.counters.REDIS_AGAIN_AFTER_S", 0)
    counters = Counters(REDIS, key_prefix=redis_prefix)
    redis: Any = counters._redis
    assert await counters.add("n", 60) == 1
    incr = redis.bridge.incr

    async def unreachable(*_: object) -> int:
        from redis import ConnectionError as RedisConnectionError

        raise RedisConnectionError("gone")

    redis.bridge.incr = unreachable
    assert await counters.add("n", 60) == 1  # its own count begins anew
    redis.bridge.incr = incr
    assert await counters.add("n", 60) == 2
    await counters.close()
    assert [record.getMessage() for record in caplog.records] == [
        "Redis does not answer: limits are counted by each node alone",
        "Redis answers again: limits are counted there",
    ]


async def test_R_ACC_4_limits_are_per_client_and_per_user_and_may_be_off() -> None:
    limits = RateLimits(Counters(), per_client="2/day", per_user="3/day", login=None)
    for _ in range(2):
        await limits.count_client("192.0.2.1")
    with pytest.raises(RateLimitedError) as refused:
        await limits.count_client("192.0.2.1")
    assert refused.value.retry_after_s is not None
    assert 1 <= refused.value.retry_after_s <= 24 * 3600
    await limits.count_client("192.0.2.2")
    for _ in range(3):
        await limits.count_user("ada")
    with pytest.raises(RateLimitedError):
        await limits.count_user("ada")
    await limits.count_user("bob")
    for _ in range(100):
        await limits.count_login("192.0.2.1")


def test_R_ACC_4_neighbours_of_an_ipv6_network_are_one_client() -> None:
    assert client_group("2001:db8::1") == client_group("2001:db8::ffff:1") == "2001:db8::/64"
    assert client_group("2001:db8:0:1::1") != client_group("2001:db8::1")
    assert client_group("::ffff:192.0.2.7") == client_group("192.0.2.7") == "192.0.2.7"
    assert client_group("fe80::1%eth0") == "fe80::/64"
    assert client_group("testclient") == client_address({}) == client_address({"client": None}) == "unknown"
    assert client_address({"client": ("192.0.2.7", 1)}) == "192.0.2.7"
