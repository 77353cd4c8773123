"""R-OPS 5: the SDK asks for nothing that the API does not document, and leaves nothing out by accident."""

import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from lianpu.client.answers import Record
from lianpu.client.request import Content, EventStream, Json, Listing, Nothing, Nullable
from lianpu.compreface.dialect import is_compreface
from tests.client.described import Call, calls, groups, members

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "console" / "openapi.json").read_text("utf-8"))
CALLS = calls()
LEFT_OUT = {
    ("POST", "/api/v1/users/token"): "the client logs in by itself",
    ("POST", "/api/v1/users/token/revoke"): "and out",
    ("GET", "/api/v1/users/setup"): "the first administrator is made in the console",
    ("POST", "/api/v1/users/setup"): "so it is",
    ("GET", "/api/v1/stream/feed/{stream_id}"): "pictures for an <img>, by the address that the stream says",
    ("GET", "/api/v1/swap/live/{live_id}/feed"): "likewise",
    ("GET", "/health"): "a part of /health/ready",
    ("GET", "/metrics"): "text for Prometheus, which asks by itself",
    ("GET", "/api/v1/audit/export"): "lines that another system keeps as they are: `lianpu audit export`",
}
"""And all of CompreFace's API, which has clients of its own."""
by_name = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)


def operation_of(call: Call) -> dict[str, Any]:
    return DOCUMENT["paths"][call.request.route][call.request.method.lower()]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    schema = resolved(schema)
    return [one for part in schema["anyOf"] for one in alternatives(part)] if "anyOf" in schema else [schema]


def test_R_OPS_5_every_documented_operation_is_covered_or_left_out_for_a_reason() -> None:
    documented = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    covered = {(call.request.method, call.request.route) for call in CALLS}
    assert covered <= documented
    others = {(method, path) for method, path in documented - covered if not is_compreface(path)}
    assert others == set(LEFT_OUT)


@by_name
def test_R_OPS_5_parameters_and_headers_are_documented(call: Call) -> None:
    parameters = operation_of(call).get("parameters", [])
    by_place = {
        place: {one["name"].lower() for one in parameters if one["in"] == place}
        for place in ("path", "query", "header")
    }
    assert set(call.request.path) == by_place["path"]
    # `metadata.KEY` is a family of parameters, which OpenAPI cannot name.
    assert {name for name in call.request.query if not name.startswith("metadata.")} <= by_place["query"]
    missing = by_place["query"] - set(call.request.query) - {"cursor", "skip", "token"}
    assert missing == set(), "documented, and the SDK has no parameter for it"
    assert {name.lower() for name in call.request.headers} - {"content-type"} <= by_place["header"]


@by_name
def test_R_OPS_5_bodies_are_documented_and_whole(call: Call) -> None:
    request, content = call.request, operation_of(call).get("requestBody", {}).get("content", {})
    assert bool(content) == (request.json is not None or bool(request.files) or request.body is not None)
    if request.body is not None:
        assert request.headers["Content-Type"] in content
        return
    if not content:
        return
    schema = resolved(content["multipart/form-data" if request.files else "application/json"]["schema"])
    sent = set(request.json or {}) | set(request.form or {}) | {name for name, _ in request.files}
    assert sent == set(schema["properties"]), "each field has a parameter, and no other is sent"
    for name, value in {**(request.json or {}), **(request.form or {})}.items():
        kinds = {one.get("type") for one in alternatives(schema["properties"][name])} - {"null"}
        assert json_kind(value) & (kinds | {"number"} if "number" not in kinds else kinds) or None in kinds, name


def json_kind(value: Any) -> set[str]:
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int | float):
        return {"integer", "number"} if isinstance(value, int) else {"number"}
    return {"array"} if isinstance(value, list) else {"object"} if isinstance(value, dict) else {"string"}


