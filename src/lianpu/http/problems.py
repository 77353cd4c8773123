"""Errors as RFC 9457 problem details, the one envelope of the whole API."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from lianpu.database.conflicts import is_passing
from lianpu.errors import (
    BusyError,
    DatabaseUnreachableError,
    FieldError,
    FieldsInvalidError,
    LianpuError,
    MalformedRequestError,
    UploadTooLargeError,
)
from lianpu.http.audited import note_of
from lianpu.http.uploads import field_errors

MEDIA_TYPE = "application/problem+json"
DATABASE_RETRY_S = 5
_log = logging.getLogger(__name__)


class ProblemField(BaseModel):
    field: str = Field(examples=["metadata"])
    message: str = Field(examples=["must be a JSON object"])
    code: str = Field(examples=["json_invalid"])


class Problem(BaseModel):
    """RFC 9457 problem details. `code` is stable: programs decide by it, people read `detail`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:lianpu:problem:person_not_found"])
    title: str = Field(examples=["Person not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no person 'p-17'."])
    code: str = Field(examples=["person_not_found"])
    request_id: str = Field(examples=["018f6d3a-6c1e-7c3b-9d0e-2f4b8a1c5e77"])
    errors: list[ProblemField] = Field(default_factory=list[ProblemField])


def problem_response(error: LianpuError, request_id: str) -> JSONResponse:
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    errors = [{"field": item.field, "message": item.message, "code": item.code} for item in error.errors]
    return _response(error.status, error.code, error.title, error.detail, request_id, errors, error.context, headers)


def _response(
    status: int,
    code: str,
    title: str,
    detail: str,
    request_id: str,
    errors: Sequence[Mapping[str, str]],
    context: Mapping[str, object],
    headers: Mapping[str, str],
) -> JSONResponse:
    content = {
        "type": f"urn:lianpu:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        "errors": errors,
        **context,
    }
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a router or route: the statuses it may answer with a problem."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _SCHEMA_REFERENCE}}}
        for status in statuses
    }


_SCHEMA_REFERENCE = {"$ref": "#/components/schemas/Problem"}


def add_problem_handlers(app: FastAPI) -> None:
    async def on_lianpu(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, LianpuError)
        note_of(request).about(problem=error.code)
        if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request failed", exc_info=error)
        return problem_response(error, request_id_of(request))

    async def on_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        if any(item["type"] == "json_invalid" for item in error.errors()):
            return problem_response(MalformedRequestError("The body is not valid JSON."), request_id_of(request))
        errors: list[FieldError] = field_errors(error.errors())
        return problem_response(
            FieldsInvalidError("The request has fields that are wrong.", errors=errors), request_id_of(request)
        )

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return _http_problem(error.status_code, error.detail, error.headers, request_id_of(request))

    async def on_disconnect(request: Request, error: Exception) -> JSONResponse:
        # Nobody reads the answer, and nothing is wrong here.
        reason = {"path": request.url.path, "reason": type(error).__name__}
        _log.info("the client went away before its request was whole", extra=reason)
        return problem_response(MalformedRequestError("The request ends in the middle."), request_id_of(request))

    async def on_unexpected(request: Request, error: Exception) -> JSONResponse:
        _log.error("request failed unexpectedly", exc_info=error)
        unexpected = LianpuError("The server met an error of its own; its log has it under this request id.")
        return problem_response(unexpected, request_id_of(request))

    async def on_database(request: Request, error: Exception) -> JSONResponse:
        told = _passing(error)
        if told is None:
            raise error
        return await on_lianpu(request, told)

    app.add_exception_handler(LianpuError, on_lianpu)
    app.add_exception_handler(SQLAlchemyError, on_database)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(ClientDisconnect, on_disconnect)
    app.add_exception_handler(Exception, on_unexpected)


def _passing(error: Exception) -> LianpuError | None:
    """A trouble of the database that is over when the caller comes again; None: it is a mistake of the server's own."""
    if isinstance(error, PoolTimeoutError):
        return BusyError("Every connection to the database is in use.", retry_after_s=DATABASE_RETRY_S)
    if not isinstance(error, DBAPIError) or not is_passing(error):
        return None
    if error.connection_invalidated:
        return DatabaseUnreachableError("The connection to the database was lost.", retry_after_s=DATABASE_RETRY_S)
    return DatabaseUnreachableError(
        "Others were writing the same at the same moment. Nothing was changed.", retry_after_s=1
    )


def request_id_of(request: Request) -> str:
    return getattr(request.state, "request_id", "")


async def _request_id(request: Request) -> str:
    # Not `def`: FastAPI would send it through a thread.
    return request_id_of(request)


RequestId = Annotated[str, Depends(_request_id)]


def _http_problem(status: int, detail: str, headers: Mapping[str, str] | None, request_id: str) -> JSONResponse:
    """What the framework itself refuses (no such route, wrong method) in the same envelope."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return problem_response(UploadTooLargeError(detail), request_id)
    phrase = HTTPStatus(status).phrase
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    return _response(status, code, phrase, detail, request_id, [], {}, headers or {})
