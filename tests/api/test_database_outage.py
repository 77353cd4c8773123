"""R-OPS 2: a database server that goes away is told with a code, and met again when it is back, without a restart."""

import asyncio
from contextlib import suppress

import httpx2
import pytest

from tests.api.calls import enrol, search
from tests.api.conftest import OpenClient

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Line:
    """A way to a server that can be cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def connect(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, there}
        await asyncio.gather(self._copy(reader, there), self._copy(there_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
        self._open.discard(writer)


def _problem(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_R_OPS_2_a_server_that_goes_away_and_comes_back(
    open_client: OpenClient, server_url: str, portraits: list[bytes]
) -> None:
    kind, _, rest = server_url.partition("://")
    user, _, place = rest.rpartition("@")
    address, _, name = place.partition("/")
    line = Line(int(address.rpartition(":")[2]))
    await line.connect()
    async with open_client(database__url=f"{kind}://{user}@127.0.0.1:{line.port}/{name}") as client:
        assert (await enrol(client, portraits[0], name="Ada", person_id="ada")).status_code == 201
        await line.cut()
        for _ in range(3):
            refused = await enrol(client, portraits[1], name="Bob", person_id="bob")
            assert _problem(refused) in {(503, "database_unreachable"), (503, "audit_unavailable")}
            assert refused.headers["retry-after"]
        health = await client.get("/health")
        assert (health.status_code, health.json()["checks"]["database"]) == (503, "DatabaseUnreachableError")
        assert (await client.get("/health/live")).status_code == 200
        await line.connect()
        async with asyncio.timeout(20):
            while (await enrol(client, portraits[1], name="Bob", person_id="bob")).status_code != 201:
                await asyncio.sleep(0.1)
        faces = (await search(client, portraits[0])).json()["faces"]
        assert faces[0]["matches"][0]["person_id"] == "ada"
        persons = (await client.get("/api/v1/faces")).json()["persons"]
        assert {person["person_id"] for person in persons} == {"ada", "bob"}
    await line.cut()
