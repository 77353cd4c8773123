"""R-ACC-4 from the command line: commands are recorded as requests are, and the log is listed, proved, exported."""

import getpass
import io
import json
import sys
from pathlib import Path

import pytest

from tests.audit.tampering import tampering
from tests.cli.conftest import Lianpu

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """No pack is needed here."""
    return tmp_path / "home"


@pytest.fixture
def used(lianpu: Lianpu, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An administrator was made, persons were listed, and one was looked for."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("seven blue herons 4711\n"))
    assert lianpu("users", "create-admin", "olga", "--password-stdin", "--home", home).code == 0
    assert lianpu("faces", "list", "--home", home).code == 0
    assert lianpu("faces", "show", "p-17", "--home", home).code == 1
    return home


def test_R_ACC_4_commands_are_recorded_as_their_user(lianpu: Lianpu, used: Path) -> None:
    events = json.loads(lianpu("audit", "list", "--json", "--home", used).out)
    acts = [(event["action"], event["outcome"], event["target"]) for event in reversed(events)]
    assert acts[1:] == [("person.list", "ok", None), ("person.read", "failed", "p-17")]
    assert acts[0][:2] == ("user.create", "ok")
    assert {event["actor"]["kind"] for event in events} == {"local"}
    assert {event["actor"]["id"] for event in events} == {f"local:{getpass.getuser()}"}
    assert "seven blue herons" not in json.dumps(events)
    shown = lianpu("audit", "list", "--target", "p-17", "--home", used).out
    assert "person.read" in shown
    assert "user.create" not in shown
    assert "person.list" in lianpu("audit", "list", "--action", "person.list", "--home", used).out
    assert lianpu("audit", "list", "--since", "yesterday", "--home", used).code == 1


def test_R_ACC_4_verify_proves_the_log_or_names_the_event(lianpu: Lianpu, used: Path) -> None:
    whole = lianpu("audit", "verify", "--home", used)
    assert (whole.code, whole.out.splitlines()[0]) == (0, "3 events, none changed, none missing.")
    head = whole.out.split()[-1]
    assert lianpu("audit", "verify", "--expect-head", head, "--home", used).code == 0
    unknown = lianpu("audit", "verify", "--expect-head", "0" * 64, "--home", used)
    assert (unknown.code, "No event has the expected hash" in unknown.err) == (1, True)
    with tampering(used / "lianpu.db") as connection:
        connection.execute("DELETE FROM audit_events WHERE sequence = 2")
    broken = lianpu("audit", "verify", "--home", used)
    assert (broken.code, "event 2 is wrong. It was removed." in broken.err) == (1, True)
    verdict = json.loads(lianpu("audit", "verify", "--json", "--home", used).out)
    assert (verdict["ok"], verdict["first_broken"], verdict["problem"]) == (False, 2, "missing")


def test_R_ACC_4_doctor_sees_a_log_that_was_cut(lianpu: Lianpu, used: Path) -> None:
    def said(home: Path) -> dict[str, str]:
        findings = json.loads(lianpu("doctor", "--json", "--home", home).out)
        return next(finding for finding in findings if finding["subject"] == "audit")

    assert said(used) == {"subject": "audit", "level": "ok", "text": "3 events, up to where it was anchored"}
    with tampering(used / "lianpu.db") as connection:
        connection.execute("DELETE FROM audit_events WHERE sequence > 1")
    cut = said(used)
    assert (cut["level"], "lianpu audit verify" in cut["text"]) == ("problem", True)
    fresh = said(used.parent / "fresh")
    assert (fresh["level"], fresh["text"]) == ("ok", "nothing is recorded yet")
    assert not (used.parent / "fresh").exists()


def test_R_ACC_4_export_writes_every_event_with_its_hashes(
    lianpu: Lianpu, used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianpu.cli.audit.EXPORT_CHUNK", 2)
    file = tmp_path / "audit.jsonl"
    done = lianpu("audit", "export", file, "--home", used)
    # Each of its calls is an event too, and stands in the file.
    assert (done.code, done.err.splitlines()[-1]) == (0, "up to event 7"), done.err
    events = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert [event["action"] for event in events][3:] == ["audit.export"] * 4
    assert [event["previous_hash"] for event in events[1:]] == [event["hash"] for event in events[:-1]]
    rest = lianpu("audit", "export", "--after", "7", "--home", used)
    assert [json.loads(line)["sequence"] for line in rest.out.splitlines()] == [8]
    again = lianpu("audit", "export", file, "--home", used)
    assert (again.code, "cannot be written" in again.err) == (1, True)
