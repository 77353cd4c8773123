"""A real server with the real engines, and calls that enhance by its plainest ones, which need no network."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import httpx2

from tests.crash.server import API_KEY, CrashingServer

PLAIN = {"upscaler": "lanczos", "restorer": "none"}
ENVIRONMENT = {"LIANPU_ENHANCE__PER_USER": "null", "LIANPU_LOGGING__LEVEL": "info"}
ENHANCE = "/api/v1/enhance"


def serving(home: Path, log: Path, **environment: str) -> CrashingServer:
    return CrashingServer(home, {**ENVIRONMENT, **environment}, log)


def client_of(server: CrashingServer) -> httpx2.Client:
    address = f"http://127.0.0.1:{server.port}"
    return httpx2.Client(base_url=address, headers={"X-API-Key": API_KEY}, timeout=300, trust_env=False)


def sent(client: httpx2.Client, content: bytes, name: str = "photo.jpg", **fields: str) -> dict[str, Any]:
    """Waits where the server says so."""
    while True:
        answer = client.post(ENHANCE, files={"image": (name, content)}, data={**PLAIN, **fields})
        if answer.status_code != 503:
            assert answer.is_success, answer.text
            return answer.json()
        time.sleep(int(answer.headers["Retry-After"]))


def sent_archive(client: httpx2.Client, content: bytes, name: str, **fields: str) -> dict[str, Any]:
    answer = client.post(f"{ENHANCE}/batch", files={"archive": (name, content)}, data={**PLAIN, **fields})
    assert answer.status_code == 202, answer.text
    return answer.json()


def ended(client: httpx2.Client, submitted: dict[str, Any]) -> dict[str, Any]:
    address = f"{ENHANCE}/{submitted['enhancement']['enhancement_id']}"
    while (told := client.get(address).json()["enhancement"])["status"] in {"pending", "processing"}:
        time.sleep(0.1)
    return told


def cleaned(client: httpx2.Client, submitted: dict[str, Any]) -> dict[str, Any]:
    """Once what was fetched is gone, which is written down after the last byte is on its way."""
    deadline = time.monotonic() + 10
    while (told := ended(client, submitted))["status"] == "completed" and time.monotonic() < deadline:
        time.sleep(0.05)
    return told


def fetched(client: httpx2.Client, submitted: dict[str, Any]) -> bytes:
    told = ended(client, submitted)
    assert told["status"] == "completed", told
    headers = {"X-Retrieval-Token": submitted["retrieval_token"]}
    answer = client.get(told["result"]["url"], headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content


def is_alive(server: CrashingServer) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health/live", timeout=10) as answer:
        return bool(json.loads(answer.read()))
