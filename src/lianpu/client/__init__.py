"""The client of a Lianpu server: `Lianpu` blocks, `AsyncLianpu` is awaited, and both have the same calls.

with Lianpu("http://127.0.0.1:8000", api_key=key) as lianpu:
    lianpu.persons.enrol("zhang-san.jpg", name="张三")
    for face in lianpu.search("party.jpg").faces:
        print(face.best_match.name if face.best_match else "unknown")
"""

from lianpu.client import answers
from lianpu.client.awaited import AsyncLianpu
from lianpu.client.blocking import Lianpu
from lianpu.client.errors import (
    AccessDeniedError,
    ApiError,
    AuthenticationError,
    ClientError,
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    JobFailedError,
    NotFoundError,
    ServerError,
    TooManyRequestsError,
    UnreachableError,
    WaitTimeoutError,
)
from lianpu.client.request import UNSET, Unset
from lianpu.client.retrying import Retrying
from lianpu.client.uploads import Source

__all__ = [
    "UNSET",
    "AccessDeniedError",
    "ApiError",
    "AsyncLianpu",
    "AuthenticationError",
    "ClientError",
    "ConflictError",
    "FieldProblem",
    "InvalidRequestError",
    "JobFailedError",
    "Lianpu",
    "NotFoundError",
    "Retrying",
    "ServerError",
    "Source",
    "TooManyRequestsError",
    "UnreachableError",
    "Unset",
    "WaitTimeoutError",
    "answers",
]
