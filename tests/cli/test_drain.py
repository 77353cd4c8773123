"""`lianpu serve` told to stop: who has asked is answered, who has connected may ask, nobody new gets in."""

import asyncio
import io
import json
import os
import signal
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from lianpu.api.serving import Server
from tests.crash.server import API_KEY, CrashingServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


@pytest.fixture
def server(tmp_path: Path, home: Path) -> Iterator[CrashingServer]:
    one = CrashingServer(home, {}, tmp_path / "server.log")
    yield one
    one.stop()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def detection(photo: bytes) -> bytes:
    head = f"POST /api/v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {API_KEY}\r\nContent-Type: image/jpeg\r\n"
    return f"{head}Content-Length: {len(photo)}\r\n\r\n".encode() + photo


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Until the server closes: a keep-alive that outlived it would hang here."""
    held = b""
    while chunk := connection.recv(65536):
        held += chunk
    head, _, body = held.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


def wait_until_nobody_gets_in(port: int) -> None:
    while True:
        try:
            connected(port).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)


def process_of(server: CrashingServer):
    process = server._process
    assert process is not None
    return process


@pytest.mark.slow
def test_R_OPS_2_requests_under_way_are_answered_when_the_server_is_told_to_stop(
    server: CrashingServer, t1_photo: bytes
) -> None:
    server.environment["LIANPU_SERVER__DRAIN_S"] = "120"
    server.start()
    request = detection(t1_photo)
    with connected(server.port) as uploading, connected(server.port) as silent:
        uploading.sendall(request[: len(request) // 2])
        # The server has it in hand: it answers others meanwhile.
        server.call("GET", "/health/live")
        process_of(server).send_signal(signal.SIGTERM)
        silent.sendall(f"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {API_KEY}\r\n\r\n".encode())
        assert answer(silent)[0] == 200
        wait_until_nobody_gets_in(server.port)
        assert process_of(server).poll() is None
        uploading.sendall(request[len(request) // 2 :])
        status, body = answer(uploading)
    assert status == 200
    assert len(json.loads(body)["faces"]) == 6
    assert process_of(server).wait(60) == 0
    assert "graceful shutdown exceeded" not in server.log.read_text()


@pytest.mark.slow
def test_R_OPS_2_requests_that_were_not_even_accepted_are_answered(server: CrashingServer) -> None:
    server.start()
    process = process_of(server)
    # While it is held, the operating system connects on its behalf.
    process.send_signal(signal.SIGSTOP)
    waiting = [connected(server.port) for _ in range(20)]
    for connection in waiting:
        connection.sendall(f"GET /api/v1/faces HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {API_KEY}\r\n\r\n".encode())
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    assert [answer(connection)[0] for connection in waiting] == [200] * 20
    for connection in waiting:
        connection.close()
    assert process.wait(60) == 0


@pytest.mark.slow
def test_R_OPS_2_requests_that_take_longer_are_cut_off(server: CrashingServer, t1_photo: bytes) -> None:
    server.environment["LIANPU_SERVER__DRAIN_S"] = "1"
    server.start()
    with connected(server.port) as uploading:
        uploading.sendall(detection(t1_photo)[:5000])
        server.call("GET", "/health/live")
        process_of(server).send_signal(signal.SIGTERM)
        assert process_of(server).wait(60) == 0
    assert "graceful shutdown exceeded" in server.log.read_text()


@pytest.mark.slow
def test_R_OPS_7_job_goes_back_to_its_table_and_is_done_once_by_the_next_server(
    server: CrashingServer, portraits: list[bytes]
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, portrait in enumerate(portraits * 2):
            # Of another size each time: the same photo would be known already.
            archive.writestr(f"person-{number}/1.jpg", portrait + bytes(number))
    server.environment |= {"LIANPU_CONFLICTS__MODE": "off", "LIANPU_QUALITY__MODE": "off"}
    server.start()
    headers = {"Content-Type": "application/zip"}
    job_id = server.call("POST", "/api/v1/faces/batch", packed.getvalue(), headers)["job"]["job_id"]
    server._wait(job_id, 2)
    process_of(server).send_signal(signal.SIGTERM)
    assert process_of(server).wait(60) == 0
    server.start()
    job = server.wait(job_id)
    assert job["status"] == "completed", job
    # Stopped in order is no crash: it counts as no attempt.
    assert job["attempts"] == 1
    assert len(server.items(job_id)) == len(portraits) * 2
    persons = server.call("GET", "/api/v1/faces?limit=100")["persons"]
    assert len(persons) == len(portraits) * 2
    assert server.check()["is_clean"]


@pytest.mark.anyio
async def test_R_OPS_2_who_waits_in_the_listeners_queue_is_let_in_before_the_door_closes() -> None:
    app = FastAPI()

    @app.get("/")
    async def told() -> str:
        return "told"

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = Server(app, lifespan="off")
    serving = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    # The event loop does not turn until the door is closed: the server has accepted none of them.
    waiting = [connected(port) for _ in range(5)]
    for connection in waiting[:4]:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    closing = asyncio.ensure_future(server._close_door([listener]))
    await asyncio.sleep(0)
    with pytest.raises(ConnectionRefusedError):
        connected(port)
    await closing
    server.should_exit = True
    await asyncio.sleep(0.2)
    # One that has only connected may still say what it wants.
    waiting[4].sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    answers = [await asyncio.to_thread(answer, connection) for connection in waiting]
    await serving
    assert answers == [(200, b'"told"')] * 5
    for connection in waiting:
        connection.close()


@pytest.mark.anyio
async def test_R_OPS_2_connection_on_which_nothing_is_said_does_not_keep_the_server() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(FastAPI(), lifespan="off", drain_s=60)
    serving = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    with connected(listener.getsockname()[1]) as silent:
        await asyncio.sleep(0.05)
        server.should_exit = True
        await asyncio.wait_for(serving, 30)
        assert silent.recv(1) == b""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
