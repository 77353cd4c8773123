"""`lianpu users` and `lianpu keys`: with a running server and without, and what `lianpu doctor` says of it."""

import io
import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Done, Lianpu
from tests.cli.test_serve import running

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery staple"
WithPassword = Callable[..., Done]


@pytest.fixture
def with_password(lianpu: Lianpu, monkeypatch: pytest.MonkeyPatch) -> WithPassword:
    """As `lianpu`, with a password on its standard input."""

    def call(*arguments: str | Path, password: str = PASSWORD) -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
        return lianpu(*arguments, "--password-stdin")

    return call


def users(lianpu: Lianpu, home: Path) -> dict[str, dict[str, object]]:
    listed = json.loads(lianpu("users", "list", "--json", "--home", home).out)
    return {user["name"]: user for user in listed}


def test_R_ACC_3_administrator_is_made_without_a_server(
    lianpu: Lianpu, with_password: WithPassword, home: Path
) -> None:
    done = with_password("users", "create-admin", "Ada", "--home", home)
    assert done.code == 0, done.err
    assert done.out.startswith("Ada is an administrator (")
    ada = users(lianpu, home)["Ada"]
    assert (ada["role"], ada["is_active"], ada["must_change_password"]) == ("admin", True, False)
    stored = "\n".join(sqlite3.connect(home / "lianpu.db").iterdump())
    assert PASSWORD not in stored
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in stored
    again = with_password("users", "create-admin", "ADA", "--home", home)
    assert again.code == 1
    assert "[user_exists]" in again.err


def test_R_ACC_1_users_and_keys_are_managed_through_the_running_server(
    lianpu: Lianpu,
    with_password: WithPassword,
    tmp_path: Path,
    home: Path,
    environment: dict[str, str],
    free_port: int,
) -> None:
    with running(tmp_path, home, environment, free_port) as server:
        assert (
            f"through the server at {server.url}" in with_password("users", "create-admin", "Ada", "--home", home).err
        )
        assert with_password("users", "create-admin", "Bob", "--home", home).code == 0
        assert lianpu("users", "set-role", "BOB", "operator", "--home", home).out == "Bob is operator.\n"
        bob = users(lianpu, home)["Bob"]
        made = lianpu(
            "keys", "create", "door camera", "--scope", "gallery:read", "--scope", "images", "--user", "bob",
            "--expires-days", "30", "--home", home,
        )  # fmt: skip
        assert made.code == 0, made.err
        key = made.out.strip()
        assert key.startswith("lianpu_")
        assert key not in made.err
        [listed] = json.loads(lianpu("keys", "list", "--json", "--home", home).out)
        assert (listed["user_name"], listed["scopes"]) == ("Bob", ["gallery:read", "images"])
        assert "door camera" in lianpu("keys", "list", "--user", "bob", "--home", home).out
        assert json.loads(lianpu("keys", "list", "--user", "ada", "--json", "--home", home).out) == []

        def status() -> int:
            import httpx2

            headers = {"X-API-Key": key}
            return httpx2.get(f"{server.url}/api/v1/faces", headers=headers, trust_env=False, timeout=30).status_code

        assert status() == 200
        assert lianpu("users", "disable", str(bob["user_id"]), "--home", home).out == "Bob is disabled.\n"
        assert status() == 401
        assert lianpu("users", "enable", "bob", "--home", home).out == "Bob is active.\n"
        assert status() == 200
        assert lianpu("keys", "revoke", key.split("_")[1], "--home", home).out == (
            f"Key {key.split('_')[1]} (door camera, Bob) is revoked.\n"
        )
        assert status() == 401
        reset = with_password("users", "reset-password", "bob", "--home", home, password="another good password")
        assert "must change it" in reset.out
        assert "must change password" in lianpu("users", "show", "bob", "--home", home).out
        assert lianpu("users", "delete", "bob", "--yes", "--home", home).out == "bob is deleted.\n"
        assert list(users(lianpu, home)) == ["Ada"]
        assert key not in server.log.read_text()
        assert PASSWORD not in server.log.read_text()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("users", "disable", "ada"), "last_admin"),
        (("users", "set-role", "ada", "viewer"), "last_admin"),
        (("users", "delete", "ada", "--yes"), "last_admin"),
        (("users", "show", "nobody"), "user_not_found"),
        (("keys", "revoke", "nothing"), "api_key_not_found"),
        (("keys", "create", "x", "--scope", "images", "--user", "nobody"), "user_not_found"),
    ],
)
def test_R_ACC_2_what_cannot_be_done_is_told(
    lianpu: Lianpu, with_password: WithPassword, home: Path, command: tuple[str, ...], code: str
) -> None:
    assert with_password("users", "create-admin", "Ada", "--home", home).code == 0
    done = lianpu(*command, "--home", home)
    assert (done.code, done.out) == (1, "")
    assert f"[{code}]" in done.err


