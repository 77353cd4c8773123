"""`lianpu serve`: a real process on a free port; what it refuses to start with, and how it ends."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from filelock import FileLock

from tests.cli.conftest import Lianpu

pytestmark = pytest.mark.slow

START_S = 60
STOP_S = 10


@dataclass
class Server:
    url: str
    home: Path
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"{self.url}{path}", trust_env=False, timeout=30)

    def stop(self, stop_signal: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(stop_signal)
        return self.process.wait(STOP_S)


@pytest.fixture
def server(tmp_path: Path, home: Path, environment: dict[str, str], free_port: int) -> Iterator[Server]:
    """A server that answers."""
    with running(tmp_path, home, environment, free_port) as started:
        yield started


@contextmanager
def running(tmp_path: Path, home: Path, environment: dict[str, str], free_port: int, *options: str) -> Iterator[Server]:
    log = tmp_path / "serve.log"
    command = [sys.executable, "-m", "lianpu", "serve", "--port", str(free_port), "--home", str(home), *options]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=stderr)
    started = Server(f"http://127.0.0.1:{free_port}", home, process, log)
    try:
        _wait_until_it_answers(started)
        yield started
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_until_it_answers(server: Server) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.process.poll() is None:
        try:
            server.get("/health/live")
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"no answer: {server.log.read_text()}")


def test_R_OPS_1_server_answers_and_commands_go_through_it(
    server: Server, lianpu: Lianpu, people: Path, t1_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = server.get("/health")
    assert (health.status_code, health.json()["checks"]) == (200, {"database": "ok", "pack": "ok"})
    page = server.get("/")
    assert page.headers["content-type"].startswith("text/html")
    # The console, or the page that says that it is not built.
    assert '<div id="root">' in page.text or "The console is not built" in page.text
    assert json.loads((server.home / "server.json").read_text()) == {"url": server.url}

    # A proxy that the environment names is not asked for what is on this machine.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    done = lianpu("enroll", people, "--home", server.home)
    assert (done.code, done.out) == (0, "5 added, 0 known already, 0 refused\n"), done.err
    assert f"through the server at {server.url}" in done.err
    found = lianpu("search", t1_path, "--json", "--home", server.home)
    best = [face["best_match"] and face["best_match"]["name"] for face in json.loads(found.out)["faces"]]
    assert best == ["Ada Lovelace", "张三", None, None, None, "[red] [&]"]
    assert server.url in lianpu("doctor", "--home", server.home).out

    second = lianpu("serve", "--port", _other_port(), "--home", server.home)
    assert second.code == 2
    assert f"error [home_in_use]: The home folder {server.home} is in use by the server at {server.url}" in second.err
    assert server.get("/health").status_code == 200

    assert server.stop() == 0
    assert not (server.home / "server.json").exists()
    logged = [json.loads(line) for line in (server.home / "logs" / "lianpu.log").read_text().splitlines()]
    assert {"uvicorn.error", "lianpu.access"} <= {line["logger"] for line in logged}
    assert logged[-1]["message"].startswith("Finished server process")
    # The same home, and the same command, without a server.
    alone = lianpu("search", t1_path, "--json", "--home", server.home)
    assert "through the server" not in alone.err
    assert _names(alone.out) == _names(found.out)


def _names(answer: str) -> list[Any]:
    return [[match["name"] for match in face["matches"]] for face in json.loads(answer)["faces"]]


def _other_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_R_OPS_1_server_that_was_killed_leaves_a_home_that_can_be_used(
    server: Server, lianpu: Lianpu, t1_path: Path
) -> None:
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    assert (server.home / "server.json").exists()
    done = lianpu("search", t1_path, "--home", server.home)
    assert done.code == 0, done.err
    assert "through the server" not in done.err


def test_R_OPS_1_ctrl_c_ends_it_in_order(server: Server) -> None:
    assert server.stop(signal.SIGINT) == 0
    assert not (server.home / "server.json").exists()


def test_R_OPS_3_port_that_is_taken_is_told(lianpu: Lianpu, home: Path) -> None:
    (home / "lianpu.db").unlink()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = lianpu("serve", "--port", port, "--home", home)
    assert (done.code, done.out) == (2, "")
    assert f"error [port_in_use]: Port {port} on 127.0.0.1 is in use by another program." in done.err
    assert not (home / "lianpu.db").exists()


def test_R_ACC_3_server_prints_a_link_for_the_first_administrator_and_logs_none(server: Server) -> None:
    printed = server.log.read_text()
    [token] = re.findall(rf"^  {server.url}/setup#(\w{{43}})$", printed, re.MULTILINE)
    assert "warning" not in printed
    logged = (server.home / "logs" / "lianpu.log").read_text()
    assert logged
    assert token not in logged
    assert "setup#" not in logged
    assert stat.S_IMODE((server.home / "keys" / "accounts.secret").stat().st_mode) == 0o600

    password = "correct horse battery staple"
    body = {"setup_token": token, "name": "Ada", "password": password}
    made = httpx2.post(f"{server.url}/api/v1/users/setup", json=body, trust_env=False, timeout=30)
    assert (made.status_code, made.json()["user"]["role"]) == (201, "admin")
    form = {"grant_type": "password", "username": "ada", "password": password}
    tokens = httpx2.post(f"{server.url}/api/v1/users/token", data=form, trust_env=False, timeout=30).json()
    assert server.get("/api/v1/users/").status_code == 401
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert httpx2.get(f"{server.url}/api/v1/users/", headers=headers, trust_env=False).status_code == 200
    assert server.stop() == 0
    for text in (server.log.read_text(), (server.home / "logs" / "lianpu.log").read_text()):
        for secret in (password, tokens["access_token"], tokens["refresh_token"]):
            assert secret not in text
    assert token not in (server.home / "logs" / "lianpu.log").read_text()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_R_ACC_3_address_that_others_can_reach_is_warned_of(
    tmp_path: Path, home: Path, environment: dict[str, str], free_port: int, host: str, lianpu: Lianpu
) -> None:
    """Everything is behind a credential there, but passwords travel readable. With an administrator, no link."""
    if host == "::" and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    (tmp_path / "password").write_text("correct horse battery staple\n")
    with (tmp_path / "password").open() as password, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", password)
        assert lianpu("users", "create-admin", "Ada", "--password-stdin", "--home", home).code == 0
    with running(tmp_path, home, environment, free_port, "--host", host) as open_to_all:
        printed = open_to_all.log.read_text()
        assert open_to_all.get("/api/v1/faces").status_code == 401
    assert "warning: other machines can reach this address, and there is no TLS" in printed
    assert "setup#" not in printed


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_R_OPS_3_address_of_another_machine_is_told(
    lianpu: Lianpu, home: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANPU_SERVER__API_KEY", "0123456789abcdef")
    done = lianpu("serve", "--host", "192.0.2.1", "--port", free_port, "--home", home)
    assert done.code == 2
    assert f"error [start_failed]: Cannot listen on 192.0.2.1:{free_port}" in done.err


def test_R_OPS_1_home_that_cannot_be_written_is_told(lianpu: Lianpu, tmp_path: Path, free_port: int) -> None:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        home = Path("/proc/lianpu-home")  # where not even root can make a folder
    else:
        home = tmp_path / "locked" / "home"
        home.parent.mkdir(mode=0o500)
    for command in (("serve", "--port", free_port), ("search", __file__)):
        done = lianpu(*command, "--home", home)
        assert (done.code, done.out) == (2, "")
        assert f"error [home_unwritable]: The home folder {home} cannot be written" in done.err


def test_R_OPS_1_home_that_cannot_even_be_looked_at_is_told(lianpu: Lianpu, tmp_path: Path, free_port: int) -> None:
    """As below another user's folder; a name too long for the disk is refused to every user, root too."""
    home = tmp_path / ("x" * 300) / "home"
    assert "error [home_unwritable]" in lianpu("serve", "--port", free_port, "--home", home).err
    assert lianpu("config", "check", "--home", home).code == 0
    doctor = lianpu("doctor", "--json", "--home", home)
    assert doctor.code == 1
    assert {item["subject"] for item in json.loads(doctor.out) if item["level"] == "problem"} >= {"home", "pack"}


