"""What `lianpu doctor` says of accounts: is there an administrator, and who can read the keys."""

import asyncio
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianpu.settings import Settings


def administrator_problem(settings: "Settings") -> str | None:
    """None: there is an active administrator."""
    from sqlalchemy.exc import DBAPIError

    from lianpu.accounts.repository import AccountRepository
    from lianpu.bootstrap import database_of, has_database
    from lianpu.errors import LianpuError

    async def count() -> int:
        database = database_of(settings)
        try:
            async with database.session() as session:
                return await AccountRepository(session).active_admins()
        finally:
            await database.close()

    try:
        if not has_database(settings):
            return "there is none yet: the first `lianpu serve` prints a link to make one"
        admins = asyncio.run(count())
    except (DBAPIError, LianpuError, OSError) as error:
        # A home that may not be entered, a database of an older version, or one that does not answer.
        return f"it cannot be seen whether there is one: {type(error).__name__}"
    return None if admins else "there is none: `lianpu users create-admin NAME`, or the link that `lianpu serve` prints"


def readable_by_others(keys: Path) -> list[Path]:
    """What of home/keys others on this machine could read, and the folder itself; nothing is said on Windows.

    Raises:
        OSError: the folder cannot be looked at.
    """
    if os.name == "nt" or not keys.is_dir():
        return []
    if not _is_open(keys):
        return []  # nobody else comes as far as the files
    return [keys, *(path for path in sorted(keys.iterdir()) if _is_open(path))]


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
