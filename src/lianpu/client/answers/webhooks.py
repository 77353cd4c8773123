"""Where events of streams go."""

from datetime import datetime

from lianpu.client.answers.record import Record


class Webhook(Record):
    webhook_id: str
    name: str
    url: str
    kinds: tuple[str, ...]
    stream_ids: tuple[str, ...]
    person_ids: tuple[str, ...]
    with_crop: bool
    active: bool
    disabled_reason: str | None
    """Why the server gave up on it; null: it did not."""
    failing_since: datetime | None
    """The first failure since the last success."""
    delivered_at: datetime | None
    """The last success."""
    created_at: datetime
    waiting: int
    """Events on their way."""
    dead: int
    """Events that were given up."""


class WebhookSecret(Record):
    webhook: Webhook
    secret: str
    """What messages are signed with; in this answer and nowhere else."""
    request_id: str


class WebhookTest(Record):
    delivered: bool
    status: int | None
    """HTTP; null: there was no answer."""
    error: str | None
    duration_ms: float
    request_id: str


class WebhookDelivery(Record):
    event_id: str
    kind: str
    """Of the event, or `test`."""
    attempt: int
    """1: the first try of this event."""
    delivered: bool
    status: int | None
    error: str | None
    duration_ms: float
    at: datetime


class DeadLetter(Record):
    event_id: str
    stream_id: str
    kind: str
    attempts: int
    error: str | None
    created_at: datetime


class MqttState(Record):
    configured: bool
    """`streams.mqtt.host` names a broker."""
    connected: bool
    problem: str | None
    """Why it is not connected."""
    left_out: int
    """Events too many to catch up with after a break, since the server began."""
    request_id: str
