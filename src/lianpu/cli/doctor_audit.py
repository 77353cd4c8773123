"""What `lianpu doctor` says of the audit log: does the chain still reach to where it was anchored?"""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianpu.audit.chain import Head
    from lianpu.audit.verification import ChainProblem
    from lianpu.settings import Settings


def audit_state(settings: "Settings") -> tuple[str, bool]:
    """A quick look, which proves no event. Returns: what to say, and whether it is a problem."""
    from sqlalchemy.exc import DBAPIError

    from lianpu.bootstrap import has_database
    from lianpu.errors import LianpuError

    try:
        if not has_database(settings):
            return "nothing is recorded yet", False
        head, problem = asyncio.run(_look(settings))
    except (DBAPIError, LianpuError, OSError) as error:
        # A home that may not be entered, a database of an older version, or one that does not answer.
        return f"it cannot be read: {type(error).__name__} of the database", False
    if problem is not None:
        from lianpu.audit.schemas import EXPLANATIONS

        return f"{EXPLANATIONS[problem]} Run `lianpu audit verify`.", True
    return "nothing is recorded yet" if head is None else f"{head.sequence} events, up to where it was anchored", False


async def _look(settings: "Settings") -> "tuple[Head | None, ChainProblem | None]":
    from lianpu.audit.anchor import Anchor
    from lianpu.audit.chain import Seal
    from lianpu.audit.verification import AuditVerification
    from lianpu.bootstrap import database_of
    from lianpu.storage.local import LocalStorage

    database = database_of(settings)
    try:
        # No seal is made anew, so no key is needed, nor made.
        return await AuditVerification(database, Seal(bytes), Anchor(LocalStorage(settings.home))).quick()
    finally:
        await database.close()
