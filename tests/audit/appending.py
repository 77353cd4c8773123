"""Run by a test as a process of its own: appends until somebody kills it, and says what was stored."""

import asyncio
import sys
from pathlib import Path

from lianpu.audit.audit import build_audit
from lianpu.database.session import Database
from lianpu.storage.local import LocalStorage
from tests.audit.tampering import KEY, search_by


async def main(folder: Path, callers: int, count: int) -> None:
    database = Database(f"sqlite+aiosqlite:///{folder / 'test.db'}")
    audit = build_audit(database, LocalStorage(folder / "home"), lambda: KEY)

    async def call(caller: int) -> None:
        for number in range(count):
            head = await audit.log.append(search_by(target=f"{caller}-{number}"))
            print(head.sequence, head.hash, flush=True)

    async with audit.running():
        await asyncio.gather(*(call(caller) for caller in range(callers)))
    await database.close()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
