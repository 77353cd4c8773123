"""What the routes of webhooks take and answer."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lianpu.streams.delivery.webhooks.models import NAME_MAX_CHARS, URL_MAX_CHARS, WebhookAttempt, WebhookDelivery
from lianpu.streams.delivery.webhooks.posting import PostResult
from lianpu.streams.delivery.webhooks.webhooks import WebhookChange, WebhookRecord
from lianpu.streams.events import EventKind

Url = Annotated[str, Field(min_length=1, max_length=URL_MAX_CHARS, examples=["https://house.example/faces"])]
Name = Annotated[str, Field(max_length=NAME_MAX_CHARS, examples=["Door bell"])]
Kinds = Annotated[list[EventKind], Field(max_length=len(EventKind), description="Empty: all.")]
StreamIds = Annotated[
    list[Annotated[str, Field(max_length=64)]], Field(max_length=100, description="Of these streams; empty: of all.")
]
PersonIds = Annotated[
    list[Annotated[str, Field(max_length=128)]],
    Field(max_length=1000, description="Of these persons alone; empty: of everybody, also of unknown ones."),
]
WithCrop = Annotated[bool, Field(description="Send the face along (`crop`: JPEG in base64), where it is kept.")]
EventIds = Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=500)]


class WebhookFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url
    name: Name = ""
    kinds: Kinds = []
    stream_ids: StreamIds = []
    person_ids: PersonIds = []
    with_crop: WithCrop = False
    active: bool = True

    def change(self) -> WebhookChange:
        return WebhookChange(None, self.name, self.kinds, self.stream_ids, self.person_ids, self.with_crop, self.active)


class WebhookChangeFields(BaseModel):
    """What is not given, or null, stays as it is."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    name: Name | None = None
    kinds: Kinds | None = None
    stream_ids: StreamIds | None = None
    person_ids: PersonIds | None = None
    with_crop: WithCrop | None = None
    active: bool | None = None

    def change(self) -> WebhookChange:
        return WebhookChange(
            self.url, self.name, self.kinds, self.stream_ids, self.person_ids, self.with_crop, self.active
        )


class RetryFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    event_ids: EventIds | None = Field(default=None, description="Null: all.")


class WebhookAnswer(BaseModel):
    webhook_id: str
    name: str
    url: str
    kinds: list[EventKind]
    stream_ids: list[str]
    person_ids: list[str]
    with_crop: bool
    active: bool
    disabled_reason: str | None = Field(description="Why the server gave up on it; null: it did not.")
    failing_since: datetime | None = Field(description="The first failure since the last success.")
    delivered_at: datetime | None = Field(description="The last success.")
    created_at: datetime
    waiting: int = Field(description="Events on their way.")
    dead: int = Field(description="Events that were given up.")

    @classmethod
    def of(cls, record: WebhookRecord) -> "WebhookAnswer":
        row = record.row
        return cls(
            webhook_id=row.id,
            name=row.name,
            url=row.url,
            kinds=[EventKind(kind) for kind in row.kinds],
            stream_ids=row.stream_ids,
            person_ids=row.person_ids,
            with_crop=row.with_crop,
            active=row.is_active,
            disabled_reason=row.disabled_reason,
            failing_since=row.failing_since,
            delivered_at=row.delivered_at,
            created_at=row.created_at,
            waiting=record.counts.waiting,
            dead=record.counts.dead,
        )


class WebhookOnlyAnswer(BaseModel):
    webhook: WebhookAnswer
    request_id: str


class WebhookSecretAnswer(BaseModel):
    webhook: WebhookAnswer
    secret: str = Field(description="What messages are signed with; in this answer and nowhere else.")
    request_id: str


class WebhookListAnswer(BaseModel):
    webhooks: list[WebhookAnswer]
    request_id: str


class WebhookTestAnswer(BaseModel):
    delivered: bool
    status: int | None = Field(description="HTTP; null: there was no answer.")
    error: str | None
    duration_ms: float
    request_id: str

    @classmethod
    def of(cls, result: PostResult, request_id: str) -> "WebhookTestAnswer":
        return cls(
            delivered=result.error is None,
            status=result.status,
            error=result.error,
            duration_ms=round(result.duration_ms, 1),
            request_id=request_id,
        )


class WebhookDeliveryAnswer(BaseModel):
    event_id: str
    kind: str = Field(description="Of the event, or `test`.")
    attempt: int = Field(description="1: the first try of this event.")
    delivered: bool
    status: int | None
    error: str | None
    duration_ms: float
    at: datetime

    @classmethod
    def of(cls, row: WebhookAttempt) -> "WebhookDeliveryAnswer":
        return cls(
            event_id=row.event_id,
            kind=row.kind,
            attempt=row.number,
            delivered=row.error is None,
            status=row.status,
            error=row.error,
            duration_ms=round(row.duration_ms, 1),
            at=row.at,
        )


class WebhookDeliveriesAnswer(BaseModel):
    deliveries: list[WebhookDeliveryAnswer]
    request_id: str


class DeadLetterAnswer(BaseModel):
    event_id: str
    stream_id: str
    kind: EventKind
    attempts: int
    error: str | None
    created_at: datetime

    @classmethod
    def of(cls, row: WebhookDelivery) -> "DeadLetterAnswer":
        return cls(
            event_id=row.event_id,
            stream_id=row.stream_id,
            kind=EventKind(row.kind),
            attempts=row.attempts,
            error=row.error,
            created_at=row.created_at,
        )


class DeadLettersAnswer(BaseModel):
    dead_letters: list[DeadLetterAnswer]
    next_cursor: str | None
    request_id: str


class DeadLetterCountAnswer(BaseModel):
    count: int
    request_id: str
