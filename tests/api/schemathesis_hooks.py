"""Loaded by the schemathesis command: bodies that it has no words for, requests that find something, and a record.

`LIANPU_TEST_REQUESTS` names the file of the requests (see schemathesis_home), beside which their photos lie, and
`LIANPU_TEST_RECORD` the file that a line is added to for each answer: call, status and code as JSON.
"""

import base64
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis

FOUND_EVERY = 3
REQUESTS = Path(os.environ["LIANPU_TEST_REQUESTS"])
RECORD = Path(os.environ["LIANPU_TEST_RECORD"])
requests: dict[str, list[dict[str, Any]]] = json.loads(REQUESTS.read_text(encoding="utf-8"))
calls: Counter[str] = Counter()
used: Counter[str] = Counter()


@schemathesis.serializer("application/zip", "application/x-tar", "application/gzip", "image/*")
def raw(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def before_call(_context: Any, case: Any, _arguments: Any) -> None:
    """The first request of a call must succeed; of the others, which are made up, some find something."""
    if case.method.upper() != case.operation.method.upper():
        return
    call = case.operation.label
    number = calls[call]
    calls[call] += 1
    if number % FOUND_EVERY == 0 and (request := next_request(call)) is not None:
        fill(case, request, is_whole=number == 0)


def next_request(call: str) -> dict[str, Any] | None:
    known = requests.get(call, [])
    if len(known) > 1 and used[call] == len(known):
        return None
    used[call] += 1
    return known[(used[call] - 1) % len(known)] if known else None


def fill(case: Any, request: dict[str, Any], *, is_whole: bool) -> None:
    case.path_parameters = dict(request.get("path", {}))
    if is_whole:
        case.query = dict(request.get("query", {}))
        case.headers.clear()
    if is_whole and "body" in request:
        case.media_type = next(iter(body.media_type for body in case.operation.body))
    if "body" not in request or case.media_type is None:
        return
    if is_whole or not isinstance(case.body, dict):
        case.body = {}
    known = with_files(request["body"], as_text=case.media_type == "application/json")
    if isinstance(known, dict) and case.media_type.startswith("image/"):
        known = known.get("image", b"")
    case.body = {**case.body, **known} if isinstance(known, dict) else known


def with_files(body: Any, *, as_text: bool) -> Any:
    if isinstance(body, list):
        return [with_files(item, as_text=as_text) for item in body]
    if not isinstance(body, dict):
        return body
    if "$file" in body:
        content = REQUESTS.with_name(body["$file"]).read_bytes()
        return base64.b64encode(content).decode() if as_text else content
    return {name: with_files(value, as_text=as_text) for name, value in body.items()}


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    with RECORD.open("a", encoding="utf-8") as record:
        record.write(json.dumps([case.operation.label, response.status_code, code_of(response)]) + "\n")


@schemathesis.hook
def filter_failure(_context: Any, _failure: Any, _case: Any, response: Any) -> bool:
    """One answer 503 is meant: whoever asks for liveness where no pack can judge it is told so."""
    return (response.status_code, code_of(response)) != (503, "pack_incomplete")


def code_of(response: Any) -> str | None:
    is_problem = "application/problem+json" in response.headers.get("content-type", ())
    return response.json()["code"] if is_problem else None
