"""Rules for what names a person: ids, names and metadata."""

import json
import math
import unicodedata
from collections.abc import Iterator
from typing import Any, cast

PERSON_ID_MAX_CHARS = 128
NAME_MAX_CHARS = 200
RESERVED_IDS = frozenset({"batch"})
METADATA_MAX_BYTES = 16 * 1024


def checked_person_id(value: str) -> str:
    """Letters and digits of any script, and `. _ - @ :` between them; NFC, at most 128 characters.

    Raises:
        ValueError: anything else. A slash would end the id inside a URL's path.
    """
    value = unicodedata.normalize("NFC", value)
    if not 1 <= len(value) <= PERSON_ID_MAX_CHARS:
        raise ValueError(f"must have 1 to {PERSON_ID_MAX_CHARS} characters")
    if value in RESERVED_IDS:
        raise ValueError(f"must not be {value!r}, which is a route of the API")
    if not (_is_word(value[0]) and all(_is_word(char) or char in "._-@:" for char in value)):
        raise ValueError("may hold letters and digits of any script and . _ - @ : and must begin with one of the first")
    return value


def person_id_from(name: str) -> str:
    """The id of a person who is only known by name: the same each time, with `_` for what an id may not hold."""
    kept = "".join(char if _is_word(char) or char in "._-@:" else "_" for char in unicodedata.normalize("NFC", name))
    return kept if kept and _is_word(kept[0]) else f"p{kept}"


def checked_name(value: str) -> str:
    """Trimmed, NFC, 1…200 characters, none of them a control character.

    Raises:
        ValueError: anything else.
    """
    value = unicodedata.normalize("NFC", value.strip())
    if not 1 <= len(value) <= NAME_MAX_CHARS:
        raise ValueError(f"must have 1 to {NAME_MAX_CHARS} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
        raise ValueError("must not hold control characters")
    return value


def checked_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """
    Raises:
        ValueError: over 16 KiB as JSON, or with what not every database can keep: numbers that are none, half
            characters, NUL characters.
    """
    if _has_strange_number(value):
        raise ValueError("must not hold NaN or Infinity")
    try:
        size = len(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise ValueError("must not hold half of a surrogate pair") from error
    if _has_nul(value):
        raise ValueError("must not hold a NUL character")
    if size > METADATA_MAX_BYTES:
        raise ValueError(f"must be at most {METADATA_MAX_BYTES} bytes of JSON, is {size}")
    return value


def _is_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNM"


def _has_strange_number(value: object) -> bool:
    return any(isinstance(item, float) and not math.isfinite(item) for item in _leaves(value))


def _has_nul(value: object) -> bool:
    return any(isinstance(item, str) and "\0" in item for item in _leaves(value))


def _leaves(value: object) -> Iterator[object]:
    """Of JSON: what is neither list nor object, and the keys of objects."""
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            members = cast(dict[Any, Any], item)
            yield from members.keys()
            pending.extend(members.values())
        elif isinstance(item, list):
            pending.extend(cast(list[Any], item))
        else:
            yield item
