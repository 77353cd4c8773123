"""Readings of the database and spans of its statements are the same on each of the three."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from lianpu.bootstrap.database_spans import trace_statements
from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.jobs.metrics import job_reading
from lianpu.jobs.models import Job, JobStatus
from lianpu.observability.metrics import Metrics
from lianpu.observability.tracing import Tracing
from lianpu.streams.delivery.webhooks.repository import DeliveryCounts, WebhookRepository
from tests.api.metric_samples import Samples

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await opened.migrate()
    yield opened
    await opened.close()


async def test_R_OPS_2_jobs_that_wait_are_counted_and_the_oldest_is_known(database: Database) -> None:
    now = now_utc()
    async with database.session() as session:
        for kind, status, age_s in (
            ("gallery.health", JobStatus.PENDING, 90),
            ("gallery.health", JobStatus.PENDING, 30),
            ("gallery.export", JobStatus.FAILED, 500),
        ):
            job = Job(id=new_id(), kind=kind, status=status, parameters={}, created_at=now - timedelta(seconds=age_s))
            session.add(job)
        await session.commit()
    metrics = Metrics()
    metrics.read_by("jobs", job_reading(database, lambda: (2, 3)))
    found = Samples((await metrics.text()).decode())
    assert found.of("lianpu_jobs", kind="gallery.health", state="pending") == found.of("lianpu_job_queue_depth") == 2
    assert found.of("lianpu_jobs", kind="gallery.export", state="failed") == 1
    assert found.of("lianpu_job_queue_oldest_seconds") >= 90
    assert (found.of("lianpu_job_workers"), found.of("lianpu_job_workers_wanted")) == (2, 3)
    async with database.session() as session:
        assert await WebhookRepository(session).counts_of_all() == DeliveryCounts(0, 0)


async def test_R_OPS_2_statements_are_spans_without_text_and_values(database: Database) -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(SimpleSpanProcessor(exporter), sample_ratio=1)
    trace_statements(database.engine, tracing)
    secret = "hunter2 of Eileen"
    await database.ping()
    assert exporter.get_finished_spans() == ()
    with tracing.request_span("GET", None, "r-1"):
        async with database.session() as session:
            job = Job(id=new_id(), kind="gallery.health", status=JobStatus.PENDING, parameters={"name": secret})
            session.add(job)
            await session.commit()
            await session.execute(text("SELECT id FROM jobs WHERE kind = :kind"), {"kind": secret})
        with pytest.raises(SQLAlchemyError):
            async with database.session() as session:
                await session.execute(text(f"SELECT nothing FROM nowhere WHERE name = '{secret}'"))
    *statements, request = exporter.get_finished_spans()
    # What a dialect asks for by itself at its first connection is there, too.
    names = [span.name for span in statements]
    assert names[-3:] == ["INSERT", "SELECT", "SELECT"]
    system = database.engine.dialect.name
    for span in statements:
        assert span.attributes is not None
        assert span.attributes["db.system.name"] == system
        assert span.parent is not None
        assert span.parent.span_id == request.context.span_id
        assert span.end_time is not None
        assert secret not in span.to_json()
        assert "jobs" not in span.to_json()
    assert ["error.type" in (span.attributes or {}) for span in statements[-3:]] == [False, False, True]
