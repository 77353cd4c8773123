"""The numbers of the last minutes: in order, bounded, with a gap where they could not be taken."""

import asyncio
from dataclasses import replace

import pytest

from lianpu.observability.history import LENGTH, History, Point

pytestmark = pytest.mark.anyio
POINT = Point(0, 0.5, 0.25, 1, 1, None, None, 0, 0, 0, 0, 0.0, None, None, 0.0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_R_OPS_3_history_keeps_fifteen_minutes_and_gives_what_is_newer() -> None:
    number, enough = 0, asyncio.Event()

    async def take(elapsed_s: float) -> Point:
        nonlocal number
        assert elapsed_s >= 0
        number += 1
        if number == LENGTH + 20:
            enough.set()
        if number == LENGTH + 5:
            raise OSError("the database is away")
        return replace(POINT, at=number)

    history = History(take, interval_s=0)
    task = asyncio.create_task(history.run())
    await enough.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    moments = [point.at for point in history.since(0)]
    assert len(moments) == LENGTH
    assert moments == sorted(moments)
    assert LENGTH + 5 not in moments
    assert LENGTH + 4 in moments
    assert [point.at for point in history.since(moments[-3])] == moments[-2:]
    assert history.since(moments[-1]) == []
