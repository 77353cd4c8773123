"""One run of a job as logs, metrics and traces see it: everything that it does carries its id."""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext

from structlog.contextvars import bound_contextvars

from lianpu.jobs.metrics import JobMetrics
from lianpu.jobs.models import Job
from lianpu.observability.instruments import current_instruments


@contextmanager
def attempt_of(job: Job, metrics: JobMetrics | None) -> Generator[None]:
    """Around the run: `metrics` None: nothing is measured."""
    instruments = current_instruments()
    tracing = None if instruments is None else instruments.tracing
    if metrics is not None:
        metrics.began(job)
    try:
        with nullcontext() if tracing is None else tracing.job_span(job.kind, job.id):
            ids = {"job_id": job.id}
            trace_id = None if tracing is None else tracing.trace_id()
            if trace_id is not None:
                ids["trace_id"] = trace_id
            with bound_contextvars(**ids):
                yield
    finally:
        if metrics is not None:
            metrics.left(job)


def remember_origin(job_id: str) -> None:
    """The run of this job belongs to the trace of what asks for it now."""
    instruments = current_instruments()
    if instruments is not None and instruments.tracing is not None:
        instruments.tracing.remember(job_id)
