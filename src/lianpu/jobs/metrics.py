"""Jobs as metrics: what waits and runs, how long, and how it ends."""

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import Metric

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.jobs.models import Job, JobStatus
from lianpu.jobs.repository import JobRepository
from lianpu.observability.metrics import Read, gauge

SECONDS = (0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)


class JobMetrics:
    """What the workers of this process did."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._wait = Histogram(
            "lianpu_job_wait_seconds",
            "From the submission of a job to its first run.",
            ("kind",),
            buckets=SECONDS,
            registry=registry,
        )
        self._run = Histogram(
            "lianpu_job_run_seconds",
            "Of one run of a job, to its end.",
            ("kind", "status"),
            buckets=SECONDS,
            registry=registry,
        )
        self._failures = Counter(
            "lianpu_job_failures", "Jobs that failed, by the code of the error.", ("kind", "code"), registry=registry
        )
        self._begun: dict[str, float] = {}

    def began(self, job: Job) -> None:
        self._begun[job.id] = time.monotonic()
        if job.attempts == 1:
            self._wait.labels(job.kind).observe(max(0.0, (now_utc() - job.created_at).total_seconds()))

    def ended(self, job: Job, status: JobStatus, code: str | None) -> None:
        """`code`: of the error; None: there was none."""
        begun = self._begun.get(job.id, time.monotonic())
        self._run.labels(job.kind, status.value).observe(time.monotonic() - begun)
        if code is not None:
            self._failures.labels(job.kind, code).inc()

    def left(self, job: Job) -> None:
        """The worker has it no longer, whether it ended or not."""
        self._begun.pop(job.id, None)


def job_reading(database: Database, workers: Callable[[], tuple[int, int]]) -> Read:
    """`workers`: how many of this process are alive, and how many are to be."""

    async def read() -> Iterable[Metric]:
        async with database.session() as session:
            repository = JobRepository(session)
            counts = await repository.counts_by_kind()
            oldest = await repository.oldest_waiting()
        by_labels = {key: float(count) for key, count in counts.items()}
        waiting = sum(count for (_, status), count in counts.items() if status == JobStatus.PENDING)
        waited_s = 0.0 if oldest is None else max(0.0, (now_utc() - oldest).total_seconds())
        alive, wanted = workers()
        return [
            gauge("lianpu_jobs", "Jobs in the database.", by_labels, ("kind", "state")),
            gauge("lianpu_job_queue_depth", "Jobs that wait for a worker.", waiting),
            gauge("lianpu_job_queue_oldest_seconds", "How long the oldest waiting job has waited.", waited_s),
            gauge("lianpu_job_workers", "Workers of this process that are alive.", alive),
            gauge("lianpu_job_workers_wanted", "Workers that this process is to have.", wanted),
        ]

    return read
