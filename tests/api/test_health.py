"""`/health`: alive and ready are two questions, and each reason why a server is not ready is told."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from lianpu.api.app import create_app
from lianpu.api.serving import Server
from lianpu.settings import Settings
from tests.api.conftest import CHEAP_HASHES, OpenClient

pytestmark = pytest.mark.anyio


async def ready(client: httpx2.AsyncClient) -> tuple[int, dict[str, str]]:
    """Of `/health` only what is its own."""
    answer = await client.get("/health/ready")
    checks = answer.json()["checks"]
    assert (answer.status_code == 200) == all(state == "ok" for state in checks.values())
    part = await client.get("/health")
    assert part.json()["checks"].items() <= checks.items()
    assert (part.status_code == 200) == all(state == "ok" for state in part.json()["checks"].values())
    return answer.status_code, checks


async def test_R_OPS_3_a_server_that_works_is_ready(open_client: OpenClient) -> None:
    async with open_client() as client:
        assert (await client.get("/health/live")).json() == {"status": "ok", "checks": {}}
        assert await ready(client) == (200, dict.fromkeys(("server", "database", "pack", "home", "jobs"), "ok"))
        assert (await client.get("/health")).json()["checks"] == {"database": "ok", "pack": "ok"}


async def test_R_OPS_3_while_it_starts_it_is_alive_and_not_ready(settings_for: Callable[..., Settings]) -> None:
    app = create_app(settings_for(), hash_cost=CHEAP_HASHES)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/health/live")).status_code == 200
        assert await ready(client) == (503, {"server": "starting"})
        async with app.router.lifespan_context(app):
            assert (await ready(client))[0] == 200
        status, checks = await ready(client)
        assert (status, checks["server"]) == (503, "draining")


async def test_R_OPS_3_a_server_that_stops_is_not_sent_anything_more(settings_for: Callable[..., Settings]) -> None:
    app = create_app(settings_for(), hash_cost=CHEAP_HASHES)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            assert (await ready(client))[0] == 200
            server = Server(app)
            server.servers, server.force_exit = [], True
            await server.shutdown(sockets=[])
            status, checks = await ready(client)
            assert (status, checks["server"], checks["database"]) == (503, "draining", "ok")
            # What is under way can be answered, and the process is not to be killed.
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/health/live")).status_code == 200


async def test_R_OPS_3_workers_that_ended_are_told(open_client: OpenClient) -> None:
    async with open_client() as client:
        workers = client.platform.workers  # type: ignore[attr-defined]
        wanted = workers.wanted
        workers._tasks[0].cancel()
        await asyncio.wait([workers._tasks[0]], timeout=10)
        status, checks = await ready(client)
        assert (status, checks["jobs"]) == (503, f"{wanted - 1} of {wanted} workers are alive")


async def test_R_OPS_3_a_home_that_cannot_be_written_is_told(open_client: OpenClient) -> None:
    async with open_client() as client:
        readiness = client.platform.readiness  # type: ignore[attr-defined]
        home: Path = client.platform.settings.home  # type: ignore[attr-defined]
        assert (await ready(client))[0] == 200
        assert not list(home.glob(".ready-*"))
        # A folder of the probe's name stands in its way, whoever runs this.
        (home / f".ready-{os.getpid()}").mkdir()
        readiness._home_at = float("-inf")
        status, checks = await ready(client)
        assert status == 503
        assert checks["home"].startswith("cannot be written: ")
        (home / f".ready-{os.getpid()}").rmdir()
        readiness._home_at = float("-inf")
        assert (await ready(client))[0] == 200


async def test_R_OPS_3_a_database_that_hangs_is_told_in_time(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_client() as client:
        monkeypatch.setattr("lianpu.bootstrap.readiness.TIME_LIMIT_S", 0.05)

        async def hangs() -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(client.platform.database, "ping", hangs)  # type: ignore[attr-defined]
        status, checks = await ready(client)
        assert (status, checks["database"], checks["pack"]) == (503, "TimeoutError", "ok")


async def test_R_OPS_3_without_its_default_pack_a_server_is_not_ready(open_client: OpenClient) -> None:
    async with open_client(packs__default="nowhere") as client:
        assert (await ready(client))[1]["pack"] == "nowhere: not found"
