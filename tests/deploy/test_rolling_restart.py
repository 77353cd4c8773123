"""Two nodes behind deploy/nginx, restarted one after the other under load: no request fails.

By hand, with both on one database: ROLLING_DATABASE=postgresql+asyncpg://… pytest -m slow FILE
"""

import os
import secrets
import shutil
import signal
import threading
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.crash.server import API_KEY, CrashingServer
from tests.deploy.proxy import NEEDS_NGINX, Proxy, configure, free_port, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), NEEDS_NGINX]
CALLERS = 4
DATABASE = os.environ.get("ROLLING_DATABASE")
"""None: each has a SQLite of its own."""


class Node(CrashingServer):
    """Comes back on the same port, as the proxy knows it."""

    def restart(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(60) == 0, self.log.read_text()
        self.start()


class Load:
    """Callers that ask without a pause, as many as there are threads."""

    def __init__(self, proxy: Proxy, photo: bytes) -> None:
        self.outcomes: Counter[str] = Counter()
        self._proxy = proxy
        self._photo = photo
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(CALLERS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _call(self, number: int) -> None:
        headers = {"X-API-Key": API_KEY}
        with httpx2.Client(
            base_url=self._proxy.url, headers=headers, verify=self._proxy.trust, trust_env=False, timeout=120
        ) as client:
            while not self._is_over.is_set():
                try:
                    if number % 2:
                        answer = client.get("/api/v1/faces")
                    else:
                        answer = client.post(
                            "/api/v1/detect", content=self._photo, headers={"Content-Type": "image/jpeg"}
                        )
                    self.outcomes[f"{answer.request.method} {answer.status_code}"] += 1
                except httpx2.HTTPError as error:
                    self.outcomes[f"{type(error).__name__}: {error}"] += 1


def test_R_OPS_2_rolling_restart_loses_no_request(
    tmp_path: Path, translated_packs: Path, portraits: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    nodes: list[Node] = []
    environment = {"LIANPU_SERVER__DRAIN_S": "120", "LIANPU_ACCOUNTS__SECRET": secrets.token_hex(16)}
    if DATABASE is not None:
        environment["LIANPU_DATABASE__URL"] = DATABASE
    for name in ("first", "second"):
        shutil.copytree(translated_packs, tmp_path / name / "cache" / "packs")
        nodes.append(Node(tmp_path / name, environment, tmp_path / f"{name}.log", fixed_port=free_port()))
    folder = tmp_path / "proxy"
    folder.mkdir()
    try:
        for node in nodes:
            node.start()
        proxy = configure(folder, [node.port for node in nodes])
        with running(proxy), Load(proxy, portraits[0]) as load:
            for node in nodes * 2:
                node.restart()
        with capsys.disabled():
            print(f"\nfour restarts under load: {dict(load.outcomes)}")
        assert set(load.outcomes) == {"GET 200", "POST 200"}
        assert load.outcomes.total() > 50
    finally:
        for node in nodes:
            node.stop()
