"""No spelling of a path, and no method beside those of the table, opens a route to those whom its row keeps out."""

import re

import pytest

from lianpu.accounts.roles import Role
from tests.api.access.asgi import Answer, call
from tests.api.access.callers import Caller
from tests.api.access.conftest import House
from tests.api.access.table import Row, read_table
from tests.api.access.test_matrix import filled

pytestmark = pytest.mark.anyio
ROWS = [row for row in read_table() if row.method != "WS"]
GUARDED = [row for row in ROWS if not row.is_open]
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "Delete")
NOT_FOUND = {404, 405}
SPELLINGS = (
    lambda path: "/" + path,
    lambda path: path.replace("/api/", "/api//"),
    lambda path: path.replace("/api/", "/api/./"),
    lambda path: "/health/.." + path,
    lambda path: "/docs/..%2f" + path[1:],
    lambda path: "/assets/../" + path,
    lambda path: "/api/../" + path[1:],
    lambda path: "/." + path,
    lambda path: path + "/",
    lambda path: path + "//",
    lambda path: path + "%2f",
    lambda path: path + "/.",
    lambda path: path + "/..;/",
    lambda path: path + "%20",
    lambda path: path + "%00",
    lambda path: path + ";x=1",
    lambda path: path + ".json",
    lambda path: path + "%3f",
    lambda path: path + "%23",
    lambda path: "/%61pi" + path[4:],
    lambda path: "/%2561pi" + path[4:],
    lambda path: path.replace("/", "%2f").replace("%2f", "/", 1),
    lambda path: path.replace("/", "%5c").replace("%5c", "/", 1),
    lambda path: path.upper(),
    lambda path: "/API" + path[4:],
    lambda path: "/%EF%BC%8F" + path[1:],
    lambda path: path[1:],
    lambda path: "http://127.0.0.1" + path,
    lambda path: "*",
)


@pytest.mark.parametrize("path", sorted({row.path for row in GUARDED}))
async def test_R_ACC_2_other_spellings_of_a_path_open_nothing(house: House, path: str) -> None:
    page = await call(house.app, "GET", "/no-such-page")
    rows = [row for row in GUARDED if row.path == path]
    kept_out = [(rows[0].method, house.callers["anonymous"])]
    kept_out += [(row.method, house.callers["viewer"]) for row in rows if Role.VIEWER not in row.roles]
    for method, caller in kept_out:
        for spelling in SPELLINGS:
            spelt = spelling(filled(path))
            answer = await call(house.app, method, spelt, caller.headers)
            assert answer.status >= 400 or is_same_page(answer, page), (spelt, answer)


@pytest.mark.parametrize("path", sorted({row.path for row in GUARDED}))
async def test_R_ACC_2_other_methods_open_nothing(house: House, path: str) -> None:
    written = {row.method for row in ROWS if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", row.path), path)}
    for method in METHODS:
        if method not in written:
            anonymous = await call(house.app, method, filled(path))
            assert anonymous.status == 401, (method, anonymous)
            # Not even to those who may call the path by its own methods.
            admin = await call(house.app, method, filled(path), house.callers["admin"].headers)
            assert admin.status in NOT_FOUND, (method, admin)


@pytest.mark.parametrize("row", GUARDED, ids=lambda row: row.call)
async def test_R_ACC_2_headers_that_some_frameworks_obey_open_nothing(house: House, row: Row) -> None:
    for name, value in (
        ("X-HTTP-Method-Override", "GET"),
        ("X-Original-URL", "/health"),
        ("X-Rewrite-URL", "/health"),
        ("X-Forwarded-Prefix", "/health"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Authorization", "Basic YWRtaW46YWRtaW4="),
        ("Authorization", "Bearer"),
        (
            "Cookie",
            f"lianpu_refresh={house.callers['refresh token'].credential}; token={house.callers['admin'].credential}",
        ),
    ):
        answer = await call(house.app, row.method, filled(row.path), {name: value})
        assert answer.status == 401, (name, answer)


async def test_R_ACC_2_a_good_credential_does_not_stand_in_for_a_bad_one(house: House) -> None:
    """Of two credentials the API key counts, whatever the other is; a bad one is never passed over."""
    viewer, admin, expired = (house.callers[name] for name in ("viewer", "admin", "token expired"))
    for first, second, status in ((expired, admin, 401), (viewer, admin, 403), (admin, expired, 200)):
        answer = await call(house.app, "GET", "/api/v1/users/", both(first, second))
        assert answer.status == status, answer


def both(as_key: Caller, as_token: Caller) -> dict[str, str]:
    return {"X-API-Key": as_key.credential or "", "Authorization": f"Bearer {as_token.credential}"}


def is_same_page(answer: Answer, page: Answer) -> bool:
    """The console's, which any path that is none shows to everybody; only its nonce differs."""
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return is_html and len(answer.body) == len(page.body)
