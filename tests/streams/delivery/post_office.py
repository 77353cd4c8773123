"""Streams' events and their delivery over a real database, without the rest of a server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from lianpu.database.base import new_id
from lianpu.database.session import Database
from lianpu.streams.addresses import Resolve
from lianpu.streams.delivery.webhooks.addresses import PostRules
from lianpu.streams.delivery.webhooks.dispatcher import DeliveryRules, WebhookDispatcher
from lianpu.streams.delivery.webhooks.models import Webhook
from lianpu.streams.delivery.webhooks.outbox import WebhookOutbox
from lianpu.streams.delivery.webhooks.posting import WebhookPoster
from lianpu.streams.delivery.webhooks.webhooks import WebhookChange, WebhookRecord, Webhooks
from lianpu.streams.event_log import EventLog
from lianpu.streams.events import EventKind, Noticed
from lianpu.streams.models import Stream, StreamEvent
from lianpu.streams.vault import SourceVault

LOOPBACK = PostRules(networks=(ip_network("127.0.0.0/8"),))
QUICK = DeliveryRules(
    max_attempts=3,
    first_wait_s=0.01,
    longest_wait_s=0.05,
    disable_after=timedelta(hours=1),
    retention=timedelta(days=1),
)
JPEG = b"\xff\xd8 a face \xff\xd9"


def noticed(kind: EventKind = EventKind.PERSON_APPEARED, person: str | None = "ann") -> Noticed:
    name = None if person is None else person.title()
    return Noticed(kind, person, name, 1, 0.91234, 0.5, None, JPEG)


async def until(condition: Callable[[], Any] | Callable[[], Awaitable[Any]]) -> Any:
    """What the condition gives once it holds."""
    async with asyncio.timeout(20):
        while True:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.005)


@dataclass
class PostOffice:
    database: Database
    events: EventLog
    webhooks: Webhooks
    dispatcher: WebhookDispatcher

    async def stream(self, name: str = "Gate") -> str:
        row = Stream(id=new_id(), owner_id="ada", name=name, source=b"", shown="x", options={}, lifetime_minutes=-1)
        async with self.database.session() as session:
            session.add(row)
            await session.commit()
        return row.id

    async def endpoint(self, url: str, **change: Any) -> tuple[str, str]:
        """Id and secret."""
        record, secret = await self.webhooks.create(url, WebhookChange(**change))
        return record.row.id, secret

    async def happen(self, count: int = 1, *, stream_id: str | None = None, **what: Any) -> list[StreamEvent]:
        stream_id = stream_id or await self.stream()
        return await self.events.keep(stream_id, [noticed(**what)] * count)

    async def get(self, webhook_id: str) -> WebhookRecord:
        return await self.webhooks.get(webhook_id)

    async def quiet(self, webhook_id: str) -> WebhookRecord:
        """Once nothing waits for it any more."""

        async def found() -> WebhookRecord | None:
            record = await self.get(webhook_id)
            return record if record.counts.waiting == 0 else None

        return await until(found)

    async def change_row(self, webhook_id: str, **values: Any) -> None:
        async with self.database.session() as session:
            row = await session.get(Webhook, webhook_id)
            for name, value in values.items():
                setattr(row, name, value)
            await session.commit()


@asynccontextmanager
async def post_office(
    folder: Path,
    *,
    rules: PostRules = LOOPBACK,
    resolve: Resolve | None = None,
    key: bytes = b"k" * 32,
    timeout_s: float = 10.0,
    max_endpoints: int = 8,
    max_waiting: int = 100,
    url: str | None = None,
    works: bool = True,
    **quick: Any,
) -> AsyncIterator[PostOffice]:
    """`works`: whether anything is delivered."""
    database = Database(url or f"sqlite+aiosqlite:///{folder / 'test.db'}")
    await database.migrate()
    events = EventLog(database, folder / "crops", retention_days=1, keeps_crops=True)
    vault = SourceVault(lambda: key)
    poster = WebhookPoster(rules, timeout_s=timeout_s, resolve=resolve)
    dispatcher = WebhookDispatcher(database, events, vault, poster, replace(QUICK, **quick))
    webhooks = Webhooks(database, vault, poster, dispatcher, max_endpoints=max_endpoints)
    events.write_beside(WebhookOutbox(max_waiting=max_waiting).write)
    events.on_commit(dispatcher.wake)
    running = [asyncio.create_task(dispatcher.run())] if works else []
    try:
        yield PostOffice(database, events, webhooks, dispatcher)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        poster.close()
        await database.close()


def names(resolved: Sequence[str]) -> Resolve:
    """Every name stands for these."""
    return lambda _host, _port: resolved
