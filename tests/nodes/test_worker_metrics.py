"""The `/metrics` of a real worker: its own numbers, on a port of its own."""

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.api.metric_samples import Samples
from tests.crash.test_kill import home, photos
from tests.nodes.installation import WorkerProcess, enrol_batch, installation, is_ready
from tests.nodes.test_installation import Parts, parts
from tests.redis_server import unused_port

__all__ = ["home", "parts", "photos"]
pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(600)]
START_S = 120


def scrape(port: int) -> Samples:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return Samples(answer.read().decode())


@pytest.mark.parametrize("parts", ["postgresql+redis"], indirect=True)
def test_R_OPS_2_a_worker_tells_prometheus_of_the_jobs_that_it_ran(
    home: tuple[Path, Any], tmp_path: Path, parts: Parts, photos: list[tuple[str, bytes]]
) -> None:
    port = unused_port()
    arguments = ("--jobs", "--concurrency", "1", "--metrics-port", str(port))
    with installation(home[0], tmp_path, parts.environment(), workers=0, servers=1) as nodes:
        server = nodes.servers[0]
        worker = WorkerProcess(home[0], parts.environment(), tmp_path / "worker.log", arguments)
        worker.start()
        try:
            nodes.until(lambda: is_ready(worker), within_s=START_S)
            before = scrape(port)
            assert before.of("lianpu_job_workers") == 1
            assert before.of("lianpu_job_run_seconds_count") == 0
            job_id = enrol_batch(server, photos[:3])
            nodes.until(lambda: server.job(job_id)["finished_at"], within_s=120)
            # The run is counted when the worker has put it away, a moment after it has ended.
            nodes.until(lambda: scrape(port).of("lianpu_job_run_seconds_count", status="completed") == 1, within_s=30)
            after = scrape(port)
            assert after.of("lianpu_stage_duration_seconds_count", stage="embed") >= 3
            assert after.of("lianpu_process_resident_memory_bytes") > 0
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status", timeout=30)

            second = WorkerProcess(home[0], parts.environment(), tmp_path / "second.log", arguments)
            second.start()
            nodes.until(lambda: not second.is_up, within_s=START_S)
            assert "[port_in_use]" in second.log.read_text()
            assert "Choose another by --metrics-port N." in second.log.read_text()
        finally:
            status = worker.stop()
        assert status == 0, worker.log.read_text()
        with pytest.raises(urllib.error.URLError):
            scrape(port)
