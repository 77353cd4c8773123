"""Why there is no connection is said with a code, and without the password."""

import asyncio
import gc
import logging
import socket
import warnings
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from lianpu.database.session import Database
from lianpu.errors import DatabaseAddressError, DatabaseLoginError, DatabaseUnreachableError, LianpuError
from tests.databases import ON_SERVERS, DatabaseServer

pytestmark = pytest.mark.anyio
SAID = "geheim-4711-xyz"
ServerOf = Callable[[str], DatabaseServer]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _refusal(url: str) -> LianpuError:
    database = Database(url)
    with pytest.raises(LianpuError) as caught:
        await database.ping()
    await database.close()
    error: BaseException | None = caught.value
    while error is not None:
        assert SAID not in str(error)
        assert SAID not in repr(error)
        error = error.__cause__ or error.__context__
    return caught.value


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
async def test_R_OPS_2_a_server_that_does_not_answer_is_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = await _refusal(f"{name}://ada:{SAID}@127.0.0.1:{port}/lianpu")
    assert isinstance(error, DatabaseUnreachableError)
    assert error.retry_after_s
    assert f"{name}://ada:***@127.0.0.1:{port}/lianpu does not answer" in error.detail
    assert SAID not in caplog.text


async def test_R_OPS_2_what_answers_and_is_no_database_is_told() -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for name in ("postgresql", "mariadb"):
        error = await _refusal(f"{name}://ada:{SAID}@127.0.0.1:{port}/lianpu")
        assert isinstance(error, DatabaseUnreachableError), error
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("kind", ON_SERVERS)
async def test_R_OPS_2_a_refused_login_is_told(kind: str, database_server: ServerOf) -> None:
    found = database_server(kind)
    server = {"postgresql": "127.0.0.1:5432", "mariadb": "127.0.0.1:3306"}[kind]
    for url in (f"{kind}://nobody_here:{SAID}@{server}/x", found.url("no_such_database")):
        error = await _refusal(url)
        assert isinstance(error, DatabaseLoginError), error
        assert "refuses the login" in error.detail
    wrong = await _refusal(f"{found.url('x')}?no_such_thing=1")
    assert isinstance(wrong, DatabaseAddressError)
    assert "no_such_thing" in wrong.detail


@pytest.mark.parametrize("kind", ON_SERVERS)
async def test_R_OPS_2_encryption_that_is_asked_for_is_not_left_out(kind: str, database_server: ServerOf) -> None:
    """The servers of this machine offer none, or one whose certificate nobody has signed."""
    server = database_server(kind)
    error = await _refusal(f"{server.url('lianpu')}?sslmode=verify-full")
    assert isinstance(error, DatabaseLoginError)
    assert "cannot be reached by TLS" in error.detail
    del error
    with warnings.catch_warnings():
        # asyncmy forgets the socket on which no TLS came about.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def test_R_OPS_2_errors_of_statements_hold_no_values(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    database = Database(database_url)
    async with database.session() as session:
        with pytest.raises(DBAPIError) as caught:
            await session.execute(text("SELECT nothing FROM nowhere WHERE x = :x"), {"x": SAID})
        assert SAID not in str(caught.value)
    await database.close()
    assert SAID not in caplog.text


async def test_R_OPS_2_a_server_that_ends_connections_is_met_again(server_url: str) -> None:
    """As it does when it is started again: no call after the next fails."""
    database, other = Database(server_url), Database(server_url)
    async with database.session() as session:
        own = "pg_backend_pid()" if server_url.startswith("postgresql") else "connection_id()"
        number = await session.scalar(text(f"SELECT {own}"))
    async with other.session() as session:
        end = f"SELECT pg_terminate_backend({number})" if server_url.startswith("postgresql") else f"KILL {number}"
        await session.execute(text(end))
    async with database.session() as session:
        assert await session.scalar(select(1)) == 1
    await database.close()
    await other.close()
