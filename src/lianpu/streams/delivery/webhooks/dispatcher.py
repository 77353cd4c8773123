"""Brings what waits to the endpoints: one message at a time to each, in order, all endpoints beside each other."""

import asyncio
import logging
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import SourceUnreadableError, StreamNotFoundError
from lianpu.streams.delivery.webhooks.messages import with_crop
from lianpu.streams.delivery.webhooks.models import ERROR_MAX_CHARS, Webhook, WebhookAttempt, WebhookDelivery
from lianpu.streams.delivery.webhooks.posting import PostResult, WebhookPoster
from lianpu.streams.delivery.webhooks.repository import WebhookRepository
from lianpu.streams.delivery.webhooks.signature import EVENT_HEADER, KIND_HEADER, SIGNATURE_HEADER, signature
from lianpu.streams.event_log import EventLog
from lianpu.streams.vault import SourceVault

LONGEST_SLEEP_S = 60.0
POLL_S = 1.0
"""How late the events of other processes on the same database may be."""
AFTER_FAILURE_S = 5.0
CLEARING_INTERVAL_S = 3600.0
JITTER = 0.25
ATTEMPTS_KEPT = 200
DEAD_KEPT = 10_000
UNREADABLE = (
    "Its secret cannot be decrypted: the installation's secret is another one than when it was made. Give it a new one."
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    max_attempts: int
    """Of one event, before it is given up."""
    first_wait_s: float
    """Doubled after each failure."""
    longest_wait_s: float
    disable_after: timedelta
    """An endpoint that only failed for so long is given up."""
    retention: timedelta
    """What could not be delivered is kept so long."""


class WebhookDispatcher:
    """Lives on one event loop. There is one in an installation: two would deliver everything twice."""

    def __init__(
        self, database: Database, events: EventLog, vault: SourceVault, poster: WebhookPoster, rules: DeliveryRules
    ) -> None:
        self._database = database
        self._events = events
        self._vault = vault
        self._poster = poster
        self._rules = rules
        self._woken = asyncio.Event()
        self._serving: dict[str, asyncio.Task[None]] = {}
        self.outcomes: Counter[str] = Counter()
        """Attempts since the start: delivered, failed, and those after which an event was given up (dead)."""

    def wake(self) -> None:
        """There may be something to deliver."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled; what is on its way then is tried again at the next start."""
        try:
            while True:
                self._woken.clear()
                try:
                    wait_s = await self._begin_due()
                except Exception as error:  # tried again in a moment
                    _log.warning("webhooks that are due cannot be looked up", exc_info=error)
                    wait_s = AFTER_FAILURE_S
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._woken.wait()
        finally:
            serving = list(self._serving.values())
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    async def run_clearing(self) -> None:
        """Now and every hour: what could not be delivered goes at the end of its retention, or when there is more."""
        while True:
            try:
                async with self._database.session() as session:
                    repository = WebhookRepository(session)
                    await repository.delete_deliveries_before(now_utc() - self._rules.retention)
                    for webhook in await repository.all():
                        await repository.keep_newest_dead(webhook.id, DEAD_KEPT)
                    await session.commit()
            except Exception as error:  # tried again in an hour
                _log.warning("old deliveries of webhooks cannot be cleared away", exc_info=error)
            await asyncio.sleep(CLEARING_INTERVAL_S)

    async def post(self, webhook: Webhook, event_id: str, kind: str, message: str) -> PostResult:
        """Sign and send one message, whatever waits."""
        try:
            secret = self._vault.opened(webhook.secret, webhook.id)
        except SourceUnreadableError:
            return PostResult(None, UNREADABLE, 0.0)
        body = message.encode()
        headers = {
            SIGNATURE_HEADER: signature(secret, body, int(time.time())),
            EVENT_HEADER: event_id,
            KIND_HEADER: kind,
        }
        return await self._poster.post(webhook.url, body, headers)

    async def _begin_due(self) -> float:
        """Seconds until the next one is due."""
        async with self._database.session() as session:
            found = await WebhookRepository(session).next_deliveries()
        # On SQLite no other process writes, and everything here says when it has.
        now, wait_s = now_utc(), LONGEST_SLEEP_S if self._database.is_sqlite else POLL_S
        for item in found:
            if item.webhook_id in self._serving:
                continue
            left_s = self._left_s(item.due_at, now)
            if left_s > 0:
                wait_s = min(wait_s, left_s)
                continue
            task = asyncio.create_task(self._serve(item.webhook_id), name=f"webhook-{item.webhook_id}")
            self._serving[item.webhook_id] = task
            task.add_done_callback(lambda _, webhook_id=item.webhook_id: self._served(webhook_id))
        return wait_s

    def _served(self, webhook_id: str) -> None:
        del self._serving[webhook_id]
        self.wake()

    def _left_s(self, due_at: datetime, now: datetime) -> float:
        left_s = (due_at - now).total_seconds()
        # Nothing is put off for longer than that: the clock was set back.
        return 0.0 if left_s > self._rules.longest_wait_s * (1 + JITTER) else left_s

    async def _serve(self, webhook_id: str) -> None:
        """Until nothing is due for this endpoint."""
        try:
            while await self._deliver_next(webhook_id):
                pass
        except Exception as error:
            _log.error("a webhook failed unexpectedly", extra={"webhook": webhook_id}, exc_info=error)
            await asyncio.sleep(AFTER_FAILURE_S)

    async def _deliver_next(self, webhook_id: str) -> bool:
        """Whether there was one."""
        async with self._database.session() as session:
            repository = WebhookRepository(session)
            webhook = await repository.found(webhook_id)
            delivery = await repository.next_of(webhook_id)
        if webhook is None or not webhook.is_active or delivery is None:
            return False
        if self._left_s(delivery.due_at, now_utc()) > 0:
            return False
        message = await self._message(webhook, delivery)
        result = await self.post(webhook, delivery.event_id, delivery.kind, message)
        await self._note(delivery, result)
        return True

    async def _message(self, webhook: Webhook, delivery: WebhookDelivery) -> str:
        if not webhook.with_crop:
            return delivery.body
        jpeg: bytes | None = None
        with suppress(StreamNotFoundError):
            jpeg = await self._events.crop(delivery.stream_id, delivery.event_id)
        return with_crop(delivery.body, jpeg)

    async def _note(self, tried: WebhookDelivery, result: PostResult) -> None:
        number, now = tried.attempts + 1, now_utc()

        async def note(session: AsyncSession) -> str | None:
            repository = WebhookRepository(session)
            webhook = await repository.held(tried.webhook_id)
            if webhook is None:
                return None  # it was deleted meanwhile, with all that waited
            outcome = "delivered" if result.error is None else "failed"
            if result.error is None:
                await repository.delete_delivery(tried.webhook_id, tried.sequence)
                webhook.failing_since, webhook.delivered_at = None, now
            else:
                webhook.failing_since = webhook.failing_since or now
                delivery = await repository.delivery(tried.webhook_id, tried.sequence)
                if delivery is not None:
                    delivery.attempts, delivery.error = number, result.error[:ERROR_MAX_CHARS]
                    delivery.due_at = now + timedelta(seconds=self._wait_s(number, result))
                    delivery.is_dead = number >= self._rules.max_attempts
                    outcome = "dead" if delivery.is_dead else outcome
                self._disable_hopeless(webhook, result)
            attempt = attempt_of(tried.webhook_id, tried.event_id, tried.kind, number, result)
            await repository.add_attempt(attempt, ATTEMPTS_KEPT)
            return outcome

        outcome = await self._database.committed(note)
        if outcome is not None:
            self.outcomes[outcome] += 1

    def _wait_s(self, failures: int, result: PostResult) -> float:
        wait_s = self._rules.first_wait_s * 2.0 ** min(failures - 1, 60)
        wait_s = min(max(wait_s, result.retry_after_s or 0.0), self._rules.longest_wait_s)
        return wait_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (spreads load, hides nothing)

    def _disable_hopeless(self, webhook: Webhook, result: PostResult) -> None:
        assert webhook.failing_since is not None
        if result.is_gone:
            reason = "It answered that it is gone for good (status 410)."
        elif now_utc() - webhook.failing_since >= self._rules.disable_after:
            hours = self._rules.disable_after.total_seconds() / 3600
            reason = f"Nothing could be delivered for {hours:g} hours. The last error: {result.error}"
        else:
            return
        webhook.is_active, webhook.disabled_reason = False, reason[:ERROR_MAX_CHARS]
        _log.warning("webhook disabled", extra={"webhook": webhook.id, "reason": reason})


def attempt_of(webhook_id: str, event_id: str, kind: str, number: int, result: PostResult) -> WebhookAttempt:
    return WebhookAttempt(
        webhook_id=webhook_id,
        event_id=event_id,
        kind=kind,
        number=number,
        status=result.status,
        error=None if result.error is None else result.error[:ERROR_MAX_CHARS],
        duration_ms=result.duration_ms,
    )
