"""Two servers and two workers as processes of their own, on one home, one database server and one Redis."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection

from lianpu.jobs.celery_queue import QUEUE
from tests.crash.server import CrashingServer
from tests.jobs.test_queue import RABBITMQ, RABBITMQ_URL

START_S = 120


@dataclass
class WorkerProcess:
    home: Path
    environment: dict[str, str]
    log: Path
    arguments: tuple[str, ...] = ("--jobs", "--concurrency", "1")
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANPU_")}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lianpu", "worker", *self.arguments, "--home", str(self.home)],
                env={**kept, **self.environment},
                cwd=self.home,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)

    def stop(self) -> int | None:
        """Its exit status."""
        if self._process is None or not self.is_up:
            return None
        self._process.terminate()
        return self._process.wait(timeout=60)


@dataclass
class Installation:
    servers: list[CrashingServer]
    workers: list[WorkerProcess]
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def until(self, is_so: Any, *, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(f"{one.log.name}:\n{one.log.read_text()[-3000:]}" for one in [*self.servers, *self.workers])


@contextmanager
def installation(
    home: Path, folder: Path, environment: dict[str, str], *, workers: int = 2, servers: int = 2
) -> Iterator[Installation]:
    """The nodes start one after another, and the first makes what they share."""
    with ExitStack() as stack:
        nodes = [CrashingServer(home, environment, folder / f"server{number}.log") for number in range(servers)]
        working = [WorkerProcess(home, environment, folder / f"worker{number}.log") for number in range(workers)]
        for node in nodes:
            stack.callback(node.stop)
            node.start()
        for worker in working:
            stack.callback(worker.stop)
            worker.start()
        running = Installation(nodes, working, environment)
        running.until(lambda: all(is_ready(worker) for worker in working), within_s=START_S)
        yield running


def is_ready(worker: WorkerProcess) -> bool:
    assert worker.is_up, worker.log.read_text()[-3000:]
    for record in (worker.home / "nodes").glob("*.json"):
        text = record.read_text()
        if f'"pid": {worker.pid},' in text and record.with_suffix(".beat").is_file():
            return True
    return False


def enrol_batch(server: CrashingServer, photos: list[tuple[str, bytes]]) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as upload:
        for number, (name, data) in enumerate(photos):
            upload.writestr(f"{name}/{number:03}.jpg", data)
    headers = {"Content-Type": "application/zip"}
    path = "/api/v1/faces/batch?face_selection=largest"
    return str(server.call("POST", path, packed.getvalue(), headers)["job"]["job_id"])


def items_done(server: CrashingServer, job_id: str) -> int:
    return sum(server.job(job_id)["items"].values())


@contextmanager
def empty_rabbitmq() -> Iterator[str]:
    """Whose queue of jobs is empty."""
    with socket.socket() as probe:
        if probe.connect_ex(RABBITMQ):
            pytest.skip("no RabbitMQ on its standard port")
    with Connection(RABBITMQ_URL) as connection:
        connection.default_channel.queue_delete(QUEUE)
    yield RABBITMQ_URL
    with Connection(RABBITMQ_URL) as connection:
        connection.default_channel.queue_delete(QUEUE)
