"""What `lianpu doctor` says of the database: which it is, whether it answers, and whether its schema is the newest."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianpu.settings import Settings


def database_state(settings: "Settings") -> tuple[str, bool]:
    """Returns: what to say, without any password, and whether it is a problem."""
    from sqlalchemy.exc import DBAPIError

    from lianpu.bootstrap import has_database
    from lianpu.errors import LianpuError

    try:
        if not has_database(settings):
            return "SQLite in the home folder; there is none yet", False
        return asyncio.run(_look(settings))
    except LianpuError as error:
        return error.detail, True
    except (DBAPIError, OSError) as error:
        return f"it cannot be read: {type(error).__name__}", True


async def _look(settings: "Settings") -> tuple[str, bool]:
    from lianpu.bootstrap import database_of
    from lianpu.database import schema

    database = database_of(settings)
    try:
        async with database.engine.connect() as connection:
            revision = await connection.run_sync(schema.current)
            version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
    finally:
        await database.close()
    place = f"{database.address.title} {version} at {database.address.shown}"
    if revision == schema.newest():
        return f"{place}, schema {revision}", False
    if revision is None or revision in schema.revisions():
        return f"{place}, schema {revision or 'none yet'}: the next start brings it to {schema.newest()}", False
    return f"{place}, schema {revision}: newer than this version of Lianpu", True
