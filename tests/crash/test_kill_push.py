"""kill -9 while clients listen: whoever reconnects sees every result, each once, and no change is told that was not."""

import os
import random
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.listening import Listener, Listening, StreamListener
from tests.crash.server import CrashingServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
KILLS = int(os.environ.get("CRASH_KILLS", "3"))
SEED = int(os.environ.get("CRASH_SEED", "9"))
JOBS = 100


def test_R_INF_3_clients_that_reconnect_see_every_result_after_kill_9(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    environment = {"LIANPU_JOBS__MAX_ATTEMPTS": "50", "LIANPU_LOGGING__LEVEL": "warning"}
    server = CrashingServer(tmp_path / "home", environment, tmp_path / "server.log")
    chosen = random.Random(SEED)
    server.start()
    listeners = [Listener(server, "ws/jobs"), StreamListener(server, "jobs/events")]
    listening = Listening(listeners)
    listening.start()
    try:
        submitted: set[str] = set()
        kills_at = sorted(chosen.sample(range(5, JOBS), KILLS))
        for number in range(JOBS):
            submitted.add(server.call("POST", "/api/v1/gallery/check", repair=False)["job"]["job_id"])
            if number in kills_at:
                server.kill()
                server.start()
        while any(listener.connections < 1 + KILLS // 2 for listener in listeners):
            assert listening.is_alive(), listening.failure
            time.sleep(0.05)
        # What is left, with as many kills as before.
        for _ in range(KILLS):
            server.kill()
            server.start()
        for job_id in submitted:
            server.wait(job_id)
        with sqlite3.connect(tmp_path / "home" / "lianpu.db") as database:
            events = database.execute("SELECT sequence, job_id, status FROM job_events ORDER BY sequence").fetchall()
        while any(len(listener.heard) < len(events) for listener in listeners):
            assert listening.is_alive(), listening.failure
            time.sleep(0.05)
    finally:
        listening.end()
        server.stop()
    assert listening.failure is None
    assert [sequence for sequence, _, _ in events] == list(range(1, len(events) + 1))
    completed = Counter(job_id for _, job_id, status in events if status == "completed")
    assert completed == Counter(submitted)
    for listener in listeners:
        assert listener.heard == events
        assert listener.connections > 1