@by_name
def test_R_OPS_5_answers_have_the_fields_that_are_documented(call: Call) -> None:
    answer = call.request.answer
    content = next(one for status, one in operation_of(call)["responses"].items() if status[0] == "2").get(
        "content", {}
    )
    if isinstance(call.described, EventStream):
        assert "text/event-stream" in content
    elif isinstance(answer, Nothing):
        assert content == {}
    elif isinstance(answer, Content):
        assert "application/json" not in content
    else:
        assert isinstance(answer, Json | Nullable)
        schema = resolved(content["application/json"]["schema"])
        if answer.field is not None:
            assert answer.field in schema["required"]
            schema = schema["properties"][answer.field]
        kind = answer.kind | None if isinstance(answer, Nullable) else answer.kind
        assert list(differences(kind, schema, call.name)) == []
    if isinstance(call.described, Listing):
        properties = resolved(content["application/json"]["schema"])["properties"]
        assert {"skip", "total"} <= properties.keys() if call.described.by_number else "next_cursor" in properties


def differences(kind: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    """Where a type of the SDK would not take what the schema allows."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    members_of = inner if origin in {types.UnionType, typing.Union} else (kind,)
    for one in alternatives(schema):
        found = [list(_unlike(member, one, at)) for member in members_of]
        if all(found):
            yield from min(found, key=len)


def _unlike(kind: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    origin = typing.get_origin(kind)
    if kind is Any or not schema.keys() & {"type", "enum", "const", "properties"}:
        return
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from _record_unlike(kind, schema, at)
    elif origin in {tuple, dict}:
        yield from _container_unlike(origin, typing.get_args(kind), schema, at)
    else:
        names = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
        wanted, actual = names.get(kind, "string"), schema.get("type", "string")
        if actual != wanted and not (wanted == "number" and actual == "integer"):
            yield f"{at}: {actual}, the SDK has {wanted}"


def _record_unlike(kind: type[BaseModel], schema: dict[str, Any], at: str) -> Iterator[str]:
    properties = schema.get("properties")
    if properties is None:
        yield f"{at}: no object of known fields"
        return
    required = set(schema.get("required", []))
    for name, field in kind.model_fields.items():
        if name not in properties:
            yield f"{at}.{name}: not documented"
        elif name not in required and field.is_required():
            yield f"{at}.{name}: may be left out"
        else:
            yield from differences(field.annotation, properties[name], f"{at}.{name}")
    yield from (f"{at}.{name}: the SDK does not have it" for name in properties.keys() - kind.model_fields.keys())


def _container_unlike(origin: type, inner: tuple[Any, ...], schema: dict[str, Any], at: str) -> Iterator[str]:
    if schema.get("type") != ("array" if origin is tuple else "object"):
        yield f"{at}: {schema.get('type')}, the SDK has {origin.__name__}"
    elif origin is dict:
        values = schema.get("additionalProperties")
        yield from differences(inner[1], values, f"{at}{{}}") if isinstance(values, dict) else ()
    elif inner[-1] is Ellipsis:
        yield from differences(inner[0], schema.get("items", {}), f"{at}[]")
    elif len(inner) != len(schema["prefixItems"]):
        yield f"{at}: another number of items"


def test_R_OPS_5_a_field_that_the_api_does_not_have_is_seen() -> None:
    class Job(Record):
        job_id: int
        colour: str

    schema = {"properties": {"job_id": {"type": "string"}, "kind": {"type": "string"}}, "required": ["job_id", "kind"]}
    assert list(differences(Job, schema, "job")) == [
        "job.job_id: string, the SDK has integer",
        "job.colour: not documented",
        "job.kind: the SDK does not have it",
    ]


def test_R_OPS_5_both_clients_have_the_same_calls() -> None:
    from lianpu.client import AsyncLianpu, Lianpu

    awaited = AsyncLianpu("http://127.0.0.1:1")
    for attribute, group in groups().items():
        other = type(awaited) if not attribute else type(getattr(awaited, attribute))
        assert dict(members(group)) == dict(members(other))
    assert {name for name in vars(Lianpu) if not name.startswith("_")} == {"close"}
    assert {name for name in vars(AsyncLianpu) if not name.startswith("_")} == {"aclose"}


def test_R_OPS_5_every_call_says_what_it_does() -> None:
    silent = [
        f"{at}.{name}"
        for at, group in groups().items()
        for name, member in members(group)
        if not member.describe.__doc__
    ]
    assert silent == []
