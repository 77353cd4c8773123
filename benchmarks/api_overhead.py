"""What the API adds to inference: HTTP in to JSON out, minus decode, detection, embedding and search.

Starts a server of its own on a free loopback port and searches for the same photo over one connection.
Prints a Markdown row for RESULTS.md.
"""

import argparse
import importlib.util
import os
import platform
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

KEY = secrets.token_urlsafe(24)
HEADERS = {"X-API-Key": KEY}
# As many calls as the machine answers.
ACCESS = {"LIANPU_SERVER__API_KEY": KEY, "LIANPU_LIMITS__PER_USER": "null"}
STAGES = ("decode", "detect", "quality", "embed", "search")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=sample_photo())
    parser.add_argument("--requests", type=int, default=60)
    arguments = parser.parse_args()
    photo = arguments.photo.read_bytes()
    address = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as home, httpx2.Client(base_url=address, headers=HEADERS) as client:
        command = [sys.executable, "-m", "lianpu", "serve", "--home", home, "--port", str(client.base_url.port)]
        server = subprocess.Popen(command, env={**os.environ, **ACCESS}, stderr=subprocess.DEVNULL)
        try:
            wait_for(client)
            fields = {"name": "P", "face_selection": "largest"}
            client.post("/api/v1/faces", files={"image": photo}, data=fields, timeout=60).raise_for_status()
            # Encoded once: what the client spends on its multipart body is not the server's.
            prepared = client.build_request("POST", "/api/v1/search", files={"image": photo})
            body, headers = prepared.read(), {"content-type": prepared.headers["content-type"]}
            samples = [measure(client, body, headers) for _ in range(arguments.requests + 5)][5:]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
    totals, inference, overhead, server, database = (sorted(column) for column in zip(*samples, strict=True))
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {len(samples)} searches")
    print("| | p50 ms | p95 ms |\n|---|---|---|")
    rows = {
        "HTTP in to JSON out": totals,
        "decode + inference + index": inference,
        "the rest (HTTP, queue, database, JSON)": overhead,
        "of it by the server's own clock": server,
        "of it the names from the database": database,
    }
    for name, values in rows.items():
        print(f"| {name} | {statistics.median(values):.2f} | {values[int(0.95 * len(values))]:.2f} |")


def measure(client: httpx2.Client, body: bytes, headers: dict[str, str]) -> tuple[float, ...]:
    start = time.perf_counter()
    response = client.post("/api/v1/search", content=body, headers=headers, timeout=60)
    total_ms = (time.perf_counter() - start) * 1000
    timings = response.raise_for_status().json()["timings_ms"]
    inference_ms = sum(timings[stage] for stage in STAGES)
    server_ms = float(response.headers["server-timing"].rpartition("dur=")[2])
    return total_ms, inference_ms, total_ms - inference_ms, server_ms - inference_ms, timings["names"]


def wait_for(client: httpx2.Client) -> None:
    for _ in range(600):
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise SystemExit("the server did not become ready")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sample_photo() -> Path | None:
    found = importlib.util.find_spec("insightface")
    return None if found is None or found.origin is None else Path(found.origin).parent / "data" / "images" / "t1.jpg"


if __name__ == "__main__":
    main()
