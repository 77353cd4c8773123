"""Written beside the events, in their transaction: what each endpoint has to get."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.streams.delivery.webhooks.messages import message_of
from lianpu.streams.delivery.webhooks.models import Webhook, WebhookDelivery
from lianpu.streams.delivery.webhooks.repository import WebhookRepository
from lianpu.streams.models import StreamEvent
from lianpu.streams.repository import StreamRepository

TOO_MANY = "Too many events were waiting for this endpoint."


class WebhookOutbox:
    def __init__(self, *, max_waiting: int) -> None:
        """`max_waiting`: events that may wait for one endpoint; those beyond are dead from the beginning."""
        self._max_waiting = max_waiting

    async def write(self, session: AsyncSession, events: Sequence[StreamEvent]) -> None:
        """Never commits."""
        repository = WebhookRepository(session)
        wanted = {
            webhook.id: chosen
            for webhook in await repository.active_held()
            if (chosen := [event for event in events if wants(webhook, event)])
        }
        if not wanted:
            return
        streams = StreamRepository(session)
        names = {stream_id: (await streams.stream(stream_id)).name for stream_id in {one.stream_id for one in events}}
        messages = {event.id: message_of(event, names[event.stream_id]) for event in events}
        waiting = await repository.waiting(wanted.keys())
        for webhook_id, chosen in wanted.items():
            room = self._max_waiting - waiting.get(webhook_id, 0)
            for place, event in enumerate(chosen):
                is_dead = place >= room
                repository.add(
                    WebhookDelivery(
                        webhook_id=webhook_id,
                        sequence=event.sequence,
                        event_id=event.id,
                        stream_id=event.stream_id,
                        kind=event.kind,
                        body=messages[event.id],
                        is_dead=is_dead,
                        error=TOO_MANY if is_dead else None,
                    )
                )


def wants(webhook: Webhook, event: StreamEvent) -> bool:
    """Each filter that is not empty must have what the event has; who asks for persons gets no unknown ones."""
    return (
        (not webhook.kinds or event.kind in webhook.kinds)
        and (not webhook.stream_ids or event.stream_id in webhook.stream_ids)
        and (not webhook.person_ids or event.person_id in webhook.person_ids)
    )
