"""R-OPS 5, R-ACC 2: the OpenAPI document says who may call each operation, and how to log in."""

from typing import Any

import httpx2
import pytest

from lianpu.accounts.roles import Role, Scope
from lianpu.compreface.dialect import is_compreface
from tests.api.access.table import Row, read_table

pytestmark = pytest.mark.anyio
ROWS = {(row.method, row.path): row for row in read_table()}


@pytest.fixture
async def document(client: httpx2.AsyncClient) -> dict[str, Any]:
    return (await client.get("/openapi.json")).json()


def operations(document: dict[str, Any]) -> list[tuple[str, Row, dict[str, Any]]]:
    return [
        (f"{method} {path}", ROWS[method.upper(), path], operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_R_ACC_2_every_operation_says_what_it_needs(document: dict[str, Any]) -> None:
    found = operations(document)
    shown = {(row.method, row.path) for _, row, _ in found}
    hidden = {"/openapi.json", "/docs", "/docs/start.js", "/redoc", "/{path:path}"}
    assert shown == {key for key, row in ROWS.items() if row.method != "WS" and row.path not in hidden}
    for call, row, operation in found:
        if row.scope is None:
            assert operation["security"] == [], call
            assert "x-required-scope" not in operation
            continue
        assert {"login": [row.scope.value]} in operation["security"], call
        assert {"api_key": []} in operation["security"]
        assert {} not in operation["security"]
        assert ({"token_query": []} in operation["security"]) == row.by_query
        assert operation["x-required-scope"] == row.scope.value
        assert operation["x-roles"] == [role.value for role in Role if role in row.roles]
        assert operation.get("x-scope-for-others") == (None if row.others is None else row.others.value)
        assert f"`{row.scope.value}`" in operation["description"]


async def test_R_ACC_2_refusals_are_documented_where_they_happen(document: dict[str, Any]) -> None:
    for call, row, operation in operations(document):
        answers = operation["responses"]
        shape = "application/json" if is_compreface(row.path) else "application/problem+json"
        assert list(answers["403"]["content"]) == [shape], call
        is_guarded = row.path.startswith("/api/") or not row.is_open
        assert ("401" in answers) == ("429" in answers) == is_guarded, call
        if is_guarded:
            assert "Retry-After" in answers["429"]["headers"]
            assert "WWW-Authenticate" in answers["401"]["headers"]
        assert ("413" in answers) >= ("requestBody" in operation), call
        assert answers.keys() == dict(sorted(answers.items())).keys()


async def test_R_ACC_1_login_is_described_as_the_password_flow(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    flow = schemes["login"]["flows"]["password"]
    assert schemes["login"]["type"] == "oauth2"
    assert flow["tokenUrl"] == flow["refreshUrl"] == "/api/v1/users/token"
    assert set(flow["scopes"]) == {scope.value for scope in Scope}
    assert all(flow["scopes"].values())
    assert schemes["api_key"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    assert "security" not in document
    used = {name for _, _, operation in operations(document) for way in operation["security"] for name in way}
    assert used == set(schemes)
