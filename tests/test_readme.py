"""The README's transcript, run as written against a real server."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[1]


def transcript(readme: str) -> str:
    (block,) = re.findall(r"<!-- transcript -->\n```bash\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.S)
    return block


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "lianpu", "serve", "--port", str(port), "--home", str(tmp_path / "home")]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, (tmp_path / "server.log").read_text()
            try:
                if httpx2.get(f"{url}/health").status_code == 200:
                    break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs bash and curl")
@pytest.mark.parametrize(
    ("readme", "names", "renamed"),
    [
        ("README.md", ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn"], "Ada Lovelace"),
        ("README.zh-CN.md", ["安娜", "本", "陈晨", "丁丁", "艾娃", "方方"], "安娜·李"),
    ],
)
def test_R_OPS_1_readme_transcript_works_as_written(
    server: str, tmp_path: Path, t1_photo: bytes, readme: str, names: list[str], renamed: str
) -> None:
    (tmp_path / "t1.jpg").write_bytes(t1_photo)
    environment = {**os.environ, "LIANPU": server, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", transcript(readme)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "6 faces"
    assert [line.split(" score ")[0] for line in lines[1:7]] == names
    assert lines[7] == "same person"
    rest = "\n".join(lines[8:])
    assert f'"name":"{renamed}"' in rest
    assert '"code":"person_not_found"' in rest
    assert len(httpx2.get(f"{server}/api/v1/faces").json()["persons"]) == 5
