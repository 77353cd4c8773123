"""What a model may return: plain JSON of a bounded size, copied so that nobody changes it later."""

import json
import math
from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

MAX_OUTPUT_BYTES = 1 << 20
_MAX_DEPTH = 32
_MAX_VALUES = 200_000


class OutputError(ValueError):
    """What a model returned is nothing that can be stored and sent; the text says what and where."""


def plain_output(returned: object) -> dict[str, JsonValue]:
    """A copy in plain Python types that JSON, UTF-8 and every database can hold.

    Raises:
        OutputError: it is no mapping, holds what JSON cannot hold, or is too large.
    """
    if not isinstance(returned, Mapping):
        raise OutputError(f"it returned {_kind(returned)} where a mapping is needed")
    copied = _Copy().of(cast(object, returned), "output", 0)
    assert isinstance(copied, dict)
    size_bytes = len(json.dumps(copied, ensure_ascii=False, allow_nan=False).encode())
    if size_bytes > MAX_OUTPUT_BYTES:
        raise OutputError(f"its output has {size_bytes} bytes as JSON, and at most {MAX_OUTPUT_BYTES} are allowed")
    return copied


class _Copy:
    def __init__(self) -> None:
        self._values = 0

    def of(self, value: object, place: str, depth: int) -> JsonValue:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise OutputError(f"its output holds more than {_MAX_VALUES} values")
        if depth > _MAX_DEPTH:
            raise OutputError(f"its output is nested more than {_MAX_DEPTH} deep")
        if value is None or isinstance(value, bool):
            return value
        # Subclasses too (enumerations, numpy.float64), each as the plain type.
        if isinstance(value, str):
            return _text(str.__str__(value), place)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise OutputError(f"{place} is {float(value)}, which JSON cannot hold")
            return float(value)
        if isinstance(value, Mapping):
            return self._mapping(cast(Mapping[object, object], value), place, depth)
        if isinstance(value, list | tuple):
            items = cast(list[object], value)
            return [self.of(item, f"{place}[{index}]", depth + 1) for index, item in enumerate(items)]
        raise OutputError(f"{place} is {_kind(value)}, which JSON cannot hold")

    def _mapping(self, value: Mapping[object, object], place: str, depth: int) -> dict[str, JsonValue]:
        copied: dict[str, JsonValue] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise OutputError(f"{place} has the key {key!r:.60}, which is no text")
            plain = _text(str.__str__(key), place)
            copied[plain] = self.of(item, f"{place}.{plain[:60]}", depth + 1)
        return copied


def _text(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise OutputError(f"{place} holds half of a surrogate pair, which UTF-8 cannot hold") from error
    if "\0" in text:
        raise OutputError(f"{place} holds a NUL character, which not every database can hold")
    return text


def _kind(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
