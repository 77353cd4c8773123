"""Clearing away: jobs past their retention, and folders that no job has."""

import asyncio
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.jobs.repository import JobRepository

YOUNG = timedelta(days=1)
"""A folder that is not older may be the draft of an upload that still runs."""


async def clear(database: Database, folder: Path, ended_before: datetime) -> None:
    """Delete the jobs that ended before, and what lies in the jobs' folder and belongs to none."""
    folders = await asyncio.to_thread(_folders_before, folder, (now_utc() - YOUNG).timestamp())
    async with database.session() as session:
        repository = JobRepository(session)
        for job_id in await repository.ended_before(ended_before):
            await repository.delete(job_id)
        await session.commit()
        kept = await repository.ids()
    for entry in folders:
        if entry.name not in kept:
            await asyncio.to_thread(shutil.rmtree, entry, ignore_errors=True)


def _folders_before(folder: Path, moment: float) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir() and entry.stat().st_mtime < moment]
    except FileNotFoundError:  # the folder, or one of those in it, went meanwhile
        return []
