"""Kinds of values that limits are written as."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator

from lianpu.settings.addresses import redis_secret


def _rate(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour|day)", value):
        raise ValueError(f"{value!r} is no rate, such as 300/minute (per second, minute, hour or day)")
    return value


Rate = Annotated[str, AfterValidator(_rate)]


def counter_storage(value: Any) -> Any:
    """An address may hold a password, the word `memory` does not: only the former is masked."""
    if value == "memory":
        return value
    return redis_secret(value, instead="memory, or ")
