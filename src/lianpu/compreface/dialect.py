"""Where CompreFace's API differs in form from ours: subjects stand in addresses, and errors have another shape."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lianpu.http.problems import MEDIA_TYPE

RECOGNITION, DETECTION, VERIFICATION = "/api/v1/recognition", "/api/v1/detection", "/api/v1/verification"
SUBJECTS = f"{RECOGNITION}/subjects"
PLACEHOLDER = "-"
SUBJECT_STATE = "compreface_subject"
# What CompreFace answers with 400.
_BAD_REQUEST = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY})
_CODES: Mapping[str, int] = {
    "scope_missing": 1,
    "api_key_invalid": 10,
    "token_invalid": 10,
    "token_expired": 10,
    "token_revoked": 10,
    "authentication_required": 20,
    "image_format_unsupported": 21,
    "image_damaged": 21,
    "image_empty": 21,
    "validation_failed": 26,
    "malformed_request": 26,
    "unsupported_media_type": 26,
    "quality_too_low": 26,
    "liveness_failed": 26,
    "enrolment_conflict": 26,
    "face_not_found": 28,
    "several_faces": 31,
    "server_busy": 41,
    "subject_not_found": 42,
    "person_not_found": 42,
    "subject_exists": 43,
    "image_not_found": 44,
}
_MISSING_PARAMETER, _MISSING_PART = 33, 34
_PARTS = frozenset({"file", "source_image", "target_image"})


class CompreFaceDialect:
    """ASGI middleware, around everything that writes addresses down or refuses a call.

    A subject's name is taken out of the address before anybody logs it, and a problem document becomes CompreFace's
    `{"message": …, "code": …}` with the status that its clients know.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_compreface(scope["path"]):
            await self._app(scope, receive, send)
            return
        _hide_subject(scope)
        await self._app(scope, receive, _Translation(send).send)


def is_compreface(path: str) -> bool:
    return path.startswith((f"{RECOGNITION}/", f"{DETECTION}/", f"{VERIFICATION}/"))


def _hide_subject(scope: Scope) -> None:
    name = scope["path"].removeprefix(f"{SUBJECTS}/")
    if not name:
        # Its documentation has the list with a slash at the end.
        scope["path"] = SUBJECTS
        scope["raw_path"] = SUBJECTS.encode()
    elif name != scope["path"]:
        scope.setdefault("state", {})[SUBJECT_STATE] = name
        scope["path"] = f"{SUBJECTS}/{PLACEHOLDER}"
        scope["raw_path"] = scope["path"].encode()


class _Translation:
    """One answer: held back as long as it may be a problem document, which is small."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_translated(self._start)
        else:
            await self._send(message)

    async def _send_translated(self, start: Message) -> None:
        problem: dict[str, Any] = json.loads(self._body)
        body = json.dumps({"message": problem["detail"], "code": code_of(problem)}, ensure_ascii=False).encode()
        headers = MutableHeaders(raw=start["headers"])
        headers["content-type"] = "application/json"
        headers["content-length"] = str(len(body))
        status = HTTPStatus.BAD_REQUEST if start["status"] in _BAD_REQUEST else start["status"]
        await self._send({**start, "status": int(status), "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def code_of(problem: Mapping[str, Any]) -> int:
    """CompreFace's number for a problem; 0 where it has none."""
    missing = {one["field"] for one in problem.get("errors", []) if one["code"] == "missing"}
    if missing:
        return _MISSING_PART if missing & _PARTS else _MISSING_PARAMETER
    return _CODES.get(problem["code"], 0)


def _is_problem(start: Message) -> bool:
    return MutableHeaders(raw=start["headers"]).get("content-type", "").startswith(MEDIA_TYPE)


def describe_errors(document: dict[str, Any], reference: Mapping[str, str]) -> None:
    """Say in the OpenAPI document what the middleware makes of refusals.

    Args:
        reference: to the schema of `CompreFaceError`.
    """
    for path, methods in document["paths"].items():
        for operation in methods.values() if is_compreface(path) else ():
            answers = operation["responses"]
            for status in [one for one in answers if one.isdecimal() and int(one) in _BAD_REQUEST]:
                answers.setdefault("400", answers.pop(status))
            for status, answer in answers.items():
                if int(status) >= HTTPStatus.BAD_REQUEST:
                    answer = answers[status] = {**answer, "content": {"application/json": {"schema": reference}}}
            if "400" in answers:
                answers["400"]["description"] = HTTPStatus.BAD_REQUEST.phrase
            operation["responses"] = dict(sorted(answers.items()))
