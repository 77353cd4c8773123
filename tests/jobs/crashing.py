"""Run by a test as a process of its own: works through a job item by item until somebody kills it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import text

from lianpu.database.session import Database
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.workers import JobWorkers

ITEMS = 200


class Counting:
    """Item and effect in one transaction, as a gallery handler does it."""

    kind = "test.count"

    async def run(self, job: RunningJob) -> dict[str, Any]:
        done = await job.items_done()
        for position in range(ITEMS):
            if position not in done:
                async with job.database.session() as session:
                    await session.execute(text("INSERT INTO effects VALUES (:position)"), {"position": position})
                    job.add_item(session, position, f"item {position}", "counted", {})
                    await session.commit()
                print(position, flush=True)
            await job.report(position + 1, ITEMS)
        return {"counted": len(await job.items_done())}


async def main(home: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{home / 'lianpu.db'}")
    await database.migrate()
    async with database.session() as session:
        await session.execute(text("CREATE TABLE IF NOT EXISTS effects (position INTEGER)"))
        await session.commit()
    workers = JobWorkers(database, home / "jobs", [Counting()], workers=1, max_attempts=50)
    jobs = Jobs(database, home / "jobs", workers, retention_days=1)
    job = await jobs.submit("test.count", {}, idempotency_key="the one")
    await workers.start()
    while (await jobs.get(job.id)).job.finished_at is None:
        await asyncio.sleep(0.01)
    await workers.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
