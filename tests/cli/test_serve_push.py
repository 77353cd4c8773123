"""`lianpu serve` with clients that stay connected: it stops at once all the same, and writes down no credential."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect

START_S = 60
KEY = "a-key-that-nobody-may-read-in-a-log"
WRONG = "a-wrong-one-that-nobody-may-read-either"
HEADERS = {"X-API-Key": KEY}
pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server(
    tmp_path: Path, home: Path, environment: dict[str, str], free_port: int
) -> AsyncIterator[tuple[subprocess.Popen[bytes], str, Path]]:
    log = tmp_path / "serve.log"
    settings = {"LIANPU_SERVER__API_KEY": KEY, "LIANPU_LOGGING__LEVEL": "debug"}
    command = [sys.executable, "-m", "lianpu", "serve", "--port", str(free_port), "--home", str(home)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220
            command, cwd=tmp_path, env={**environment, **settings}, stderr=output
        )
    address = f"127.0.0.1:{free_port}"
    try:
        async with httpx2.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
            async with asyncio.timeout(START_S):
                while True:
                    assert process.poll() is None, log.read_text()
                    try:
                        await client.get("/health/live")
                        break
                    except httpx2.TransportError:
                        await asyncio.sleep(0.05)
        yield process, address, log
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
async def test_R_OPS_1_connected_clients_do_not_keep_the_server_from_stopping(
    server: tuple[subprocess.Popen[bytes], str, Path], home: Path
) -> None:
    process, address, log = server
    logging.getLogger("websockets.client").setLevel(logging.WARNING)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=f"http://{address}", headers=HEADERS, trust_env=False)
        )
        lines = []
        for path in ("/api/v1/jobs/events", "/api/v1/images/inference/events"):
            response = await stack.enter_async_context(client.stream("GET", path))
            lines.append(response.aiter_lines())
            while await anext(lines[-1]) != "event: ready":
                pass
        sockets = [
            await stack.enter_async_context(connect(f"ws://{address}/api/v1/ws/{path}", proxy=None))
            for path in (f"jobs?token={KEY}", "inference", f"jobs?token={WRONG}", "inference")
        ]
        await sockets[1].send(json.dumps({"type": "auth", "token": KEY}))
        await sockets[3].send(json.dumps({"type": "auth", "token": WRONG}))
        for number in (0, 1):
            assert json.loads(await sockets[number].recv())["type"] == "ready"
        for number in (2, 3):
            await sockets[number].wait_closed()
            assert sockets[number].close_code == 4401
        silent = await stack.enter_async_context(connect(f"ws://{address}/api/v1/ws/jobs", proxy=None))
        started = await client.post("/api/v1/gallery/check", json={"repair": False})
        job_id = started.json()["job"]["job_id"]
        told = [json.loads(await sockets[0].recv()) for _ in range(2)]
        assert {message["job"]["job_id"] for message in told} == {job_id}

        process.send_signal(signal.SIGTERM)
        for one in (sockets[0], sockets[1], silent):
            await one.wait_closed()
            assert one.close_code == 1012
        for stream in lines:
            assert json.loads([line async for line in stream if line.startswith("data:")][-1][5:])["code"] == 1012
        assert await asyncio.to_thread(process.wait, 60) == 0
    written = log.read_text() + (home / "logs" / "lianpu.log").read_text()
    assert "timeout graceful shutdown exceeded" not in written
    assert '"level": "error"' not in written
    assert "/api/v1/ws/jobs" in written
    for secret in (KEY, WRONG):
        assert secret not in written
