"""A real server on a home of its own that can be killed at any moment and started again."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

API_KEY = "a-key-that-may-do-everything"
START_TIMEOUT_S = 90
JOB_TIMEOUT_S = 300
POLL_S = 0.01
KILLED_WHILE_STARTING = 0.3
"""How often a kill is followed by another while the server starts and clears up after the first."""


@dataclass
class CrashingServer:
    home: Path
    environment: dict[str, str]
    log: Path
    kills: list[int] = field(default_factory=list[int])
    """How far the job was at each kill."""
    prefix: list[str] = field(default_factory=list[str])
    """What the server is started through, such as `unshare`."""
    fixed_port: int | None = None
    """None: another one after each start."""
    _port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        self._launch()
        self._wait_for_start()

    def _launch(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = self.fixed_port or probe.getsockname()[1]
        # The environment of whoever runs the tests must not decide anything here.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANPU_")}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *self.prefix,
                    sys.executable,
                    "-m",
                    "lianpu",
                    "serve",
                    "--port",
                    str(self._port),
                    "--home",
                    str(self.home),
                ],
                env={**kept, "LIANPU_SERVER__API_KEY": API_KEY, **self.environment},
                cwd=self.home,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _wait_for_start(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.call("GET", "/health/live")
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert self._process.poll() is None, self.log.read_text()[-3000:]
                assert time.monotonic() < deadline, self.log.read_text()[-3000:]
                time.sleep(0.05)

    def kill(self) -> None:
        """As the power would: nothing gets to say goodbye."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=60)

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, **fields: Any
    ) -> Any:
        given = {"Content-Type": "application/json", "X-API-Key": API_KEY, **(headers or {})}
        data = json.dumps(fields).encode() if fields and body is None else body
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", data, given, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())

    def job(self, job_id: str) -> dict[str, Any]:
        return self.call("GET", f"/api/v1/jobs/{job_id}")["job"]

    def complete(self, job_id: str, total: int, *, kills: int, seed: int) -> dict[str, Any]:
        """Kill the server `kills` times at random moments of the job, and then let the job come to its end."""
        chosen = random.Random(seed)
        for moment in sorted(chosen.uniform(0.02, 0.93) for _ in range(kills)):
            progress = self._wait(job_id, round(moment * total))
            time.sleep(chosen.uniform(0, 0.05))
            self.kill()
            self.kills.append(progress)
            if chosen.random() < KILLED_WHILE_STARTING:
                self._launch()
                time.sleep(chosen.uniform(0.3, 2.5))
                self.kill()
            self.start()
        self._wait(job_id, None)
        return self.job(job_id)

    def wait(self, job_id: str) -> dict[str, Any]:
        """Until the job has ended."""
        self._wait(job_id, None)
        return self.job(job_id)

    def items(self, job_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.call("GET", f"/api/v1/jobs/{job_id}/items?limit=1000{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def check(self) -> dict[str, Any]:
        """What `lianpu gallery check` finds."""
        job_id = self.call("POST", "/api/v1/gallery/check", repair=False)["job"]["job_id"]
        self._wait(job_id, None)
        job = self.job(job_id)
        assert job["status"] == "completed", job["error"]
        return job["result"]

    def _wait(self, job_id: str, wanted: int | None) -> int:
        """Until so many items are done, or (None) until the job has ended. Returns: how far it is."""
        deadline = time.monotonic() + JOB_TIMEOUT_S
        while True:
            job = self.job(job_id)
            # Progress is written now and then, items with every step.
            done = max(job["progress"]["done"], sum(job["items"].values()))
            if wanted is None and job["finished_at"] is not None:
                return done
            assert wanted is None or job["finished_at"] is None, f"the job ended before it could be killed: {job}"
            if wanted is not None and done >= wanted:
                return done
            assert time.monotonic() < deadline, job
            time.sleep(POLL_S)
