"""What the jobs' table says of enhancements: ids, sizes and moments; never a name of a file, and never a picture."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.enhance.results import StoredResult
from lianpu.enhance.tasks import CleaningReason
from lianpu.jobs.models import ENDED, Job, JobStatus
from lianpu.jobs.ownership import ENHANCEMENT


@dataclass(frozen=True, slots=True)
class Cleaned:
    at: datetime
    by: CleaningReason


def result_row(result: StoredResult) -> dict[str, Any]:
    """Of a completed job: its result without the name that the photo has."""
    row = asdict(result)
    del row["file_name"]
    return {**row, "expires_at": result.expires_at.isoformat()}


def result_of(job: Job) -> StoredResult | None:
    """None: there is none, or it was overwritten."""
    if job.status != JobStatus.COMPLETED or not job.result or "name" not in job.result or cleaned_of(job):
        return None
    suffix = job.result["media_type"].rpartition("/")[2]
    return StoredResult(
        name=job.result["name"],
        media_type=job.result["media_type"],
        file_name=f"enhanced.{'jpg' if suffix == 'jpeg' else suffix}",
        size_bytes=job.result["size_bytes"],
        expires_at=datetime.fromisoformat(job.result["expires_at"]),
    )


def holder_of(job: Job) -> str | None:
    """Id of the node in whose memory it lies, or lay."""
    return job.parameters.get("node")


def cleaned_of(job: Job) -> Cleaned | None:
    """None: something of it may still be there."""
    told = job.result or {}
    if "cleaned_at" in told:
        return Cleaned(datetime.fromisoformat(told["cleaned_at"]), CleaningReason(told["cleaned_by"]))
    if job.status == JobStatus.CANCELLED and job.finished_at is not None:
        return Cleaned(job.finished_at, CleaningReason.DELETED)
    if job.status == JobStatus.FAILED and job.finished_at is not None:
        return Cleaned(job.finished_at, CleaningReason.FAILED)
    return None


class EnhancementRecords:
    """Every query; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def job(self, enhancement_id: str) -> Job | None:
        job = await self._session.get(Job, enhancement_id, populate_existing=True)
        return job if job is not None and job.kind == ENHANCEMENT else None

    async def statuses(self, ids: Iterable[str]) -> dict[str, str]:
        """Of those that there are."""
        query = select(Job.id, Job.status).where(Job.id.in_(set(ids)))
        return {job_id: status for job_id, status in await self._session.execute(query)}  # noqa: C416 (rows are no pairs to pyright)

    async def unfinished(self) -> Sequence[Job]:
        query = select(Job).where(Job.kind == ENHANCEMENT, Job.status.not_in(ENDED))
        return (await self._session.scalars(query)).all()

    async def uncleaned(self) -> Sequence[Job]:
        """Completed ones whose result may still be there."""
        query = select(Job).where(Job.kind == ENHANCEMENT, Job.status == JobStatus.COMPLETED)
        return [job for job in await self._session.scalars(query) if cleaned_of(job) is None]

    @staticmethod
    def note_cleaned(job: Job, cleaned: Cleaned) -> bool:
        """False: the job has not ended yet."""
        if job.status not in ENDED:
            return False
        job.result = {**(job.result or {}), "cleaned_at": cleaned.at.isoformat(), "cleaned_by": cleaned.by.value}
        return True
