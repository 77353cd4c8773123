"""Endpoints as routes see them: made, changed, tested, and what could not be delivered to them."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.errors import CursorInvalidError, TooManyWebhooksError, WebhookStateError
from lianpu.http.pagination import Cursor, decode_cursor
from lianpu.streams.delivery.webhooks.dispatcher import ATTEMPTS_KEPT, WebhookDispatcher, attempt_of
from lianpu.streams.delivery.webhooks.messages import TEST_KIND, test_message
from lianpu.streams.delivery.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery
from lianpu.streams.delivery.webhooks.posting import PostResult, WebhookPoster
from lianpu.streams.delivery.webhooks.repository import DeliveryCounts, WebhookRepository
from lianpu.streams.delivery.webhooks.signature import new_secret
from lianpu.streams.events import EventKind
from lianpu.streams.vault import SourceVault


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    row: Webhook
    counts: DeliveryCounts


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """None: as it was."""

    url: str | None = None
    name: str | None = None
    kinds: Sequence[EventKind] | None = None
    stream_ids: Sequence[str] | None = None
    person_ids: Sequence[str] | None = None
    with_crop: bool | None = None
    is_active: bool | None = None


class Webhooks:
    """Lives on one event loop."""

    def __init__(
        self,
        database: Database,
        vault: SourceVault,
        poster: WebhookPoster,
        dispatcher: WebhookDispatcher,
        *,
        max_endpoints: int,
    ) -> None:
        self._database = database
        self._vault = vault
        self._poster = poster
        self._dispatcher = dispatcher
        self._max_endpoints = max_endpoints
        self._creating = asyncio.Lock()

    async def create(self, url: str, change: WebhookChange) -> tuple[WebhookRecord, str]:
        """The endpoint and its secret, which is told this once.

        Raises:
            WebhookRefusedError: nothing may be posted there.
            TooManyWebhooksError: there are as many as may be.
        """
        await self._poster.checked(url)
        secret, webhook_id = new_secret(), new_id()
        row = Webhook(
            id=webhook_id,
            name="",
            url=url,
            secret=self._vault.sealed(secret, webhook_id),
            kinds=[],
            stream_ids=[],
            person_ids=[],
            with_crop=False,
            is_active=True,
            created_at=now_utc(),
        )
        _apply(row, change)
        async with self._creating, self._database.session() as session:
            repository = WebhookRepository(session)
            if await repository.count() >= self._max_endpoints:
                raise TooManyWebhooksError(
                    f"There are {self._max_endpoints} webhooks already; delete one, or see "
                    "streams.webhooks.max_endpoints."
                )
            repository.add(row)
            await session.commit()
        return WebhookRecord(row, DeliveryCounts()), secret

    async def list(self) -> list[WebhookRecord]:
        """Oldest first."""
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            counts = await repository.counts()
            return [WebhookRecord(row, counts.get(row.id, DeliveryCounts())) for row in await repository.all()]

    async def get(self, webhook_id: str) -> WebhookRecord:
        """
        Raises:
            WebhookNotFoundError: there is no such webhook; so below.
        """
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            # First: what they say is never newer than the row.
            counts = (await repository.counts()).get(webhook_id, DeliveryCounts())
            return WebhookRecord(await repository.webhook(webhook_id), counts)

    async def update(self, webhook_id: str, change: WebhookChange) -> WebhookRecord:
        """To make it active forgets why it was disabled.

        Raises:
            WebhookRefusedError: nothing may be posted to its new address.
        """
        if change.url is not None:
            await self._poster.checked(change.url)
        async with self._database.session() as session:
            _apply(await WebhookRepository(session).held_webhook(webhook_id), change)
            await session.commit()
        self._dispatcher.wake()
        return await self.get(webhook_id)

    async def renew_secret(self, webhook_id: str) -> tuple[WebhookRecord, str]:
        """What is sent from now on is signed with the new secret alone."""
        secret = new_secret()
        async with self._database.session() as session:
            row = await WebhookRepository(session).held_webhook(webhook_id)
            row.secret = self._vault.sealed(secret, webhook_id)
            await session.commit()
        return await self.get(webhook_id), secret

    async def delete(self, webhook_id: str) -> None:
        """With all that waits for it."""
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            await repository.held_webhook(webhook_id)
            await repository.delete(webhook_id)
            await session.commit()

    async def test(self, webhook_id: str) -> PostResult:
        """Post a message that says so, now, also to an endpoint that is not active; it is tried once."""
        async with self._database.session() as session:
            row = await WebhookRepository(session).webhook(webhook_id)
        event_id, message = test_message()
        result = await self._dispatcher.post(row, event_id, TEST_KIND, message)
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            if await repository.held(webhook_id) is not None:
                attempt = attempt_of(webhook_id, event_id, TEST_KIND, 1, result)
                await repository.add_attempt(attempt, ATTEMPTS_KEPT)
                await session.commit()
        return result

    async def attempts(self, webhook_id: str) -> Sequence[WebhookAttempt]:
        """The last ones, newest first."""
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            await repository.webhook(webhook_id)
            return await repository.attempts(webhook_id, ATTEMPTS_KEPT)

    async def dead_letters(
        self, webhook_id: str, cursor: str | None, limit: int
    ) -> tuple[Sequence[WebhookDelivery], str | None]:
        """Newest first, and the cursor of the next page.

        Raises:
            CursorInvalidError: the cursor is not one of this list.
        """
        scope = f"stream_dead_letters:{webhook_id}"
        before = None if cursor is None else _sequence(decode_cursor(cursor, scope, 1))
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            await repository.webhook(webhook_id)
            found = await repository.dead(webhook_id, before, limit + 1)
        shown = found[:limit]
        more = len(found) > limit
        return shown, Cursor((str(shown[-1].sequence),)).encode(scope) if more else None

    async def retry(self, webhook_id: str, event_ids: Collection[str] | None) -> int:
        """Dead letters are due again, before everything newer; returns how many. None: all of them.

        Raises:
            WebhookStateError: the endpoint is not active.
        """
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            if not (await repository.held_webhook(webhook_id)).is_active:
                raise WebhookStateError("The webhook is not active: make it so first.")
            count = await repository.revive(webhook_id, event_ids, now_utc())
            await session.commit()
        self._dispatcher.wake()
        return count

    async def purge(self, webhook_id: str, event_ids: Collection[str] | None) -> int:
        """Dead letters are gone for good; returns how many. None: all of them."""
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            await repository.held_webhook(webhook_id)
            count = await repository.purge(webhook_id, event_ids)
            await session.commit()
        return count


def _apply(row: Webhook, change: WebhookChange) -> None:
    if change.url is not None:
        row.url = change.url
    if change.name is not None:
        row.name = change.name
    if change.kinds is not None:
        row.kinds = [kind.value for kind in change.kinds]
    if change.stream_ids is not None:
        row.stream_ids = list(change.stream_ids)
    if change.person_ids is not None:
        row.person_ids = list(change.person_ids)
    if change.with_crop is not None:
        row.with_crop = change.with_crop
    if change.is_active is not None:
        if change.is_active and not row.is_active:
            row.failing_since = None
        row.is_active, row.disabled_reason = change.is_active, None


def _sequence(cursor: Cursor) -> int:
    text = cursor.key[0]
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise CursorInvalidError("The cursor is not one that this server gave out.")
    return int(text)


async def _webhooks(request: Request) -> Webhooks:
    # Not `def`: FastAPI would send it through a thread.
    webhooks: Webhooks = request.app.state.webhooks
    return webhooks


WebhooksDep = Annotated[Webhooks, Depends(_webhooks)]
