"""What a container's health check says, run as the image runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lianpu.nodes.presence import Node
from tests.crash.server import CrashingServer

HEALTHCHECK = Path(__file__).parents[2] / "deploy" / "docker" / "healthcheck.py"


def healthy(home: Path) -> bool:
    # Whatever proxy the environment names is not asked.
    environment = {**os.environ, "LIANPU_HOME": str(home), "http_proxy": "http://127.0.0.1:9"}
    checked = subprocess.run([sys.executable, "-I", HEALTHCHECK], env=environment, capture_output=True, timeout=60)
    assert checked.stderr == b""
    return checked.returncode == 0


def test_R_OPS_3_without_a_server_it_is_not_healthy(tmp_path: Path) -> None:
    assert not healthy(tmp_path)
    (tmp_path / "server.json").write_text('{"url": "http://127.0.0.1:9"}')
    assert not healthy(tmp_path)


def test_R_OPS_3_worker_is_healthy_as_long_as_it_says_that_it_works(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.register()
    assert not healthy(tmp_path)
    node.beat()
    assert healthy(tmp_path)
    [beat] = (tmp_path / "nodes").glob("*.beat")
    os.utime(beat, (beat.stat().st_mtime - 60,) * 2)
    assert not healthy(tmp_path)
    node.leave()


@pytest.mark.slow
def test_R_OPS_3_ready_server_is_healthy_and_one_without_its_pack_is_not(tmp_path: Path, home: Path) -> None:
    server = CrashingServer(home, {"LIANPU_SERVER__HOST": "0.0.0.0"}, tmp_path / "server.log")
    server.start()
    assert healthy(home)
    server.stop()
    assert not healthy(home)
    server.environment["LIANPU_PACKS__DEFAULT"] = "nothing"
    server.start()
    assert not healthy(home)
    server.stop()
