"""Transcripts of the documentation, run as written against a real server of a home of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[1]
NEEDS = pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs bash and curl")
# What run.py does once the environment is there.
RUN_PY = "import sys\n\nfrom lianpu.cli import main\n\nsys.exit(main())\n"


@dataclass(frozen=True)
class Served:
    url: str
    folder: Path
    """Where the reader is; the home is `home` in it."""
    log: Path

    @property
    def setup_link(self) -> str:
        """As the server prints it for whoever starts it."""
        (link,) = re.findall(r"^ +(http://\S+/setup#\S+)$", self.log.read_text(encoding="utf-8"), re.MULTILINE)
        return link

    def run(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """By bash, which stops at the first thing that fails."""
        paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        reader = {"LIANPU_HOME": str(self.folder / "home"), "PATH": paths, "PYTHONIOENCODING": "utf-8"}
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=self.folder,
            env={**os.environ, **reader, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )


def transcript(document: str, mark: str = "transcript") -> str:
    text = (ROOT / document).read_text(encoding="utf-8")
    return "\n".join(re.findall(rf"<!-- {mark} -->\n```bash\n(.*?)```", text, re.DOTALL))


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Served]:
    """`environment`: of the server, beside its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "run.py").write_text(RUN_PY, encoding="utf-8")
    command = [sys.executable, "-m", "lianpu", "serve", "--port", str(port), "--home", str(folder / "home")]
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, env={**os.environ, **environment})
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                if httpx2.get(f"{url}/health").status_code == 200:
                    break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield Served(url, folder, log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
