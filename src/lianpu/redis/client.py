"""Clients of a Redis that a setting names, opened alike."""

from dataclasses import dataclass
from typing import Any, cast

from lianpu.errors import SettingsError


@dataclass(frozen=True, slots=True)
class RedisClient:
    commands: Any
    """A `redis.asyncio.Redis`; it connects when it is first needed."""
    failures: tuple[type[Exception], ...]
    """What its commands raise where Redis is away or refuses. The text may hold the address, and with it a password."""


def open_redis(url: str, *, setting: str, timeout_s: float, health_check_s: int = 0) -> RedisClient:
    """
    Args:
        setting: that names the address, for the text of the error.
        timeout_s: of connecting, and of one answer.
        health_check_s: a connection that was silent for so long is asked whether it is still one; 0: never.

    Raises:
        SettingsError: the Redis client is not installed.
    """
    try:
        from redis.asyncio import Redis
        from redis.exceptions import RedisError
    except ImportError as error:
        raise package_missing(setting) from error
    made_of_url = cast(Any, Redis).from_url
    timeouts = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    commands = made_of_url(url, health_check_interval=health_check_s, **timeouts)
    return RedisClient(commands, (RedisError, OSError))


def package_missing(setting: str) -> SettingsError:
    return SettingsError(f"{setting} names a Redis, and the package for it is not installed: install lianpu[redis].")
