"""R-STR-8, R-OPS 1: delivery means the same on each of the three databases."""

import asyncio
from pathlib import Path

import pytest

from lianpu.streams.delivery.webhooks import dispatcher as dispatcher_module
from tests.streams.delivery.post_office import noticed, post_office, until
from tests.streams.delivery.receiver import Receiver
from tests.streams.delivery.test_delivering import event_ids

pytestmark = pytest.mark.anyio


async def test_R_STR_8_many_streams_at_once_deliver_everything_in_order(
    tmp_path: Path, taker: Receiver, database_url: str
) -> None:
    async with post_office(tmp_path, url=database_url) as office:
        endpoints = [(await office.endpoint(taker.url(f"/{number}")))[0] for number in range(3)]
        streams = [await office.stream() for _ in range(5)]
        batches = await asyncio.gather(
            *(office.events.keep(stream, [noticed()] * 2) for stream in streams for _ in range(4))
        )
        expected = [event.id for event in sorted((one for batch in batches for one in batch), key=lambda e: e.sequence)]
        for place, endpoint in enumerate(endpoints):
            await office.quiet(endpoint)
            assert event_ids(taker, f"/{place}") == expected


async def test_R_STR_8_failures_dead_letters_and_the_log_are_kept_alike(
    tmp_path: Path, taker: Receiver, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher_module, "ATTEMPTS_KEPT", 2)
    monkeypatch.setattr(dispatcher_module, "DEAD_KEPT", 1)
    taker.answers["/"] = [500]
    async with post_office(tmp_path, url=database_url, max_attempts=2) as office:
        webhook_id, _ = await office.endpoint(taker.url("/"))
        events = await office.happen(2)
        record = await office.quiet(webhook_id)
        assert record.counts.dead == 2
        assert record.row.failing_since is not None
        log = await office.webhooks.attempts(webhook_id)
        assert [(one.event_id, one.number) for one in log] == [(events[1].id, 2), (events[1].id, 1)]
        clearing = asyncio.create_task(office.dispatcher.run_clearing())

        async def cleared() -> bool:
            return (await office.get(webhook_id)).counts.dead == 1

        await until(cleared)
        clearing.cancel()
        taker.answers["/"] = [204]
        assert await office.webhooks.retry(webhook_id, None) == 1
        record = await office.quiet(webhook_id)
        assert (record.counts.dead, record.row.failing_since) == (0, None)
        await office.webhooks.delete(webhook_id)
        assert await office.webhooks.list() == []
