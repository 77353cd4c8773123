"""Cursors: opaque places in a sorted list, bound to the filters they were made under."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from lianpu.errors import CursorInvalidError


@dataclass(frozen=True, slots=True)
class Cursor:
    """The sort key of the last item that was given out."""

    key: tuple[str, ...]

    def encode(self, scope: str) -> str:
        """`scope` names the endpoint and its filters: the cursor is refused under any other."""
        text = json.dumps([_digest(scope), *self.key], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(text: str, scope: str, parts: int) -> Cursor:
    """
    Raises:
        CursorInvalidError: not a cursor of this server, or one of another list or of other filters.
    """
    try:
        decoded = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except ValueError as error:
        raise CursorInvalidError("The cursor is not one that this server gave out.") from error
    if not isinstance(decoded, list):
        raise CursorInvalidError("The cursor is not one that this server gave out.")
    items = [item for item in decoded if isinstance(item, str)]  # pyright: ignore[reportUnknownVariableType]
    if len(items) != parts + 1 or len(items) != len(decoded):  # pyright: ignore[reportUnknownArgumentType]
        raise CursorInvalidError("The cursor is not one that this server gave out.")
    if items[0] != _digest(scope):
        raise CursorInvalidError("The cursor belongs to a list with other filters: start again without it.")
    return Cursor(tuple(items[1:]))


def moment_and_id(cursor: Cursor) -> tuple[datetime, str]:
    """The sort key of lists that go by time, and by id where times are equal.

    Raises:
        CursorInvalidError: the cursor holds something else.
    """
    try:
        return datetime.fromisoformat(cursor.key[0]), cursor.key[1]
    except ValueError as error:
        raise CursorInvalidError("The cursor is not one that this server gave out.") from error


def _digest(scope: str) -> str:
    return hashlib.sha256(scope.encode()).hexdigest()[:16]
