"""What a call can raise.

ClientError
├── UnreachableError        nothing answers, or what answers is no Lianpu server
├── WaitTimeoutError        what was waited for did not end in time; it goes on
├── JobFailedError          a job, a task or an enhancement that was waited for failed or was cancelled
└── ApiError                the server refused; the family goes by the HTTP status, `code` says what it was
    ├── InvalidRequestError     400 413 415 422: the caller can mend it; `errors` names fields
    ├── AuthenticationError     401
    ├── AccessDeniedError       403
    ├── NotFoundError           404 410
    ├── ConflictError           409
    ├── TooManyRequestsError    429
    └── ServerError             5xx
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, cast

import httpx2


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field of a request that is wrong."""

    field: str
    message: str
    code: str


class ClientError(Exception):
    """Root of all errors of this package."""


class UnreachableError(ClientError):
    """Nothing answers, or what answers is no Lianpu server; the cause is chained."""


class WaitTimeoutError(ClientError):
    """What was waited for did not end in time. It goes on."""


class JobFailedError(ClientError):
    """What was waited for failed or was cancelled."""

    def __init__(self, detail: str, *, code: str) -> None:
        """`code`: of the error that the job ended with; `cancelled` where it was cancelled."""
        super().__init__(detail)
        self.code = code


class ApiError(ClientError):
    """The server refused: an RFC 9457 problem."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        request_id: str = "",
        errors: tuple[FieldProblem, ...] = (),
        context: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        fields = "".join(f"\n  {one.field}: {one.message}" for one in errors)
        super().__init__(f"{title} [{code}]: {detail}{fields}")
        self.status = status
        self.code = code
        """Stable: decide by it."""
        self.title = title
        self.detail = detail
        """For people."""
        self.request_id = request_id
        self.errors = errors
        self.context: Mapping[str, Any] = context or {}
        """What else the problem document says, such as `faces` or `required_scope`."""
        self.retry_after_s = retry_after_s
        """Seconds after which the server would like to be asked again."""


class InvalidRequestError(ApiError):
    """400, 413, 415 or 422."""


class AuthenticationError(ApiError):
    """401."""


class AccessDeniedError(ApiError):
    """403."""


class NotFoundError(ApiError):
    """404, or 410 for what is gone."""


class ConflictError(ApiError):
    """409."""


class TooManyRequestsError(ApiError):
    """429."""


class ServerError(ApiError):
    """5xx."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: AuthenticationError,
    403: AccessDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    429: TooManyRequestsError,
}
_KNOWN = frozenset({"type", "title", "status", "detail", "code", "request_id", "errors"})


def error_of(response: httpx2.Response) -> ClientError:
    """The error that an answer of 400 or more stands for; its body must have been read."""
    status = response.status_code
    problem = _problem(response)
    if problem is None:
        if status >= 500:
            # A proxy in front of the server answers in its own words.
            return ServerError(status, "http_error", response.reason_phrase, f"HTTP {status}.")
        return UnreachableError(f"What answers at {response.url} with {status} is no Lianpu server.")
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else InvalidRequestError)
    return kind(
        status,
        str(problem["code"]),
        str(problem.get("title", "")),
        str(problem.get("detail", "")),
        request_id=str(problem.get("request_id", "")),
        errors=tuple(_fields(problem.get("errors"))),
        context={name: value for name, value in problem.items() if name not in _KNOWN},
        retry_after_s=retry_after_s(response),
    )


def retry_after_s(response: httpx2.Response) -> float | None:
    """Seconds that the header `Retry-After` asks for, as a number or a date (RFC 9110); None: it says nothing."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except ValueError:
        return None


def _problem(response: httpx2.Response) -> dict[str, Any] | None:
    try:
        document: object = response.json()
    except ValueError:
        return None
    if not isinstance(document, dict) or "code" not in document:
        return None
    return cast(dict[str, Any], document)


def _fields(errors: object) -> list[FieldProblem]:
    items = cast(list[dict[str, Any]], errors) if isinstance(errors, list) else []
    return [FieldProblem(str(one["field"]), str(one["message"]), str(one["code"])) for one in items]
