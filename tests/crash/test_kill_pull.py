"""kill -9 at random moments of a pull: each time only the rest is requested, and the pack is the right one."""

import os
import random
from pathlib import Path

import pytest
import tomli_w

from tests.crash.server import CrashingServer
from tests.packs.nasty_server import Manners, nasty_server
from tests.packs.test_pull import file_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
KILLS = int(os.environ.get("CRASH_KILLS", "3"))
SEED = int(os.environ.get("CRASH_SEED", "9"))
WEIGHTS = random.Random(4).randbytes(600_000)


def test_R_INF_5_a_pull_survives_kill_9(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    catalogue = tmp_path / "own.toml"
    environment = {"LIANPU_PACKS__CATALOGUE": str(catalogue), "LIANPU_JOBS__MAX_ATTEMPTS": "50"}
    server = CrashingServer(tmp_path / "home", environment, tmp_path / "server.log")
    with nasty_server() as web:
        file = file_of("weights.pth", WEIGHTS, web.serve("/w", WEIGHTS, Manners(pause_s=0.0002)))
        terms = {"id": "MIT", "commercial": True}
        entry = {"name": "weights", "version": "1", "family": "upscale", "licence": terms, "files": [file]}
        catalogue.write_text(tomli_w.dumps({"packs": [entry]}))
        server.start()
        try:
            job_id = server.call("POST", "/api/v1/models/pull", name="weights")["job"]["job_id"]
            job = server.complete(job_id, len(WEIGHTS), kills=KILLS, seed=SEED)
        finally:
            server.stop()
    assert job["status"] == "completed", job["error"]
    assert (tmp_path / "home/packs/weights@1/weights.pth").read_bytes() == WEIGHTS
    assert list((tmp_path / "home/cache/downloads").iterdir()) == []
    starts = [0 if asked.range is None else int(asked.range[6:-1]) for asked in web.asked]
    # What was there when a kill came was not requested again.
    assert starts == sorted(starts)
    assert 0 < server.kills[-1] <= starts[-1]
    assert job["result"]["downloaded_bytes"] == len(WEIGHTS) - starts[-1]