def test_R_ACC_1_poor_password_is_refused(lianpu: Lianpu, with_password: WithPassword, home: Path) -> None:
    done = with_password("users", "create-admin", "Ada", "--home", home, password="short")
    assert done.code == 1
    assert "must have at least 10 characters" in done.err
    assert users(lianpu, home) == {}


def test_R_ACC_1_password_is_never_an_argument(lianpu: Lianpu, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other users of the machine see the arguments of every process."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD))
    done = lianpu("users", "create-admin", "Ada", "--home", home)
    assert done.code == 2
    assert "give --password-stdin" in done.err
    assert lianpu("users", "create-admin", "Ada", "--password", PASSWORD, "--home", home).code == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_R_ACC_1_terminal_is_asked_twice_and_shows_nothing(
    lianpu: Lianpu, tmp_path: Path, home: Path, environment: dict[str, str]
) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "lianpu", "users", "create-admin", "Ada", "--home", str(home)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown = b""
        for prompt, typed in ((b"Password: ", PASSWORD), (b"confirmation: ", PASSWORD)):
            while prompt not in shown:
                shown += os.read(ours, 1024)
            os.write(ours, typed.encode() + b"\n")
        try:
            while chunk := os.read(ours, 1024):
                shown += chunk
        except OSError:  # its end of the terminal is closed
            pass
        assert process.wait(60) == 0, shown
    os.close(ours)
    assert PASSWORD.encode() not in shown
    assert b"Ada is an administrator" in shown
    assert list(users(lianpu, home)) == ["Ada"]


def test_R_OPS_3_doctor_says_whether_somebody_can_administer_and_who_reads_the_keys(
    lianpu: Lianpu, with_password: WithPassword, home: Path
) -> None:
    def findings() -> dict[str, tuple[str, str]]:
        listed = json.loads(lianpu("doctor", "--json", "--home", home).out)
        return {item["subject"]: (item["level"], item["text"]) for item in listed}

    assert findings()["administrator"][0] == "notice"
    assert "keys" not in findings()
    assert users(lianpu, home) == {}
    level, text = findings()["administrator"]
    assert (level, "lianpu users create-admin" in text) == ("notice", True)
    assert with_password("users", "create-admin", "Ada", "--home", home).code == 0
    assert findings()["administrator"] == ("ok", "there is one")
    if os.name == "nt":
        return
    assert findings()["keys"] == ("ok", f"{home / 'keys'} is for this user alone")
    (home / "keys").chmod(0o755)
    (home / "keys" / "accounts.secret").chmod(0o644)
    level, text = findings()["keys"]
    assert level == "problem"
    assert str(home / "keys" / "accounts.secret") in text
    # Whoever uses the secret makes it private again; the folder is its owner's to mend.
    assert users(lianpu, home)["Ada"]["role"] == "admin"
    assert (home / "keys" / "accounts.secret").stat().st_mode & 0o077 == 0
