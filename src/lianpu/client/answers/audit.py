"""Who did what."""

from datetime import datetime
from typing import Any

from lianpu.client.answers.record import Record


class Actor(Record):
    kind: str
    id: str
    name: str
    """As it was then."""


class AuditEvent(Record):
    sequence: int
    at: datetime
    actor: Actor
    action: str
    outcome: str
    status: int
    """Of the HTTP answer; 0: there was none."""
    target: str | None
    """Id of what was acted upon."""
    client: str
    """Address of the caller."""
    request_id: str
    detail: dict[str, Any]
    hash: str


class AuditVerdict(Record):
    ok: bool
    events: int
    """So many were proved, from the first on."""
    head_hash: str
    """Of the last one proved. Note it down elsewhere, and expect it next time."""
    first_broken: int | None
    """Sequence number of the first event that is wrong; null: none is."""
    problem: str | None
    explanation: str | None
    anchored: int | None
    """Sequence number that the anchor in the home folder names."""
    request_id: str
