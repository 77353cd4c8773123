"""deploy/systemd by systemd's own tools."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lianpu.settings import load_settings

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "lianpu.service"
# From 0 (shut off) to 100; what a service with none of its rules has is 96.
EXPOSED = 20
pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyzed(unit: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments, str(unit)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """As it is, but that the program is one that this machine has."""
    text = UNIT.read_text(encoding="utf-8")
    assert "ExecStart=/opt/lianpu/bin/lianpu serve\n" in text
    path = tmp_path / "lianpu.service"
    path.write_text(text.replace("/opt/lianpu/bin/lianpu", sys.executable), encoding="utf-8")
    return path


def test_R_OPS_2_unit_is_valid(unit: Path) -> None:
    verified = analyzed(unit, "verify", "--man=no")
    assert (verified.returncode, verified.stderr) == (0, "")


def test_R_OPS_2_mistake_in_a_unit_is_seen(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMode=gently"))
    assert "kill mode" in analyzed(unit, "verify", "--man=no").stderr


def test_R_OPS_2_unit_is_shut_off(unit: Path) -> None:
    options = ("security", "--no-pager", "--offline=true", f"--threshold={EXPOSED}")
    shut = analyzed(unit, *options)
    assert shut.returncode == 0, shut.stdout[-2000:]
    unit.write_text(re.sub(r"^(Protect|Restrict|Private|System).*\n", "", unit.read_text(), flags=re.MULTILINE))
    assert analyzed(unit, *options).returncode != 0


def test_R_OPS_2_server_has_time_to_end_before_it_is_killed() -> None:
    [stop_s] = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert int(stop_s) >= load_settings().settings.server.drain_s + 30


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed")
def test_R_OPS_2_user_of_the_unit_is_made(tmp_path: Path) -> None:
    file = UNIT.with_name("lianpu.sysusers.conf")
    made = subprocess.run(["systemd-sysusers", "--dry-run", str(file)], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    [user] = re.findall(r"^User=(\w+)$", UNIT.read_text(), re.MULTILINE)
    [line] = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert line.split()[:2] == ["u", user]
    [home] = re.findall(r"^Environment=LIANPU_HOME=(\S+)$", UNIT.read_text(), re.MULTILINE)
    assert home in line
