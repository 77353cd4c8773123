"""A pytest plugin: no secret that the tests use, or that a server made for them, stands in any log of the whole run.

Records of the test's own process fail the test that wrote them; log files of the servers that tests start, and whatever
else is found at the end, fail the run.
"""

import base64
import copy
import logging
import os
import re
import sys
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from lianpu.accounts.passwords import Passwords
from lianpu.accounts.secret import AccountSecret

LOG_FILES = re.compile(r"\.log$|\.log\.|^log$")
# No trace of these is a coincidence.
SHORTEST = 10
PATTERNS = re.compile(
    r"(?P<api_key>lianpu_[A-Za-z0-9]{10}_[A-Za-z0-9]{43})"
    r"|(?P<access_token>eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})"
    r"|(?P<refresh_token>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\d+\.[\w-]{43})"
    r"|(?<![\w/+.-])(?P<random_token>(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{43})(?![\w/+=-])"
)
# The one place where a secret is meant to be seen: what the server prints, not logs, for its first administrator.
SETUP_LINK = re.compile(r"^ +http://\S+/setup#[A-Za-z0-9]{43}$", re.MULTILINE)
CONSTANTS = re.compile(r"^(?:\w+_)?(?:PASSWORD|API_KEY|KEY|SECRET|TOKEN|WRONG|NEW)$")
LEAKS = pytest.StashKey[list[str]]()
RECORDED = pytest.StashKey["Recorded"]()


class Recorded:
    """What was logged in this process, and the secrets that it knows of."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.secrets: dict[str, str] = {}
        """Where each comes from."""
        self.checked = 0

    def note(self, source: str, secret: str) -> None:
        if len(secret) >= SHORTEST:
            self.secrets[secret] = source

    def fresh_leaks(self) -> list[str]:
        """In what was logged since the last call."""
        text = "\n".join(self.lines[self.checked :])
        self.checked = len(self.lines)
        return leaks_in(text, self.secrets)


def leaks_in(text: str, secrets: dict[str, str]) -> list[str]:
    """What is found, without showing it."""
    found = [f"{match.lastgroup} {match.group()[:4]}…" for match in PATTERNS.finditer(text)]
    return found + [f"{source} {secret[:2]}…" for secret, source in secrets.items() if secret in text]


def constants() -> Iterable[tuple[str, str]]:
    """Passwords and keys that the tests' modules name."""
    for name, module in list(sys.modules.items()):
        if name.startswith("tests."):
            for constant, value in vars(module).items():
                if CONSTANTS.match(constant) and isinstance(value, str) and "/" not in value:
                    yield f"{name}.{constant}", value


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEAKS] = []
    config.stash[RECORDED] = recorded = Recorded()
    logging.getLogger().setLevel(logging.INFO)
    # As the server sets them: the lines of a client hold whole addresses.
    for chatty in ("alembic", "aiosqlite", "httpx2", "httpcore2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    formatter = logging.Formatter("%(message)s")
    usual = logging.LogRecord(*("", 0, "", 0, "", None, None)).__dict__.keys()
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)

    # Not a handler: tests and commands replace the handlers.
    def handle(logger: logging.Logger, record: logging.LogRecord) -> None:
        extra = [f"{key}={value}" for key, value in record.__dict__.items() if key not in usual]
        # A formatter leaves what it made in the record.
        recorded.lines.append(" ".join([formatter.format(copy.copy(record)), *extra]))
        original(logger, record)

    original = logging.Logger.handle
    patch.setattr(logging.Logger, "handle", handle)
    for name in ("hash", "verify"):
        patch.setattr(Passwords, name, _noting(recorded, getattr(Passwords, name)))
    patch.setattr(AccountSecret, "_derived", _noting_secret(recorded, AccountSecret._derived))


def _noting(recorded: Recorded, method: Any) -> Any:
    async def noting(self: Passwords, password: str, *rest: Any) -> Any:
        recorded.note("a password", password)
        return await method(self, password, *rest)

    return noting


def _noting_secret(recorded: Recorded, method: Any) -> Any:
    def noting(self: AccountSecret, *rest: Any) -> bytes:
        derived: bytes = method(self, *rest)
        for secret in (self._secret or b"", derived):
            for written in spellings(secret):
                recorded.note("an installation's secret", written)
        return derived

    return noting


def spellings(secret: bytes) -> tuple[str, ...]:
    encoded = base64.b64encode(secret).decode().rstrip("=")
    return secret.hex(), encoded, encoded.translate(str.maketrans("+/", "-_")), repr(secret)[2:-1]


@pytest.fixture(autouse=True)
def _no_secret_is_logged(request: pytest.FixtureRequest) -> Generator[None]:
    recorded = request.config.stash[RECORDED]
    yield
    leaks = recorded.fresh_leaks()
    if leaks:
        # Told once, here.
        recorded.lines.clear()
        recorded.checked = 0
        pytest.fail(f"secrets were logged: {', '.join(leaks)}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    recorded = config.stash[RECORDED]
    for source, value in constants():
        recorded.note(source, value)
    leaks = config.stash[LEAKS]
    leaks += [f"a record: {leak}" for leak in leaks_in("\n".join(recorded.lines), recorded.secrets)]
    leaks += [leak for leak in _leaks_in_files(config, recorded) if leak not in leaks]
    if hasattr(config, "workeroutput"):
        config.workeroutput["leaks"] = leaks  # type: ignore[attr-defined]
    elif leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has ended."""
    node.config.stash[LEAKS] += getattr(node, "workeroutput", {}).get("leaks", [])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.stash[LEAKS]:
        terminalreporter.section("secrets in logs", red=True)
        for leak in config.stash[LEAKS]:
            terminalreporter.line(leak)


def _leaks_in_files(config: pytest.Config, recorded: Recorded) -> list[str]:
    """Of the servers that this process started, in the folders that pytest gave to its tests."""
    made: Path | None = config._tmp_path_factory._basetemp  # type: ignore[attr-defined]
    if made is None:
        return []
    secrets, found = dict(recorded.secrets), list[str]()
    files = [Path(folder, name) for folder, _, names in os.walk(made) for name in names]
    for file in (file for file in files if file.name == "accounts.secret"):
        secrets |= dict.fromkeys(spellings(file.read_bytes()), str(file.relative_to(made)))
    for file in sorted(file for file in files if LOG_FILES.search(file.name)):
        text = file.read_text(encoding="utf-8", errors="replace")
        printed = text if file.parent.name == "logs" else SETUP_LINK.sub("", text)
        found += [f"{file.relative_to(made)}: {leak}" for leak in leaks_in(printed, secrets)]
    return found
