"""R-ENH 6: the operating system's own witness: while photos are enhanced, no file is written that holds any of them.

By hand, at full size: WITNESS_SINGLES=50 WITNESS_BATCHES=5 WITNESS_BATCH_MB=95 pytest -m slow tests/enhance
"""

import io
import os
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.archives import rar5, seven_zipped, tarred, zipped
from tests.crash.server import CrashingServer
from tests.enhance.server import client_of, fetched, sent, sent_archive, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(10_800)]
SINGLES = int(os.environ.get("WITNESS_SINGLES", "6"))
BATCHES = int(os.environ.get("WITNESS_BATCHES", "3"))
BATCH_MB = int(os.environ.get("WITNESS_BATCH_MB", "6"))
MAGIC = (b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"IHDR", b"JFIF", b"WEBPVP8")
WINDOW_BYTES = 32
READ_ONLY = "mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp"
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')


def noise(seed: int, width: int, height: int, suffix: str = ".jpg") -> bytes:
    """Of which no two windows are alike: what is found of it was of it."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()


def windows(content: bytes, count: int = 60) -> list[bytes]:
    """Pieces that are of this content alone: an archive's padding is in many files."""
    step = max(WINDOW_BYTES, (len(content) - 1000) // count)
    pieces = (content[place : place + WINDOW_BYTES] for place in range(700, len(content) - WINDOW_BYTES, step))
    return [piece for piece in pieces if len(set(piece)) > WINDOW_BYTES // 2]


@pytest.fixture
def server(tmp_path: Path, translated_packs: Path) -> Iterator[CrashingServer]:
    home = tmp_path / "home"
    shutil.copytree(translated_packs, home / "cache" / "packs")
    one = serving(home, tmp_path / "server.log")
    one.start()
    yield one
    one.stop()


class Witness:
    """strace on a server and all its threads and children."""

    def __init__(self, pid: int, log: Path) -> None:
        self._log = log
        calls = "trace=openat,creat,rename,renameat,renameat2,memfd_create,link,linkat"
        self._process = subprocess.Popen(
            ["strace", "-f", "-e", calls, "-p", str(pid), "-o", str(log)], stderr=subprocess.PIPE
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline().decode()
        if "attached" not in line:
            pytest.skip(f"strace may not attach here: {line.strip()}")

    def end(self) -> list[str]:
        """Paths that were opened for writing, made or renamed."""
        self._process.terminate()
        self._process.communicate(timeout=60)
        written: list[str] = []
        self.lines = self._log.read_text(errors="replace").splitlines()
        for line in self.lines:
            call = re.search(r"\b(openat|creat|rename\w*|link\w*|memfd_create)\(", line)
            if call is not None and (call[1] != "openat" or WRITES.search(line)):
                written += PATH.findall(line) or [line]
        return written


def may_be_written(path: str, home: Path) -> bool:
    """Database, audit's anchor and log; and what cannot keep anything."""
    anchors = (f"{home}/keys/audit.head", f"{home}/keys/.audit.head.")
    allowed = (f"{home}/lianpu.db", f"{home}/logs/", "/dev/null", "/dev/tty", *anchors)
    return path.startswith(allowed)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_R_ENH_6_no_file_is_written_and_none_holds_a_photo(
    server: CrashingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = server.home
    secrets: list[bytes] = []
    with client_of(server) as client:
        # Once before: engines are translated and loaded, the recogniser too.
        fetched(client, sent(client, noise(0, 200, 100)))
        for maker in (rar5, seven_zipped):
            fetched(client, sent_archive(client, maker({"a.jpg": noise(0, 60, 40)}), "a"))
        assert server._process is not None
        witness = Witness(server._process.pid, tmp_path / "strace.log")
        began = time.monotonic()
        sent_bytes = 0
        for number in range(SINGLES):
            content = noise(number + 1, 1600, 1200, (".jpg", ".png", ".webp")[number % 3])
            result = fetched(client, sent(client, content, f"secret-name-{number}.jpg", enhancement_level="1"))
            secrets += windows(content) + windows(result)
            sent_bytes += len(content)
        for number in range(BATCHES):
            photo = noise(100 + number, 1500, 1000)
            count = max(1, BATCH_MB * 1_000_000 // len(photo))
            files = {f"secret-name/{place}.jpg": noise(1000 * number + place, 1500, 1000) for place in range(count)}
            archive = (zipped, rar5, tarred, seven_zipped)[number % 4](files)
            assert len(archive) <= 100 << 20
            result = fetched(client, sent_archive(client, archive, "secret-name.zip", enhancement_level="1"))
            with zipfile.ZipFile(io.BytesIO(result)) as packed:
                assert len(packed.namelist()) == count + 1
            secrets += windows(archive) + windows(result)
            sent_bytes += len(archive)
        seconds = time.monotonic() - began
        written = witness.end()
    strange = sorted({path for path in written if not may_be_written(path, home)})
    assert strange == []
    assert len(written) > 0
    server.stop()
    files = [path for path in home.rglob("*") if path.is_file() and "cache" not in path.relative_to(home).parts]
    assert any(path.name.startswith("lianpu.db") for path in files)
    assert any("logs" in path.parts for path in files)
    for path in files:
        content = path.read_bytes()
        found = [secret for secret in (*secrets, *MAGIC, b"secret-name") if secret in content]
        assert found == [], path
    with capsys.disabled():
        print(
            f"\n{SINGLES} singles and {BATCHES} batches, {sent_bytes / 1e6:.0f} MB sent in {seconds:.0f} s; "
            f"{len(witness.lines)} calls seen, {len(written)} opened for writing, all of "
            f"{sorted({Path(path).name for path in written})}; {len(secrets)} windows looked for in {len(files)} files"
        )


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
def test_R_ENH_6_tmp_may_be_read_only(tmp_path: Path, translated_packs: Path) -> None:
    """Uploads of more than a megabyte are where a form parser would begin to write there."""
    probe = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{READ_ONLY} && ! touch /tmp/x 2>/dev/null"],
        capture_output=True,
        check=False,
    )
    if probe.returncode != 0:
        pytest.skip("no mount namespace may be made here")
    # Not below /tmp, which is another one there.
    home = Path("/var/tmp") / f"lianpu-witness-{os.getpid()}"
    try:
        shutil.copytree(translated_packs, home / "cache" / "packs")
        server = serving(home, home / "server.log")
        server.prefix = ["unshare", "-m", "sh", "-c", f'{READ_ONLY} && exec "$@"', "sh"]
        server.start()
        try:
            with client_of(server) as client:
                photo = noise(1, 2000, 1500)
                assert len(photo) > 1 << 20
                assert len(fetched(client, sent(client, photo, enhancement_level="1"))) > 1000
                archive = zipped({"a/1.jpg": photo, "a/2.jpg": noise(2, 100, 100)})
                assert fetched(client, sent_archive(client, archive, "a.zip", enhancement_level="1"))
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)
