"""What receivers of webhooks read."""

import base64
import json

from lianpu.database.base import new_id, now_utc
from lianpu.streams.models import StreamEvent
from lianpu.streams.schemas import StreamEventAnswer

TEST_KIND = "test"


class WebhookMessage(StreamEventAnswer):
    """An event as the API shows it, with its stream's name; `crop` is added to it where an endpoint wants faces."""

    stream_name: str


def message_of(event: StreamEvent, stream_name: str) -> str:
    """JSON."""
    fields = StreamEventAnswer.of(event).model_dump()
    return WebhookMessage(**fields, stream_name=stream_name).model_dump_json()


def with_crop(message: str, jpeg: bytes | None) -> str:
    """JSON with the face in base64; null where it is not kept any more."""
    crop = None if jpeg is None else base64.b64encode(jpeg).decode()
    return json.dumps({**json.loads(message), "crop": crop}, ensure_ascii=False, separators=(",", ":"))


def test_message() -> tuple[str, str]:
    """The id of an event that never was, and JSON of it."""
    event_id = new_id()
    message = {"event_id": event_id, "kind": TEST_KIND, "at": now_utc().isoformat()}
    return event_id, json.dumps(message, separators=(",", ":"))
