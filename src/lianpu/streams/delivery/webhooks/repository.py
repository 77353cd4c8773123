"""Queries of the webhooks' tables."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.errors import WebhookNotFoundError
from lianpu.streams.delivery.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    waiting: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class NextDelivery:
    webhook_id: str
    due_at: datetime


class WebhookRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Webhook | WebhookDelivery | WebhookAttempt) -> None:
        self._session.add(row)

    async def webhook(self, webhook_id: str) -> Webhook:
        """
        Raises:
            WebhookNotFoundError: there is no such webhook.
        """
        return _existing(await self.found(webhook_id), webhook_id)

    async def held_webhook(self, webhook_id: str) -> Webhook:
        """As `held`.

        Raises:
            WebhookNotFoundError: there is no such webhook.
        """
        return _existing(await self.held(webhook_id), webhook_id)

    async def found(self, webhook_id: str) -> Webhook | None:
        return await self._session.get(Webhook, webhook_id)

    async def held(self, webhook_id: str) -> Webhook | None:
        """Locked until the transaction's end: before anything of its deliveries, as those who add some do."""
        return await self._session.get(Webhook, webhook_id, with_for_update=True)

    async def all(self) -> Sequence[Webhook]:
        """Oldest first."""
        return (await self._session.scalars(select(Webhook).order_by(Webhook.created_at, Webhook.id))).all()

    async def count(self) -> int:
        return (await self._session.scalars(select(func.count()).select_from(Webhook))).one()

    async def active_held(self) -> Sequence[Webhook]:
        """Those that get events; none of them can be deleted or changed before this transaction's end."""
        query = select(Webhook).where(Webhook.is_active).order_by(Webhook.id).with_for_update(read=True)
        return (await self._session.scalars(query)).all()

    async def delete(self, webhook_id: str) -> None:
        """With all that is on its way to it."""
        await self._session.execute(delete(Webhook).where(Webhook.id == webhook_id))

    # What is on its way.

    async def counts(self) -> dict[str, DeliveryCounts]:
        """By webhook; those that nothing waits for are not in it."""
        dead = func.sum(case((WebhookDelivery.is_dead, 1), else_=0))
        query = select(WebhookDelivery.webhook_id, func.count(), dead).group_by(WebhookDelivery.webhook_id)
        rows = (await self._session.execute(query)).all()
        return {webhook_id: DeliveryCounts(int(total) - int(lost), int(lost)) for webhook_id, total, lost in rows}

    async def counts_of_all(self) -> DeliveryCounts:
        """Of all webhooks together."""
        by_webhook = (await self.counts()).values()
        return DeliveryCounts(sum(one.waiting for one in by_webhook), sum(one.dead for one in by_webhook))

    async def waiting(self, webhook_ids: Collection[str]) -> dict[str, int]:
        """How many wait for each of these."""
        query = select(WebhookDelivery.webhook_id, func.count()).group_by(WebhookDelivery.webhook_id)
        query = query.where(WebhookDelivery.webhook_id.in_(webhook_ids), ~WebhookDelivery.is_dead)
        rows = (await self._session.execute(query)).all()
        return {row[0]: int(row[1]) for row in rows}

    async def next_deliveries(self) -> list[NextDelivery]:
        """The first one of each active webhook."""
        first = (
            select(WebhookDelivery.webhook_id, func.min(WebhookDelivery.sequence).label("sequence"))
            .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            .where(Webhook.is_active, ~WebhookDelivery.is_dead)
            .group_by(WebhookDelivery.webhook_id)
            .subquery()
        )
        query = select(WebhookDelivery.webhook_id, WebhookDelivery.due_at).join(
            first,
            (first.c.webhook_id == WebhookDelivery.webhook_id) & (first.c.sequence == WebhookDelivery.sequence),
        )
        return [NextDelivery(webhook_id, due_at) for webhook_id, due_at in (await self._session.execute(query)).all()]

    async def next_of(self, webhook_id: str) -> WebhookDelivery | None:
        query = (
            select(WebhookDelivery)
            .where(WebhookDelivery.webhook_id == webhook_id, ~WebhookDelivery.is_dead)
            .order_by(WebhookDelivery.sequence)
            .limit(1)
        )
        return (await self._session.scalars(query)).first()

    async def delivery(self, webhook_id: str, sequence: int) -> WebhookDelivery | None:
        return await self._session.get(WebhookDelivery, (webhook_id, sequence))

    async def delete_delivery(self, webhook_id: str, sequence: int) -> None:
        await self._session.execute(
            delete(WebhookDelivery).where(
                WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.sequence == sequence
            )
        )

    async def dead(self, webhook_id: str, before: int | None, limit: int) -> Sequence[WebhookDelivery]:
        """Newest first; `before`: the sequence of the last one that was given out."""
        query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.is_dead)
        if before is not None:
            query = query.where(WebhookDelivery.sequence < before)
        return (await self._session.scalars(query.order_by(WebhookDelivery.sequence.desc()).limit(limit))).all()

    async def revive(self, webhook_id: str, event_ids: Collection[str] | None, moment: datetime) -> int:
        """Dead ones are due again as if for the first time; returns how many. None: all of them."""
        change = update(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.is_dead)
        if event_ids is not None:
            change = change.where(WebhookDelivery.event_id.in_(event_ids))
        change = change.values(is_dead=False, attempts=0, due_at=moment)
        result = await self._session.execute(change.execution_options(synchronize_session=False))
        return cast(CursorResult[Any], result).rowcount

    async def purge(self, webhook_id: str, event_ids: Collection[str] | None) -> int:
        """Dead ones are gone; returns how many. None: all of them."""
        removal = delete(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.is_dead)
        if event_ids is not None:
            removal = removal.where(WebhookDelivery.event_id.in_(event_ids))
        result = await self._session.execute(removal.execution_options(synchronize_session=False))
        return cast(CursorResult[Any], result).rowcount

    async def delete_deliveries_before(self, moment: datetime) -> None:
        old = WebhookDelivery.created_at < moment
        # A DELETE takes SQLite's write lock even where it finds nothing.
        if await self._session.scalar(select(WebhookDelivery.sequence).where(old).limit(1)) is not None:
            await self._session.execute(delete(WebhookDelivery).where(old))

    async def keep_newest_dead(self, webhook_id: str, count: int) -> None:
        beyond = (
            select(WebhookDelivery.sequence)
            .where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.is_dead)
            .order_by(WebhookDelivery.sequence.desc())
            .offset(count)
            .limit(1)
        )
        last = await self._session.scalar(beyond)
        if last is not None:
            await self._session.execute(
                delete(WebhookDelivery).where(
                    WebhookDelivery.webhook_id == webhook_id,
                    WebhookDelivery.is_dead,
                    WebhookDelivery.sequence <= last,
                )
            )

    # How attempts went.

    async def attempts(self, webhook_id: str, limit: int) -> Sequence[WebhookAttempt]:
        """Newest first."""
        query = select(WebhookAttempt).where(WebhookAttempt.webhook_id == webhook_id)
        return (await self._session.scalars(query.order_by(WebhookAttempt.id.desc()).limit(limit))).all()

    async def add_attempt(self, attempt: WebhookAttempt, keep: int) -> None:
        """`keep`: how many of the endpoint's are kept; the oldest go."""
        self._session.add(attempt)
        await self._session.flush()
        beyond = (
            select(WebhookAttempt.id)
            .where(WebhookAttempt.webhook_id == attempt.webhook_id)
            .order_by(WebhookAttempt.id.desc())
            .offset(keep)
            .limit(1)
        )
        last = await self._session.scalar(beyond)
        if last is not None:
            await self._session.execute(
                delete(WebhookAttempt).where(WebhookAttempt.webhook_id == attempt.webhook_id, WebhookAttempt.id <= last)
            )


def _existing(webhook: Webhook | None, webhook_id: str) -> Webhook:
    if webhook is None:
        raise WebhookNotFoundError(f"There is no webhook {webhook_id!r}.")
    return webhook
