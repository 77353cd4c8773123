"""The composition root: settings become one platform of database, storage, engines, index and queue."""

from lianpu.bootstrap.building import build_platform, database_of, has_database
from lianpu.bootstrap.engines import sessions_of, swap_engines_of
from lianpu.bootstrap.opening import open_platform, prepare_database, prepare_home
from lianpu.bootstrap.platform import Platform
from lianpu.bootstrap.roles import Roles

__all__ = [
    "Platform",
    "Roles",
    "build_platform",
    "database_of",
    "has_database",
    "open_platform",
    "prepare_database",
    "prepare_home",
    "sessions_of",
    "swap_engines_of",
]
