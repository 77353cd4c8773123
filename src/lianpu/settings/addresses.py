"""Addresses of other servers: each may hold a password or a token, and is masked for it."""

from collections.abc import Set
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

_REDIS = frozenset({"redis", "rediss"})


def redis_address(value: Any) -> Any:
    return value if value is None else redis_secret(value)


def broker_address(value: Any) -> Any:
    told = "the address of a broker such as redis://host:6379/1 or amqp://user:password@host:5672//"
    return value if value is None else _secret(value, _REDIS | {"amqp", "amqps"}, told)


def milvus_address(value: Any) -> Any:
    told = "the address of a Milvus such as http://user:password@host:19530/database"
    return value if value is None else _secret(value, {"http", "https"}, told)


def redis_secret(value: Any, *, instead: str = "") -> SecretStr:
    """
    Args:
        instead: what it may be in place of an address, in words.
    """
    return _secret(value, _REDIS, f"{instead}the address of a Redis such as redis://:password@host:6379/0")


def _secret(value: Any, schemes: Set[str], told: str) -> SecretStr:
    parts = urlsplit(value if isinstance(value, str) else "")
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"must be {told}")
    return SecretStr(value)