def test_R_OPS_1_server_does_not_start_while_another_command_writes(lianpu: Lianpu, home: Path, free_port: int) -> None:
    with FileLock(home / "lianpu.lock"):
        done = lianpu("serve", "--port", free_port, "--home", home)
    assert done.code == 2
    assert "error [home_in_use]" in done.err
    assert "in use by another command" in done.err


def test_R_OPS_4_wrong_settings_stop_the_start(lianpu: Lianpu, tmp_path: Path, home: Path) -> None:
    (tmp_path / ".env").write_text("LIANPU_SERVER__PROT=9000\n")
    done = lianpu("serve", "--home", home)
    assert done.code == 2
    assert done.err == "error [settings_invalid]: .env: unknown setting server.prot; did you mean server.port?\n"


def test_R_OPS_4_settings_that_only_the_start_can_refuse_are_told_without_a_traceback(
    lianpu: Lianpu, tmp_path: Path, home: Path, free_port: int
) -> None:
    (tmp_path / ".env").write_text("LIANPU_JOBS__BROKER=redis://127.0.0.1:6379/0\n")
    done = lianpu("serve", "--home", home, "--port", free_port)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.err.splitlines()[-1].startswith("error [settings_invalid]: jobs.broker leaves all jobs to workers")


def test_R_OPS_3_server_that_goes_away_is_told(lianpu: Lianpu, home: Path, t1_path: Path) -> None:
    """Its home is still held, as while it shuts down."""
    (home / "server.json").write_text(json.dumps({"url": f"http://127.0.0.1:{_other_port()}"}))
    with FileLock(home / "lianpu.lock"):
        done = lianpu("search", t1_path, "--home", home)
    assert (done.code, done.out) == (1, "")
    assert "error [server_unreachable]: The server at http://127.0.0.1:" in done.err


class _Stranger(BaseHTTPRequestHandler):
    """Answers everything, and not in JSON."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>It works</h1>")

    def log_message(self, *_: object) -> None:
        pass


def test_R_OPS_3_stranger_at_the_address_is_told(lianpu: Lianpu, home: Path, t1_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _Stranger) as stranger, FileLock(home / "lianpu.lock"):
        Thread(target=stranger.serve_forever, daemon=True).start()
        (home / "server.json").write_text(json.dumps({"url": f"http://127.0.0.1:{stranger.server_port}"}))
        done = lianpu("search", t1_path, "--home", home)
        stranger.shutdown()
    assert (done.code, done.out) == (1, "")
    assert "is no Lianpu server" in done.err
