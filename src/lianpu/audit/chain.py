"""The chain: each event is sealed with the one before it by HMAC-SHA256 (RFC 2104)."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FORMAT = 1
FIELDS = (
    "sequence",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "outcome",
    "status",
    "target",
    "client",
    "request_id",
    "detail",
    "previous_hash",
)
"""What is sealed, in this order."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last event: with it all before it is fixed."""

    sequence: int
    hash: str


class Seal:
    """Hashes of events under the installation's key: whoever can write the database alone can forge none."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        """`key`: gives 32 bytes; asked at first use."""
        self._source = key
        self._key: bytes | None = None

    @property
    def origin(self) -> Head:
        """What the first event follows."""
        return Head(0, self._mac(json.dumps([FORMAT, "origin"]).encode()))

    def hash_of(self, event: Mapping[str, Any]) -> str:
        """
        Args:
            event: the values of `FIELDS`.

        Returns:
            64 hexadecimal digits over the JSON list of the format's number and the values, keys sorted, in UTF-8.
        """
        return self._mac(canonical(event))

    def _mac(self, content: bytes) -> str:
        if self._key is None:
            self._key = self._source()
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()


def canonical(event: Mapping[str, Any]) -> bytes:
    """The same bytes on every database and machine."""
    at: datetime = event["at"]
    values = [event[name] if name != "at" else at.astimezone(UTC).isoformat(timespec="microseconds") for name in FIELDS]
    return json.dumps([FORMAT, *values], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
