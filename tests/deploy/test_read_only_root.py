"""As in a container: the server writes its home, and nothing else of the whole file system can be written at all."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.crash.server import CrashingServer
from tests.enhance.server import client_of, fetched, sent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
# Not even /tmp is left.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind / && mount -o remount,ro,bind /tmp 2>/dev/null; "$@"'
UNSHARE = ["unshare", "--mount", "sh", "-c"]


def holds(home: Path) -> bool:
    """Whether this machine lets us try, and the root really cannot be written then."""
    if shutil.which("unshare") is None:
        return False
    probe = f'touch "{home}/probe" && ! touch "{home.parent}/probe" 2>/dev/null && ! touch /var/probe 2>/dev/null'
    return subprocess.run([*UNSHARE, READ_ONLY, str(home), "sh", "-c", probe], capture_output=True).returncode == 0


def test_R_OPS_2_read_only_root_is_enough(tmp_path: Path, home: Path, portraits: list[bytes], t1_photo: bytes) -> None:
    if not holds(home):
        pytest.skip("this user may not make the root read-only for a process")
    read_only = READ_ONLY.replace('"$@"', 'exec "$@"')
    server = CrashingServer(home, {}, tmp_path / "server.log", prefix=[*UNSHARE, read_only, str(home)])
    server.start()
    with client_of(server) as client:
        assert client.get("/health/ready").status_code == 200
        files = {"image": ("a.jpg", portraits[0])}
        enrolled = client.post("/api/v1/faces", data={"name": "Ada", "quality_mode": "off"}, files=files)
        assert enrolled.status_code in {200, 201}, enrolled.text
        found = client.post("/api/v1/search", content=t1_photo, headers={"Content-Type": "image/jpeg"})
        names = {match["name"] for face in found.json()["faces"] for match in face["matches"]}
        assert names == {"Ada"}
        assert len(fetched(client, sent(client, portraits[2]))) > 1000
    assert server.check()["is_clean"]
    server.stop()
    assert '"level": "error"' not in (home / "logs" / "lianpu.log").read_text()
