"""How many jobs a second one, two and four workers get done together, where each job keeps one core busy.

Starts a server and the workers on a home of their own, on one database, one Redis and one broker, which must be empty.
Sends batches of one photo many times over to be enrolled, with one inference thread a worker, waits for all of them,
and deletes the persons again. Prints Markdown rows for RESULTS.md.

    python benchmarks/jobs_scaling.py --database postgresql://USER:PASSWORD@127.0.0.1/EMPTY \
        --redis redis://127.0.0.1:6379/5 --broker redis://127.0.0.1:6379/6
"""

import argparse
import io
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
from api_overhead import ACCESS, HEADERS, free_port, sample_photo, wait_for

READY_S = 180
POLL_S = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True, help="postgresql://… or mariadb://…")
    parser.add_argument("--redis", required=True)
    parser.add_argument("--broker", required=True, help="redis://… or amqp://…")
    parser.add_argument("--photo", type=Path, default=sample_photo())
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--jobs", type=int, default=24, help="batches of each round")
    parser.add_argument("--photos", type=int, default=8, help="photos of each batch")
    arguments = parser.parse_args()
    shared = {
        "LIANPU_DATABASE__URL": arguments.database,
        "LIANPU_NODES__REDIS": arguments.redis,
        "LIANPU_JOBS__BROKER": arguments.broker,
        "LIANPU_CONFLICTS__MODE": "off",
        "LIANPU_QUALITY__MODE": "off",
        "LIANPU_RUNTIME__THREADS": "1",
        "LIANPU_RUNTIME__WORKERS": "1",
    }
    photo = arguments.photo.read_bytes()
    rates: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        client = stack.enter_context(_server(home, shared))
        for workers in arguments.workers:
            with _workers(home, shared, workers):
                # Every worker has its networks loaded by then.
                _round(client, [_batch(photo, 2, f"warm {job}") for job in range(2 * workers)])
                batches = [_batch(photo, arguments.photos, f"job {job}") for job in range(arguments.jobs)]
                began = time.monotonic()
                _round(client, batches)
                rates[workers] = arguments.jobs * arguments.photos / (time.monotonic() - began)
            _empty(client)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    broker = arguments.broker.partition(":")[0]
    print(f"{platform.processor() or platform.machine()}, {cores} cores, Python {platform.python_version()}, {broker}")
    print("| workers | photos/s | of one worker |\n|---|---|---|")
    for workers, rate in rates.items():
        print(f"| {workers} | {rate:.1f} | {rate / rates[arguments.workers[0]]:.2f} |")


def _batch(photo: bytes, count: int, name: str) -> bytes:
    """Persons of its own: a photo that a person has already is not looked at again."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(count):
            archive.writestr(f"{name} {number}/{number}.jpg", photo)
    return packed.getvalue()


def _round(client: httpx2.Client, batches: Sequence[bytes]) -> None:
    path, headers = "/api/v1/faces/batch?face_selection=largest", {"Content-Type": "application/zip"}
    answers = [client.post(path, content=batch, headers=headers).raise_for_status() for batch in batches]
    for answer in answers:
        address = f"/api/v1/jobs/{answer.json()['job']['job_id']}"
        while (job := client.get(address).json()["job"])["finished_at"] is None:
            time.sleep(POLL_S)
        if job["status"] != "completed" or set(job["items"]) - {"enrolled"}:
            raise SystemExit(f"a job did not do what is measured: {job}")


def _empty(client: httpx2.Client) -> None:
    while persons := client.get("/api/v1/faces", params={"limit": 200}).json()["persons"]:
        for person in persons:
            client.delete(f"/api/v1/faces/{person['person_id']}").raise_for_status()


@contextmanager
def _server(home: str, shared: dict[str, str]) -> Iterator[httpx2.Client]:
    port = free_port()
    command = [sys.executable, "-m", "lianpu", "serve", "--home", home, "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **ACCESS, **shared})
    with _ended([process]), httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=60) as client:
        wait_for(client)
        yield client


@contextmanager
def _workers(home: str, shared: dict[str, str], count: int) -> Iterator[None]:
    command = [sys.executable, "-m", "lianpu", "worker", "--jobs", "--concurrency", "1", "--home", home]
    processes = [subprocess.Popen(command, env={**os.environ, **ACCESS, **shared}) for _ in range(count)]
    with _ended(processes):
        deadline = time.monotonic() + READY_S
        while len(list((Path(home) / "nodes").glob("*.beat"))) < count:
            if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
                raise SystemExit("the workers did not start")
            time.sleep(POLL_S)
        yield


@contextmanager
def _ended(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)


if __name__ == "__main__":
    main()
