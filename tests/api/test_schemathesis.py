"""Schemathesis over the whole OpenAPI of a real server: no 5xx, and no answer that is not documented."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from tests.api.schemathesis_home import Finder, fill_inbox
from tests.crash.server import API_KEY, CrashingServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# Pushed events and feeds never end; a pull would go to the internet. They have tests of their own.
LEFT_OUT = "/(inference|jobs|stream|enhance)/events$|/stream/feed/|/swap/live/[^/]+/feed$|/models/pull$"
LEFT_OUT_CALLS = {"DELETE /api/v1/stream/unknowns": "nobody would be left for the other calls"}
NEVER_SUCCEED = {
    "POST /api/v1/users/setup": "there is an administrator",
    "DELETE /api/v1/users/me/sessions/{session_id}": "another call has ended them all",
    "POST /api/v1/jobs/{job_id}/cancel": "jobs are over too soon",
}
"""Where the record may lack a success, and why."""
MADE_UP_ALONE = re.compile(
    r" /api/v1/(enhance|swap|provenance|stream/recordings|stream/webhooks|recognition|detection|verification)\b"
    r"|/record(/stop)?$"
)
"""Calls for which no request is prepared that must succeed: swaps and CompreFace's API are off, no made-up
address may be a webhook's, and what is enhanced takes its time. Tests of their own look at their successes."""
LOGIN = {"POST /api/v1/users/token"}


def add_packs(home: Path, translated: Path) -> None:
    """The embedded pack, and under other names two more that may be tried and deleted."""
    shutil.copytree(translated, home / "cache" / "packs")
    (embedded,) = translated.glob("dlib-*")
    for name in ("second", "spare"):
        manifest = shutil.copytree(embedded, home / "packs" / f"{name}@1") / "pack.toml"
        text = manifest.read_text(encoding="utf-8")
        assert 'name = "dlib"' in text
        manifest.write_text(text.replace('name = "dlib"', f'name = "{name}"', 1), encoding="utf-8")


def answers(record: Path) -> dict[str, set[int]]:
    """Every status of each call."""
    found: dict[str, set[int]] = defaultdict(set)
    for line in record.read_text(encoding="utf-8").splitlines():
        call, status, _ = json.loads(line)
        found[call].add(status)
    return found


def test_R_ACC_2_every_answer_to_anything_is_documented_and_none_is_a_5xx(
    tmp_path: Path, translated_packs: Path, portraits: Sequence[bytes]
) -> None:
    home, known, record = tmp_path / "home", tmp_path / "known", tmp_path / "record"
    known.mkdir()
    add_packs(home, translated_packs)
    fill_inbox(home, portraits)
    environment = {f"LIANPU_LIMITS__{name}": "null" for name in ("PER_CLIENT", "PER_USER", "LOGIN")}
    # No address that is made up is ever called.
    environment |= {"LIANPU_STREAMS__SCHEMES": "[]", "LIANPU_STREAMS__FOLDERS": json.dumps([str(known)])}
    server = CrashingServer(home, {**environment, "LIANPU_LOGGING__LEVEL": "warning"}, tmp_path / "server.log")
    server.start()
    address = f"http://127.0.0.1:{server.port}"
    try:
        with httpx2.Client(base_url=address, headers={"X-API-Key": API_KEY}, timeout=60) as client:
            finder = Finder(client, known, portraits)
            key = finder.fill()
        (known / "requests.json").write_text(json.dumps(finder.requests), encoding="utf-8")
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "run",
                f"{address}/openapi.json",
                f"--header=X-API-Key: {key}",
                "--phases=examples,coverage,fuzzing",
                f"--checks={','.join(CHECKS)}",
                f"--exclude-path-regex={LEFT_OUT}",
                *(f"--exclude-name={call}" for call in LEFT_OUT_CALLS),
                "--max-examples=4",
                "--seed=4",
                "--generation-database=none",
                "--continue-on-failure",
                # The first enhancement has its networks translated and measured.
                "--request-timeout=60",
                "--warnings=off",
                "--no-color",
            ],
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks",
                "PYTHONPATH": str(ROOT),
                "LIANPU_TEST_REQUESTS": str(known / "requests.json"),
                "LIANPU_TEST_RECORD": str(record),
            },
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=800,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        paths = server.call("GET", "/openapi.json")["paths"]
        tested = sum(len(methods) for path, methods in paths.items() if not re.search(LEFT_OUT, path)) - len(
            LEFT_OUT_CALLS
        )
        assert f"Tested: {tested}" in done.stdout
        assert server.call("GET", "/health")["status"] == "ok"
    finally:
        server.stop()
    assert "Traceback" not in (tmp_path / "server.log").read_text(encoding="utf-8")

    # It was not all refused: what a success says was compared with its description, too.
    statuses = answers(record)
    assert len(statuses) == tested
    without_success = {call for call, seen in statuses.items() if not any(status < 300 for status in seen)}
    assert {call for call in without_success if not MADE_UP_ALONE.search(call)} <= set(NEVER_SUCCEED)
    assert {call for call, seen in statuses.items() if 401 in seen} <= LOGIN
