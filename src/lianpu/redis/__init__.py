"""Redis, as every part of an installation reaches it."""

from lianpu.redis.client import RedisClient, open_redis, package_missing

__all__ = ["RedisClient", "open_redis", "package_missing"]
