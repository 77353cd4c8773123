"""A real server of its own for the browser, and the few API calls that prepare what the browser is shown."""

import io
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from tests.nodes.scaled import scaled

START_TIMEOUT_S = 180
INSTALLATION = os.environ.get("LIANPU_TEST_INSTALLATION")
"""In place of one server a whole installation of this kind (tests/nodes/scaled.py)."""


@dataclass(frozen=True)
class Server:
    url: str
    home: Path
    log: Path
    """What the server printed; of an installation, the one that was started last."""
    api_key: str
    """May do everything, without an account."""
    administrator: tuple[str, str] = ("Ada", "a-long-enough-password")
    """Name and password, of the account that pages are opened with."""

    def as_administrator(self) -> "Server":
        """Calls with an API key of that account: what is personal is the page's."""
        name, password = self.administrator
        form = urllib.parse.urlencode({"grant_type": "password", "username": name, "password": password}).encode()
        token = self.call("POST", "/api/v1/users/token", form, "application/x-www-form-urlencoded")["access_token"]
        scopes = self.call("GET", "/api/v1/users/me", token=token)["user"]["scopes"]
        fields = json.dumps({"name": "browser tests", "scopes": scopes}).encode()
        return replace(self, api_key=self.call("POST", "/api/v1/keys", fields, token=token)["secret"])

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        token: str | None = None,
    ) -> Any:
        credential = {"X-API-Key": self.api_key} if token is None else {"Authorization": f"Bearer {token}"}
        headers = {"Content-Type": content_type, **credential}
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def clear(self) -> None:
        while persons := self.persons():
            for person in persons:
                self.call("DELETE", f"/api/v1/faces/{person['person_id']}")

    def persons(self) -> list[dict[str, Any]]:
        return self.call("GET", "/api/v1/faces")["persons"]

    def enrol(self, name: str, photo: bytes) -> str:
        return self._send("/api/v1/faces", photo, name=name)["person"]["person_id"]

    def add(self, person_id: str, photo: bytes) -> None:
        """One more photo of somebody, who is the largest face in it."""
        self._send(f"/api/v1/faces/{person_id}/images", photo, face_selection="largest")

    def _send(self, path: str, photo: bytes, **fields: str) -> Any:
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        parts += [
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'.encode(),
            photo,
            f"\r\n--{boundary}--\r\n".encode(),
        ]
        return self.call("POST", path, b"".join(parts), f"multipart/form-data; boundary={boundary}")

    def faces(self, photo: bytes) -> list[dict[str, Any]]:
        return self.call("POST", "/api/v1/detect", photo, "image/jpeg")["faces"]


@contextmanager
def running_server(home: Path, log: Path, *, with_administrator: bool = True, **environment: str) -> Iterator[Server]:
    key = environment.setdefault("LIANPU_SERVER__API_KEY", secrets.token_urlsafe(24))
    # Every page of every test logs in.
    environment.setdefault("LIANPU_LIMITS__LOGIN", "null")
    if INSTALLATION is not None:
        folder = log.parent / f"{log.stem}-installation"
        folder.mkdir()
        with scaled(INSTALLATION, home, folder, environment) as nodes:
            yield _with_administrator(Server(nodes.url, home, nodes.servers[-1].log, key), with_administrator)
        return
    port = _free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lianpu", "serve", "--port", str(port), "--home", str(home)],
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, log)
            yield _with_administrator(Server(f"http://127.0.0.1:{port}", home, log, key), with_administrator)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _with_administrator(server: Server, is_wanted: bool) -> Server:
    if is_wanted:
        name, password = server.administrator
        fields = {"name": name, "password": password, "role": "admin", "must_change_password": False}
        server.call("POST", "/api/v1/users/", json.dumps(fields).encode())
    return server


def face_crop(photo: bytes, box: dict[str, float], margin: float) -> bytes:
    """One face of a photo as a photo of its own, enlarged, since detectors overlook faces that fill a small frame."""
    image = Image.open(io.BytesIO(photo)).convert("RGB")
    pad = margin * max(box["width"], box["height"])
    area = (
        max(0, round(box["x"] - pad)),
        max(0, round(box["y"] - pad)),
        min(image.width, round(box["x"] + box["width"] + pad)),
        min(image.height, round(box["y"] + box["height"] + pad)),
    )
    crop = image.crop(area)
    crop = crop.resize((crop.width * 2, crop.height * 2), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    crop.save(data, "JPEG", quality=95)
    return data.getvalue()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not get ready within {START_TIMEOUT_S} s:\n{log.read_text()}")
