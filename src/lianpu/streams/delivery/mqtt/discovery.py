"""What Home Assistant is told: which topics there are, what they hold, and how entities are made of them.

A stream is a device with a binary sensor (it runs), a sensor (who was seen last) and an event entity.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import lianpu
from lianpu.streams.events import EventKind
from lianpu.streams.health import StreamState
from lianpu.streams.models import StreamEvent
from lianpu.streams.records import StreamRecord
from lianpu.streams.schemas import StreamEventAnswer

ONLINE, OFFLINE = "online", "offline"
ON, OFF = "ON", "OFF"
GONE = ""
"""A retained message that is empty is none: the entity goes."""


@dataclass(frozen=True, slots=True)
class LastPerson:
    person_id: str | None
    name: str | None
    score: float | None
    at: datetime
    event_id: str

    @classmethod
    def of(cls, event: StreamEvent) -> "LastPerson":
        return cls(event.person_id, event.person_name, event.score, event.at, event.id)


class Topics:
    def __init__(self, prefix: str, discovery_prefix: str) -> None:
        self._prefix = prefix
        self._discovery = discovery_prefix
        self.status = f"{prefix}/status"
        """`online`, or `offline`: said by the broker where the server cannot."""
        self.every_running = self.running("+")
        self._running = re.compile(re.escape(f"{prefix}/streams/") + r"([0-9a-f-]{36})/running")

    def running(self, stream_id: str) -> str:
        return f"{self._prefix}/streams/{stream_id}/running"

    def person(self, stream_id: str) -> str:
        return f"{self._prefix}/streams/{stream_id}/person"

    def attributes(self, stream_id: str) -> str:
        """JSON about the last person."""
        return f"{self._prefix}/streams/{stream_id}/person/attributes"

    def events(self, stream_id: str) -> str:
        """JSON of each event; never retained, else each restart of Home Assistant would be one."""
        return f"{self._prefix}/streams/{stream_id}/events"

    def config(self, component: str, stream_id: str, entity: str) -> str:
        return f"{self._discovery}/{component}/lianpu_{stream_id}/{entity}/config"

    def retained(self, stream_id: str) -> list[str]:
        """All that a broker keeps of a stream, in the order in which it is taken away: by the last one it is known."""
        return [
            self.config("binary_sensor", stream_id, "running"),
            self.config("sensor", stream_id, "person"),
            self.config("event", stream_id, "seen"),
            self.person(stream_id),
            self.attributes(stream_id),
            self.running(stream_id),
        ]

    def stream_of(self, topic: str) -> str | None:
        """Of a topic that says whether a stream runs."""
        found = self._running.fullmatch(topic)
        return None if found is None else found[1]


def retained_of(topics: Topics, record: StreamRecord, last: LastPerson | None) -> dict[str, str]:
    """Topic -> payload; first of all the one that a broker's streams are known by."""
    stream_id = record.row.id
    is_running = record.health is not None and record.health.state is StreamState.RUNNING
    found = {topics.running(stream_id): ON if is_running else OFF, **_configs(topics, record)}
    if last is not None:
        found[topics.person(stream_id)] = last.name or last.person_id or "?"
        found[topics.attributes(stream_id)] = _json(
            {
                "person_id": last.person_id,
                "score": None if last.score is None else round(last.score, 4),
                "at": last.at.isoformat(),
                "event_id": last.event_id,
            }
        )
    return found


def event_payload(event: StreamEvent, stream_name: str) -> str:
    fields = StreamEventAnswer.of(event).model_dump(mode="json")
    return _json({"event_type": event.kind, "stream_name": stream_name, **fields})


def _configs(topics: Topics, record: StreamRecord) -> dict[str, str]:
    row = record.row
    stream_id = row.id
    shared: dict[str, Any] = {
        "availability_topic": topics.status,
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "device": {
            "identifiers": [f"lianpu_{stream_id}"],
            "name": row.name or f"Stream {stream_id[-8:]}",
            "manufacturer": "Lianpu",
            "model": "Stream",
            "sw_version": lianpu.__version__,
        },
        "origin": {"name": "Lianpu", "sw_version": lianpu.__version__},
    }
    return {
        topics.config("binary_sensor", stream_id, "running"): _json(
            {
                "name": "Running",
                "unique_id": f"lianpu_{stream_id}_running",
                "state_topic": topics.running(stream_id),
                "payload_on": ON,
                "payload_off": OFF,
                "device_class": "running",
                "entity_category": "diagnostic",
                **shared,
            }
        ),
        topics.config("sensor", stream_id, "person"): _json(
            {
                "name": "Last person",
                "unique_id": f"lianpu_{stream_id}_person",
                "state_topic": topics.person(stream_id),
                "json_attributes_topic": topics.attributes(stream_id),
                "icon": "mdi:face-recognition",
                **shared,
            }
        ),
        topics.config("event", stream_id, "seen"): _json(
            {
                "name": "Seen",
                "unique_id": f"lianpu_{stream_id}_seen",
                "state_topic": topics.events(stream_id),
                "event_types": [kind.value for kind in EventKind],
                "icon": "mdi:account-eye",
                **shared,
            }
        ),
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
