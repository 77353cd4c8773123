"""Kinds of values that limits are written as."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr


def _rate(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour|day)", value):
        raise ValueError(f"{value!r} is no rate, such as 300/minute (per second, minute, hour or day)")
    return value


Rate = Annotated[str, AfterValidator(_rate)]


def counter_storage(value: Any) -> Any:
    """An address may hold a password, the word `memory` does not: only the former is masked."""
    if value == "memory":
        return value
    return _redis(value, "memory, or ")


def redis_address(value: Any) -> Any:
    return value if value is None else _redis(value, "")


def broker_address(value: Any) -> Any:
    if value is None:
        return value
    parts = urlsplit(value if isinstance(value, str) else "")
    if parts.scheme not in {"redis", "rediss", "amqp", "amqps"} or not parts.hostname:
        raise ValueError(
            "must be the address of a broker such as redis://host:6379/1 or amqp://user:password@host:5672//"
        )
    return SecretStr(value)


def milvus_address(value: Any) -> Any:
    """It may hold a token."""
    if value is None:
        return value
    parts = urlsplit(value if isinstance(value, str) else "")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be the address of a Milvus such as http://user:password@host:19530/database")
    return SecretStr(value)


def _redis(value: Any, else_: str) -> SecretStr:
    parts = urlsplit(value if isinstance(value, str) else "")
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError(f"must be {else_}the address of a Redis such as redis://:password@host:6379/0")
    return SecretStr(value)
