"""R-ACC 2: every route and WebSocket, called as every kind of caller, does what docs/access.md says."""

import re
from collections.abc import Iterable

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

import lianpu.api.app as api
from lianpu.accounts.access import AccessRule, requires, rule_of
from lianpu.accounts.roles import SCOPES_OF, Role, Scope
from lianpu.api.routes import ROUTERS, included
from lianpu.settings import load_settings
from tests.api.access.asgi import call, connect
from tests.api.access.callers import Caller
from tests.api.access.conftest import House
from tests.api.access.table import Row, read_scopes, read_table

pytestmark = pytest.mark.anyio
TABLE = read_table()
REFUSED = {401, 403}


def rules(app: FastAPI) -> dict[str, AccessRule]:
    """By call; what has no method and no rule has its own name here, and is no row of the table."""
    found: dict[str, AccessRule] = {}
    for route in (context.original_route for context in iter_route_contexts(app.routes)):
        rule = rule_of(route)
        assert rule is not None, route
        assert isinstance(route, APIRoute | APIWebSocketRoute)
        methods: Iterable[str] = (route.methods or ()) if isinstance(route, APIRoute) else ("WS",)
        for method in methods:
            found[f"{method} {route.path}"] = rule
    return found


def test_R_ACC_2_every_route_is_in_the_table_once_and_the_table_holds_no_other(house: House) -> None:
    calls = [row.call for row in TABLE]
    assert len(calls) == len(set(calls))
    assert set(calls) == set(rules(house.app))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.call)
def test_R_ACC_2_the_table_says_what_the_rule_beside_the_route_says(house: House, row: Row) -> None:
    rule = rules(house.app)[row.call]
    assert (rule.scope, rule.others, rule.by_query or rule.by_message) == (row.scope, row.others, row.by_query)
    assert rule.by_signature == row.by_signature
    assert row.is_open == (row.scope is None)
    assert row.roles == {role for role in Role if row.scope is None or row.scope in SCOPES_OF[role]}


def test_R_ACC_2_the_scopes_are_written_down_as_the_roles_have_them() -> None:
    assert read_scopes() == {scope: {role for role in Role if scope in SCOPES_OF[role]} for scope in Scope}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.call)
async def test_R_ACC_2_every_caller_gets_what_the_table_says(house: House, row: Row) -> None:
    callers = dict(house.callers)
    if row.scope is not None:
        callers["key with just the scope"] = house.keys[row.scope, True]
        callers["key with all other scopes"] = house.keys[row.scope, False]
    outcomes = {name: await outcome(house.app, row, caller) for name, caller in callers.items()}
    assert outcomes == {name: caller.expected(row) for name, caller in callers.items()}


@pytest.mark.parametrize("row", [row for row in TABLE if row.method != "WS"], ids=lambda row: row.call)
async def test_R_ACC_1_a_credential_in_the_address_counts_only_where_the_table_says_so(house: House, row: Row) -> None:
    answer = await call(house.app, row.method, filled(row.path), query=f"token={house.callers['admin'].credential}")
    assert (answer.status in REFUSED) == (not row.is_open and not row.by_query)


@pytest.mark.parametrize("row", [row for row in TABLE if row.by_query], ids=lambda row: row.call)
async def test_R_ACC_1_a_credential_in_the_address_is_checked_like_any_other(house: House, row: Row) -> None:
    for name, caller in house.callers.items():
        if caller.credential is not None:
            query = f"token={caller.credential}"
            if row.method == "WS":
                result = as_status(await connect(house.app, row.path, query=query))
            else:
                result = as_refusal((await call(house.app, row.method, row.path, query=query)).status)
            assert result == caller.expected(row), name


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "WS"], ids=lambda row: row.call)
async def test_R_INF_3_the_first_message_of_a_websocket_is_checked_like_any_other(house: House, row: Row) -> None:
    for name, caller in house.callers.items():
        result = as_status(await connect(house.app, row.path, token=caller.credential))
        assert result == caller.expected(row), name


async def test_R_ACC_2_a_route_that_only_asks_for_a_scope_lets_nobody_else_in(house: House) -> None:
    """The table's test would notice: a route whose rule is weaker than its row."""
    weaker = Row(
        "GET",
        "/api/v1/faces",
        is_open=False,
        roles=frozenset({Role.ADMIN}),
        scope=Scope.AUDIT_READ,
        others=None,
        is_personal=False,
        by_query=False,
        by_signature=False,
    )
    viewer = house.callers["viewer"]
    assert await outcome(house.app, weaker, viewer) == 0 != viewer.expected(weaker)


@pytest.mark.parametrize(
    "plant",
    [
        lambda router: router.add_api_route("/api/v1/planted", endpoint),
        lambda router: router.add_api_route("/api/v1/planted", endpoint, dependencies=[requires(Scope.IMAGES)] * 2),
        lambda router: router.add_api_websocket_route("/api/v1/planted", endpoint),
        lambda router: router.add_route("/api/v1/planted", endpoint),
        lambda router: router.mount("/planted", endpoint),
    ],
    ids=["no rule", "two rules", "websocket", "plain route", "mount"],
)
def test_R_ACC_2_a_route_without_a_rule_does_not_start(tmp_path, monkeypatch, plant) -> None:
    router = APIRouter()
    plant(router)
    monkeypatch.setattr(api, "INCLUDED", included((*ROUTERS, router)))
    with pytest.raises(RuntimeError, match="must have exactly one access rule"):
        api.create_app(load_settings({"home": str(tmp_path)}, environment={}, folder=tmp_path).settings)


def test_R_ACC_2_a_route_with_a_rule_but_without_a_row_is_found(tmp_path, monkeypatch) -> None:
    router = APIRouter()
    router.add_api_route("/api/v1/planted", endpoint, dependencies=[requires(Scope.IMAGES)])
    monkeypatch.setattr(api, "INCLUDED", included((*ROUTERS, router)))
    app = api.create_app(load_settings({"home": str(tmp_path)}, environment={}, folder=tmp_path).settings)
    assert set(rules(app)) - {row.call for row in TABLE} == {"GET /api/v1/planted"}


async def outcome(app: FastAPI, row: Row, caller: Caller) -> int:
    """0: let through, whatever came of the request; else the status of the refusal."""
    if row.method == "WS":
        return as_status(await connect(app, row.path, caller.headers, token=caller.credential))
    answer = await call(app, row.method, filled(row.path), caller.headers)
    assert answer.status < 500 or answer.status == 503, answer
    return as_refusal(answer.status)


def as_refusal(status: int) -> int:
    return status if status in REFUSED else 0


def as_status(result: str) -> int:
    """Of a WebSocket: close codes 44xx are the HTTP statuses 4xx. What the path names need not be there."""
    assert result in {"ready", "401", "403", "4401", "4403", "4404"}, result
    return 0 if result == "ready" else as_refusal(int(result) % 4000)


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "00000000-0000-7000-8000-000000000000", path)


async def endpoint() -> None: ...
