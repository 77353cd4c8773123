"""An entry before it is stored: cleaned, cut to size, and free of what has no place in it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, cast

from lianpu.audit.models import (
    ACTOR_ID_MAX_CHARS,
    CLIENT_MAX_CHARS,
    KIND_MAX_CHARS,
    NAME_MAX_CHARS,
    TARGET_MAX_CHARS,
)
from lianpu.http.audited import Action, Detail

TEXT_MAX_CHARS = 255
ITEMS_MAX = 1000
DEPTH_MAX = 4
REQUEST_ID_MAX_CHARS = 64


class Outcome(StrEnum):
    OK = "ok"
    REFUSED = "refused"
    """Who asked may not, or not so often."""
    FAILED = "failed"

    @classmethod
    def of(cls, status: int) -> "Outcome":
        """Of an HTTP answer."""
        if status < 400:
            return cls.OK
        return cls.REFUSED if status in {401, 403, 429} else cls.FAILED


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted, as plain values of the principal."""

    kind: str
    id: str
    name: str


ANONYMOUS = Actor("anonymous", "anonymous", "")
SYSTEM = Actor("system", "system", "system")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    actor: Actor
    action: Action
    outcome: Outcome
    status: int = 0
    target: str | None = None
    client: str = ""
    request_id: str = ""
    detail: Mapping[str, Detail] = field(default_factory=dict[str, Detail])

    def cleaned(self) -> "AuditEntry":
        """As every database keeps it, byte for byte.

        Raises:
            TypeError: the detail holds something other than ids, counts and figures, such as bytes.
        """
        actor = Actor(
            _text(self.actor.kind, KIND_MAX_CHARS),
            _text(self.actor.id, ACTOR_ID_MAX_CHARS),
            _text(self.actor.name, NAME_MAX_CHARS),
        )
        return replace(
            self,
            actor=actor,
            target=None if self.target is None else _text(self.target, TARGET_MAX_CHARS),
            client=_text(self.client, CLIENT_MAX_CHARS),
            request_id=_text(self.request_id, REQUEST_ID_MAX_CHARS),
            detail=_value(dict(self.detail), DEPTH_MAX),
        )


def _text(text: str, max_chars: int) -> str:
    """Without what PostgreSQL (NUL) or UTF-8 (half a surrogate pair) cannot hold, or what would forge a line."""
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: max_chars + 1])
    return plain if len(plain) <= max_chars else plain[: max_chars - 1] + "…"


def _value(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(str(value), TEXT_MAX_CHARS)
    if depth and isinstance(value, Mapping):
        items = list(cast(Mapping[object, object], value).items())[:ITEMS_MAX]
        return {_text(str(key), TEXT_MAX_CHARS): _value(item, depth - 1) for key, item in items}
    if depth and isinstance(value, list | tuple):
        listed = list(cast(Sequence[object], value))
        rest = [f"and {len(listed) - ITEMS_MAX} more"] if len(listed) > ITEMS_MAX else []
        return [_value(item, depth - 1) for item in listed[:ITEMS_MAX]] + rest
    raise TypeError(f"{type(value).__name__} has no place in the audit log")
