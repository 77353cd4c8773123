"""docs/deploy.md, run as it is written: backup while people come and go, wipe, restore; nothing is missing."""

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.crash.server import API_KEY
from tests.transcripts import NEEDS, Served, served, transcript

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), NEEDS]
HEADERS = {"X-API-Key": API_KEY}


def client_of(server: Served) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, headers=HEADERS, trust_env=False, timeout=120)


def enrol(client: httpx2.Client, person_id: str, photo: bytes) -> None:
    data = {"person_id": person_id, "name": person_id, "quality_mode": "off", "conflict_mode": "off"}
    answer = client.post("/api/v1/faces", data=data, files={"image": ("a.jpg", photo)})
    assert answer.status_code in {200, 201}, answer.text


def found(client: httpx2.Client, photo: bytes) -> list[Any]:
    """Who is in it, without those who come and go."""
    answer = client.post("/api/v1/search", content=photo, headers={"Content-Type": "image/jpeg"}, params={"top_k": 20})
    assert answer.status_code == 200, answer.text
    faces = answer.json()["faces"]
    return [[match for match in face["matches"] if match["person_id"].startswith("kept-")] for face in faces]


class Coming:
    """Somebody is enrolled and deleted again, without a pause."""

    def __init__(self, server: Served, photos: list[bytes]) -> None:
        self._server = server
        self._photos = photos
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._come_and_go)
        self.times = 0

    def __enter__(self) -> "Coming":
        self._thread.start()
        while self.times < 2:
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _come_and_go(self) -> None:
        with client_of(self._server) as client:
            while not self._is_over.is_set():
                enrol(client, f"coming-{self.times}", self._photos[self.times % len(self._photos)])
                if self.times:
                    assert client.delete(f"/api/v1/faces/coming-{self.times - 1}").status_code == 200
                self.times += 1


def test_R_OPS_1_backup_of_a_running_server_is_restored_and_whole(
    tmp_path: Path, translated_packs: Path, portraits: list[bytes], t1_photo: bytes
) -> None:
    home = tmp_path / "home"
    shutil.copytree(translated_packs, home / "cache" / "packs")
    environment = {"LIANPU_SERVER__API_KEY": API_KEY, "LIANPU_LIMITS__PER_USER": "null"}
    with served(tmp_path, **environment) as server, client_of(server) as client:
        for number, portrait in enumerate(portraits[:4]):
            enrol(client, f"kept-{number}", portrait)
        before = found(client, t1_photo)
        assert sum(bool(matches) for matches in before) >= 4
        with Coming(server, portraits[4:]):
            done = server.run(transcript("docs/deploy.md", "backup"))
        assert done.returncode == 0, done.stderr

    shutil.rmtree(home)
    done = server.run(transcript("docs/deploy.md", "restore"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "database, files and indexes agree" in done.stdout

    with served(tmp_path, **environment) as server, client_of(server) as client:
        assert found(client, t1_photo) == before
        job = client.post("/api/v1/gallery/check", json={"repair": False}).json()["job"]["job_id"]
        while (told := client.get(f"/api/v1/jobs/{job}").json()["job"])["finished_at"] is None:
            time.sleep(0.1)
        assert told["result"]["is_clean"], told["result"]
