"""The plugin that looks for secrets in logs finds those that are planted, in a process of its own and by workers."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
LEAKS = {
    "an access token": 'log.info("caller %s", jwt.encode({"sub": "someone"}, "k" * 32, "HS256"))',
    "an API key in extra": 'log.warning("refused", extra={"key": new_api_key().key})',
    "a refresh token in an error": (
        "try:\n        "
        'raise ValueError(RefreshTokens(AccountSecret(tmp_path / "s")).issue(RefreshToken(new_id(), 3)))\n'
        '    except ValueError:\n        log.exception("failed")'
    ),
    "a set-up token": 'log.info("http://x/setup#%s", new_setup_token())',
    "a password": (
        'asyncio.run(Passwords(min_chars=8, cost=HashCost(1, 64, 1)).hash("an open secret"))\n'
        "    log.info(\"{'password': 'an open secret'}\")"
    ),
    "the installation's secret": (
        'secret = AccountSecret(tmp_path / "s")\n    secret.digest("x")\n'
        '    log.info("read %s", (tmp_path / "s").read_bytes().hex())'
    ),
    "a line of a server": '(tmp_path / "server.log").write_text("GET /?token=" + new_api_key().key)',
    "a set-up link in a log": (
        '(tmp_path / "logs").mkdir()\n'
        '    (tmp_path / "logs" / "lianpu.log").write_text("  http://h:1/setup#" + new_setup_token())'
    ),
    "a server's secret": (
        '(tmp_path / "keys").mkdir()\n'
        '    (tmp_path / "keys" / "accounts.secret").write_bytes(b"0123456789abcdef" * 2)\n'
        '    (tmp_path / "log").write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")'
    ),
}
CLEAN = (
    'log.info("login of %s", new_id(), extra={"digest": "0" * 64, "path": "/api/v1/faces"})\n'
    '    (tmp_path / "server.log").write_text(f"  http://127.0.0.1:8000/setup#{new_setup_token()}\\n")'
)
FILE = """
import asyncio, logging
import jwt
from lianpu.accounts.passwords import HashCost, Passwords
from lianpu.accounts.secret import AccountSecret
from lianpu.accounts.tokens import RefreshToken, RefreshTokens, new_api_key, new_setup_token
from lianpu.database.base import new_id

log = logging.getLogger("lianpu.planted")

def test_planted(tmp_path):
    {body}

def test_clean():
    log.info("nothing to see")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Emptied at the end: this run, too, looks through the logs in its folders."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def run(folder: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_planted.py").write_text(FILE.format(body=body), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.log_secrets", "-c", os.devnull, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run(
        [*command, f"--rootdir={folder}", f"--basetemp={folder / 'tmp'}", str(folder / "test_planted.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.parametrize("planted", LEAKS)
def test_R_ACC_4_a_secret_in_a_log_fails_the_run(folder: Path, planted: str) -> None:
    done = run(folder, LEAKS[planted])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "secrets were logged" in done.stdout or "secrets in logs" in done.stdout


def test_R_ACC_4_leaks_in_records_and_in_files_are_found_by_workers_too(folder: Path) -> None:
    done = run(folder, f"{LEAKS['an access token']}\n    {LEAKS['a line of a server']}", "-n", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "secrets were logged: access_token eyJh…" in done.stdout
    assert "server.log: api_key lian…" in done.stdout


def test_R_ACC_4_ids_digests_and_the_printed_link_are_no_leaks(folder: Path) -> None:
    done = run(folder, CLEAN)
    assert done.returncode == 0, done.stdout + done.stderr
