"""Writes TOML: the standard library only reads it."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import cast

Table = Mapping[str, object]


def format_toml(content: Table) -> str:
    """The TOML text of nested mappings, lists, strings, booleans and finite numbers; `tomllib` reads it back equal.

    Raises:
        TypeError: a value has no TOML form here (None, NaN, a date …).
    """
    return "\n".join(_lines(content, ())).strip() + "\n"


def _lines(table: Table, path: tuple[str, ...]) -> Iterator[str]:
    inner: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            inner.append((key, cast(Table, value)))
        elif _is_table_list(value):
            inner.append((key, value))
        else:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner:
        header = ".".join(_key(part) for part in (*path, key))
        if isinstance(value, list):
            for item in cast(list[Table], value):
                yield f"\n[[{header}]]"
                yield from _lines(item, (*path, key))
        else:
            lines = list(_lines(cast(Table, value), (*path, key)))
            # A table of nothing but tables is named by theirs.
            if not lines or not lines[0].startswith("\n["):
                yield f"\n[{header}]"
            yield from lines


def _is_table_list(value: object) -> bool:
    if not isinstance(value, list):
        return False
    items = cast(list[object], value)
    return bool(items) and all(isinstance(item, Mapping) for item in items)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case str():
            # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return "[" + ", ".join(_value(item) for item in cast(list[object], value)) + "]"
        case _:
            raise TypeError(f"{value!r} has no place in TOML")
