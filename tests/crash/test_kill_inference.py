"""kill -9 with a hundred inference tasks under way: each completes exactly once, and every client hears of it."""

import os
import random
import shutil
import sqlite3
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.crash.listening import HEADERS, Listener, Listening, StreamListener
from tests.crash.server import CrashingServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
KILLS = int(os.environ.get("CRASH_KILLS", "4"))
SEED = int(os.environ.get("CRASH_SEED", "11"))
TASKS = 100


def test_R_INF_2_a_hundred_tasks_complete_exactly_once_whatever_is_killed(
    tmp_path: Path, translated_packs: Path, t1_photo: bytes
) -> None:
    home = tmp_path / "home"
    shutil.copytree(translated_packs, home / "cache" / "packs")
    environment = {"LIANPU_JOBS__MAX_ATTEMPTS": "50", "LIANPU_LOGGING__LEVEL": "warning"}
    server = CrashingServer(home, environment, tmp_path / "server.log")
    chosen = random.Random(SEED)
    server.start()
    listeners = [Listener(server, "ws/inference"), StreamListener(server, "images/inference/events")]
    listening = Listening(listeners)
    listening.start()
    try:
        files = {"file": ("t1.jpg", t1_photo)}
        address = f"http://127.0.0.1:{server.port}/api/v1/images/upload"
        answer = httpx2.post(address, files=files, headers=HEADERS, timeout=60, trust_env=False)
        image_id = answer.json()["image"]["image_id"]
        submitted = [
            server.call(
                "POST",
                "/api/v1/images/inference/async",
                headers={"Idempotency-Key": f"task-{number}"},
                image_id=image_id,
                model="face-analysis",
            )["task"]["task_id"]
            for number in range(TASKS)
        ]
        assert len(set(submitted)) == TASKS
        assert server.job(submitted[-1])["status"] == "pending"
        for kill in range(KILLS):
            while _completed(home) < (kill + 0.2) * TASKS / (KILLS + 1):
                time.sleep(0.01)
            time.sleep(chosen.uniform(0, 0.1))
            server.kill()
            server.kills.append(_completed(home))
            server.start()
        for task_id in submitted:
            assert server.wait(task_id)["status"] == "completed"
        while any(len(listener.result_urls) < TASKS for listener in listeners):
            assert listening.is_alive(), listening.failure
            time.sleep(0.05)
        results = [server.call("GET", listeners[0].result_urls[task_id])["result"] for task_id in submitted]
        listed = server.call("GET", f"/api/v1/images/{image_id}/results?limit=200")
    finally:
        listening.end()
        server.stop()
    assert listening.failure is None
    assert max(server.kills) < TASKS
    assert {len(result["output"]["faces"]) for result in results} == {6}
    assert (len(listed["results"]), listed["total"]) == (TASKS, TASKS)
    with sqlite3.connect(home / "lianpu.db") as database:
        events = database.execute("SELECT sequence, job_id, status FROM job_events ORDER BY sequence").fetchall()
        kept = database.execute("SELECT id FROM inference_results").fetchall()
    assert Counter(task_id for (task_id,) in kept) == Counter(submitted)
    assert Counter(job_id for _, job_id, status in events if status == "completed") == Counter(submitted)
    for listener in listeners:
        assert listener.heard == events
        assert listener.connections > KILLS


def _completed(home: Path) -> int:
    with sqlite3.connect(f"file:{home / 'lianpu.db'}?mode=ro", uri=True, timeout=30) as database:
        return database.execute("SELECT count(*) FROM jobs WHERE status = 'completed'").fetchone()[0]
