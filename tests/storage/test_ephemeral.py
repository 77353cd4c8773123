"""R-ENH 6: sealed content for some minutes, taken once; the same in memory and in a Redis that keeps nothing."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianpu.errors import EphemeralStoreError
from lianpu.storage.ephemeral import EphemeralStore, MemoryStore
from lianpu.storage.ephemeral_redis import RedisStore
from lianpu.storage.erasure import ErasableBuffer, erase
from lianpu.storage.sealing import SEGMENT_BYTES, TAG_BYTES, Opener, SealBrokenError, seal, split
from lianpu.storage.segments import SegmentedFile
from tests.redis_server import NOTHING_KEPT, redis_server

pytestmark = pytest.mark.anyio
KEY, ABOUT = bytes(range(32)), b"0199"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EphemeralStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        one = RedisStore(url)
        yield one
        await one.close()
        assert list(tmp_path.iterdir()) == []


def sealed_of(content: bytes, key: bytes = KEY) -> list[bytearray]:
    file = SegmentedFile()
    file.write(content)
    return seal(file.take_segments(), key, ABOUT)


def opened(sealed: object, key: bytes = KEY, about: bytes = ABOUT) -> bytes:
    opener, room = Opener(sealed, key, about), bytearray(SEGMENT_BYTES)  # type: ignore[arg-type]
    return b"".join(bytes(room[: opener.open_into(number, room)]) for number in range(len(opener)))


async def test_R_ENH_6_it_is_taken_once(store: EphemeralStore) -> None:
    content = os.urandom(2 * SEGMENT_BYTES + 77)
    await store.check()
    await store.put("one", sealed_of(content), 60)
    assert await store.has("one")
    taken = await asyncio.gather(*(store.take("one") for _ in range(5)))
    (sealed,) = [item for item in taken if item is not None]
    assert opened(sealed) == content
    assert not await store.has("one")
    await store.remove("one")


async def test_R_ENH_6_it_is_gone_after_its_time(store: EphemeralStore) -> None:
    await store.put("short", sealed_of(b"x"), 0.15)
    await store.put("long", sealed_of(b"y"), 60)
    while await store.has("short"):
        await asyncio.sleep(0.02)
        await store.expire()
    assert await store.take("short") is None
    assert await store.take("long") is not None


async def test_R_ENH_6_in_memory_what_goes_is_overwritten() -> None:
    store = MemoryStore()
    for name, ttl_s in (("removed", 60), ("expired", 0), ("closed", 60)):
        await store.put(name, sealed_of(os.urandom(100)), ttl_s)
    held = [item.sealed for item in store._held.values()]
    await store.remove("removed")
    await store.expire()
    await store.close()
    assert all(not any(segment) for sealed in held for segment in sealed)


async def test_R_ENH_6_a_server_that_ends_takes_its_own_along(tmp_path: Path) -> None:
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        first, second = RedisStore(url), RedisStore(url)
        await first.put("mine", sealed_of(b"x"), 60)
        await second.put("other", sealed_of(b"y"), 60)
        await first.close()
        assert not await second.has("mine")
        assert await second.has("other")
        await second.close()


@pytest.mark.parametrize("options", [("--save", "60 1"), ("--save", "", "--appendonly", "yes")])
async def test_R_ENH_6_a_redis_that_writes_to_disk_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    with redis_server(tmp_path, *options) as url:
        store = RedisStore(url)
        with pytest.raises(EphemeralStoreError, match="writes to disk"):
            await store.check()
        with pytest.raises(EphemeralStoreError, match="writes to disk"):
            await store.put("one", sealed_of(b"x"), 60)
        assert not await store.has("one")
        await store.close()


async def test_R_ENH_6_a_redis_that_begins_to_write_to_disk_gets_nothing_more(tmp_path: Path) -> None:
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        store = RedisStore(url)
        await store.put("one", sealed_of(b"x"), 60)
        await store._redis.config_set("save", "60 1")
        await store.expire()
        with pytest.raises(EphemeralStoreError, match="writes to disk"):
            await store.put("two", sealed_of(b"x"), 60)
        await store.close()


async def test_R_ENH_6_a_redis_that_is_away_is_told_without_its_address() -> None:
    store = RedisStore("redis://:geheim@127.0.0.1:1/0")
    with pytest.raises(EphemeralStoreError) as caught:
        await store.put("one", sealed_of(b"x"), 60)
    assert "geheim" not in caught.value.detail


@given(content=st.binary(max_size=300), cut=st.integers(0, 299), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_R_ENH_6_whatever_is_changed_is_seen(content: bytes, cut: int, bit: int) -> None:
    sealed = sealed_of(content)
    assert opened(sealed) == content
    assert all(len(segment) <= SEGMENT_BYTES + TAG_BYTES for segment in sealed)
    place = cut % len(sealed[0])
    sealed[0][place] ^= 1 << bit
    with pytest.raises(SealBrokenError):
        opened(sealed)


def test_R_ENH_6_segments_cannot_be_left_out_moved_or_opened_by_another_key() -> None:
    content = os.urandom(3 * SEGMENT_BYTES)
    sealed = sealed_of(content)
    assert opened(split(b"".join(sealed))) == content
    for wrong in (sealed[:-1], sealed[1:], [sealed[1], sealed[0], sealed[2]]):
        with pytest.raises(SealBrokenError):
            opened(wrong)
    with pytest.raises(SealBrokenError):
        opened(sealed, key=bytes(32))
    with pytest.raises(SealBrokenError):
        opened(sealed, about=b"another")


def test_R_ENH_6_sealing_overwrites_what_was_plain() -> None:
    file = SegmentedFile()
    file.write(os.urandom(2 * SEGMENT_BYTES + 5))
    segments = list(file.take_segments())
    seal(segments, KEY, ABOUT)
    assert not any(any(segment) for segment in segments)
    assert [len(segment) for segment in segments] == [SEGMENT_BYTES, SEGMENT_BYTES, 5]


@given(parts=st.lists(st.binary(max_size=100_000), max_size=8), expected=st.integers(0, 200_000))
@settings(max_examples=40, deadline=None)
def test_R_ENH_6_a_buffer_that_grows_keeps_what_it_was_given(parts: list[bytes], expected: int) -> None:
    buffer = ErasableBuffer(expected)
    for part in parts:
        buffer.append(part)
    assert bytes(buffer.view) == b"".join(parts)
    view = buffer.view
    buffer.erase()
    assert not any(view)
    assert len(buffer) == 0


@given(writes=st.lists(st.tuples(st.integers(0, 3 * SEGMENT_BYTES), st.binary(min_size=1, max_size=50)), max_size=10))
@settings(max_examples=40, deadline=None)
def test_R_ENH_6_a_file_of_segments_is_as_any_other(writes: list[tuple[int, bytes]]) -> None:
    file, plain = SegmentedFile(), bytearray()
    for place, data in writes:
        file.seek(place)
        file.write(data)
        plain += bytes(max(0, place + len(data) - len(plain)))
        plain[place : place + len(data)] = data
    assert file.size_bytes == len(plain)
    assert b"".join(file.take_segments()) == plain


def test_R_ENH_6_erasing_reaches_memory_that_others_look_at() -> None:
    data = bytearray(b"secret" * 100)
    view = memoryview(data)
    erase(view[6:12])
    assert bytes(view[:18]) == b"secret" + bytes(6) + b"secret"
    erase(data)
    assert not any(view)
    erase(bytearray())
