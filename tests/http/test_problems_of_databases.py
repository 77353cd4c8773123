"""R-OPS 2: what passes by itself is answered 503 with Retry-After, whatever the driver calls it; a mistake is a 500."""

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lianpu.http.problems import add_problem_handlers

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class DeadlockError(Exception):
    sqlstate = "40P01"


class LockWaitError(Exception):
    sqlstate = "55P03"


TROUBLES: dict[str, tuple[Exception, int, str]] = {
    "postgresql deadlock": (OperationalError("x", {}, DeadlockError()), 503, "database_unreachable"),
    "mariadb deadlock": (OperationalError("x", {}, Exception(1213, "Deadlock found")), 503, "database_unreachable"),
    "postgresql lock wait": (OperationalError("x", {}, LockWaitError()), 503, "database_unreachable"),
    "mariadb lock wait": (OperationalError("x", {}, Exception(1205, "Lock wait")), 503, "database_unreachable"),
    "connection lost": (
        OperationalError("x", {}, Exception("gone"), connection_invalidated=True),
        503,
        "database_unreachable",
    ),
    "pool": (PoolTimeoutError("QueuePool limit"), 503, "server_busy"),
    "mistake": (IntegrityError("x", {}, Exception(1062, "Duplicate")), 500, "internal_error"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_R_OPS_2_troubles_of_a_database_are_told_apart(trouble: str) -> None:
    error, status, code = TROUBLES[trouble]
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("retry-after" in answer.headers) == (status == 503)
