"""R-OPS 2: several servers and workers are one installation, and what is killed or restarted loses nothing.

PostgreSQL with Celery on Redis, and MariaDB with Celery on RabbitMQ.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lianpu.database.session import Database
from tests.crash.test_kill import ENVIRONMENT, home, photos
from tests.databases import DatabaseServer, done, served
from tests.nodes.installation import Installation, empty_rabbitmq, enrol_batch, installation, is_ready, items_done
from tests.redis_server import NOTHING_KEPT, redis_server, unused_port

__all__ = ["home", "photos"]
pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(600)]
PHOTOS = 60
TAKEOVER_S = 30
"""The lease of whoever was killed runs out, and a worker looks into the table: at most 25 s and the work itself."""


@dataclass
class Parts:
    folder: Path
    database_url: str
    redis_port: int
    broker_url: str
    restarted: ExitStack = field(default_factory=ExitStack)

    def start_redis(self) -> None:
        self.restarted.enter_context(redis_server(self.folder, *NOTHING_KEPT, port=self.redis_port))

    def restart_redis(self) -> None:
        """Everything in it is lost: it keeps nothing."""
        self.restarted.close()
        self.start_redis()

    def environment(self) -> dict[str, str]:
        redis = f"redis://127.0.0.1:{self.redis_port}"
        return {
            **ENVIRONMENT,
            "LIANPU_DATABASE__URL": self.database_url,
            "LIANPU_NODES__REDIS": f"{redis}/0",
            "LIANPU_LIMITS__STORAGE": f"{redis}/1",
            "LIANPU_ENHANCE__STORAGE": f"{redis}/2",
            "LIANPU_JOBS__BROKER": self.broker_url or f"{redis}/3",
        }


@pytest.fixture(params=["postgresql+redis", "mariadb+rabbitmq"])
def parts(
    request: pytest.FixtureRequest, tmp_path: Path, database_server: Callable[[str], DatabaseServer]
) -> Iterator[Parts]:
    database, broker = request.param.split("+")
    folder = tmp_path / "redis"
    folder.mkdir()
    broker_url = ""
    with ExitStack() as stack:
        if broker == "rabbitmq":
            broker_url = stack.enter_context(empty_rabbitmq())
        url = stack.enter_context(_database(database_server(database)))
        one = Parts(folder, url, unused_port(), broker_url)
        one.start_redis()
        yield one
        one.restarted.close()


@pytest.fixture
def running(home: tuple[Path, Any], tmp_path: Path, parts: Parts) -> Iterator[Installation]:
    with installation(home[0], tmp_path, parts.environment()) as nodes:
        yield nodes


def test_R_OPS_2_a_batch_survives_kill_9_of_its_worker_and_a_broker_that_loses_everything(
    running: Installation, parts: Parts, photos: list[tuple[str, bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = running.servers
    job_ids = [enrol_batch(running.servers[number % 2], photos[number::2][: PHOTOS // 2]) for number in range(2)]
    sent = [photo for number in range(2) for photo in photos[number::2][: PHOTOS // 2]]
    running.until(lambda: all(items_done(second, job_id) >= 3 for job_id in job_ids), within_s=60)
    running.workers[0].kill()
    parts.restart_redis()
    killed_at = time.monotonic()
    running.until(lambda: all(second.job(job_id)["finished_at"] for job_id in job_ids), within_s=240)
    took_s = time.monotonic() - killed_at
    jobs = [first.job(job_id) for job_id in job_ids]
    assert [job["status"] for job in jobs] == ["completed", "completed"], running.logs()
    assert sorted(job["attempts"] for job in jobs) == [1, 2]
    items = [item for job_id in job_ids for item in second.items(job_id)]
    assert Counter(item["status"] for item in items) == {"enrolled": PHOTOS}
    result = second.check()
    assert result["is_clean"], result
    assert result["looked_at"]["images"] == PHOTOS
    assert Counter(_hashes(parts.database_url)) == Counter(hashlib.sha256(data).hexdigest() for _, data in sent)
    with capsys.disabled():
        print(f"\nall done {took_s:.1f} s after the kill")


def test_R_OPS_2_a_worker_that_is_told_to_stop_hands_its_job_over_and_any_server_cancels_it(
    running: Installation, photos: list[tuple[str, bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = running.servers
    # More than two workers get done before both have been told to stop.
    job_id = enrol_batch(first, [(f"{name} {turn}", data) for turn in range(6) for name, data in photos])
    running.until(lambda: items_done(first, job_id) >= 2, within_s=60)
    # Whichever has the job, one of the two hands it over.
    for number, worker in enumerate(running.workers):
        assert worker.stop() == 0, running.logs()
        done = items_done(second, job_id)
        running.until(lambda done=done: items_done(second, job_id) > done + 2, within_s=15)
        if number == 0:
            worker.start()
            running.until(lambda worker=worker: is_ready(worker), within_s=60)
    began = time.monotonic()
    second.call("POST", f"/api/v1/jobs/{job_id}/cancel")
    running.until(lambda: first.job(job_id)["finished_at"], within_s=10)
    took_s = time.monotonic() - began
    job = first.job(job_id)
    assert (job["status"], job["attempts"]) == ("cancelled", 1), job
    with capsys.disabled():
        print(f"\ncancelled at another server in {took_s:.2f} s, after {items_done(first, job_id)} photos")


def _hashes(database_url: str) -> list[str]:
    async def read() -> list[str]:
        database = Database(database_url)
        async with database.session() as session:
            found = list(await session.scalars(text("SELECT sha256 FROM person_images")))
        await database.close()
        return found

    return done(read())


@contextmanager
def _database(server: DatabaseServer) -> Iterator[str]:
    yield from served(server)
