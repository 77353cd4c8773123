"""Comparing a whole gallery inside a job: it says how far it is, and ends when it is told to."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.database.session import Database
from lianpu.gallery.insights.pair_scan import GalleryVectors, compare_all
from lianpu.jobs.handler import JobCancelled, RunningJob
from lianpu.packs.metric import Metric
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.vectors.pairs import ScanLimits

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Job(RunningJob):
    """Keeps what it is told instead of writing it down."""

    async def report(self, done: int, total: int | None, **_: object) -> None:
        self.checkpoint.setdefault("reports", []).append((done, total))
        if self.is_cancelled():
            raise JobCancelled


@pytest.mark.parametrize("cancelled", [False, True])
async def test_R_LIB_8_a_scan_reports_and_can_be_cancelled(tmp_path: Path, cancelled: bool) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    job = Job("1", "gallery.health", None, {}, {}, 1, tmp_path, database, "w", lambda: cancelled)
    count = 2500
    vectors = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    names = [str(number) for number in range(count)]
    gallery = GalleryVectors(names, np.arange(count), names, vectors)
    queue = InferenceQueue(workers=1, capacity=4)
    try:
        limits = ScanLimits(10**9, tail=1000, with_distribution=False)
        if cancelled:
            with pytest.raises(JobCancelled):
                await compare_all(job, queue, gallery, Metric.COSINE, limits)
        else:
            scores = await compare_all(job, queue, gallery, Metric.COSINE, limits)
            assert scores.probed.all()
    finally:
        await queue.close()
        await database.close()
    reports = job.checkpoint["reports"]
    assert len(reports) == (1 if cancelled else 3)
    assert {total for _, total in reports} == {count}
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
