"""How long after the answer of an enrolment on one node a search on another one finds the person.

Starts two servers on free loopback ports, with homes of their own, on one database and one Redis, both of which must be
empty. Enrols a person on the first, searches on the second until it names that person, deletes the person again, and so
on. Prints Markdown rows for RESULTS.md.

    python benchmarks/follow_lag.py --database postgresql://USER:PASSWORD@127.0.0.1/EMPTY --redis redis://127.0.0.1/5
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2
from api_overhead import ACCESS, HEADERS, free_port, sample_photo, wait_for

GIVEN_UP_S = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True, help="postgresql://… or mariadb://…")
    parser.add_argument("--redis", help="left out: the nodes look every second")
    parser.add_argument("--photo", type=Path, default=sample_photo())
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    photo = arguments.photo.read_bytes()
    with ExitStack() as stack:
        first, second = (stack.enter_context(_Node(arguments.database, arguments.redis)) for _ in range(2))
        # Each has the pack loaded and its index filled.
        _search(second.client, photo)
        lags = [_lag(first.client, second.client, photo, number) for number in range(arguments.rounds + 3)][3:]
    kind = arguments.database.partition(":")[0]
    told = "Redis" if arguments.redis else "no Redis"
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {kind}, {told}")
    print(f"| {len(lags)} enrolments on A | p50 ms | p99 ms | most ms |\n|---|---|---|---|")
    for name, column in zip(
        ("the search that found was sent", "its answer was there"), zip(*lags, strict=True), strict=True
    ):
        values = sorted(column)
        print(f"| {name} | {values[len(values) // 2]:.0f} | {values[int(0.99 * len(values))]:.0f} | {values[-1]:.0f} |")


class _Node:
    """A server with a home of its own; only the gallery's rows are shared."""

    def __init__(self, database: str, redis: str | None) -> None:
        self._home = tempfile.TemporaryDirectory()
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{free_port()}", headers=HEADERS, timeout=60)
        nodes = {} if redis is None else {"LIANPU_NODES__REDIS": redis}
        settings = {**ACCESS, **nodes, "LIANPU_DATABASE__URL": database, "LIANPU_CONFLICTS__MODE": "off"}
        port = str(self.client.base_url.port)
        command = [sys.executable, "-m", "lianpu", "serve", "--home", self._home.name, "--port", port]
        self._server = subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL)

    def __enter__(self) -> "_Node":
        wait_for(self.client)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.send_signal(signal.SIGTERM)
        self._server.wait(60)
        self.client.close()
        self._home.cleanup()


def _lag(first: httpx2.Client, second: httpx2.Client, photo: bytes, number: int) -> tuple[float, float]:
    """Milliseconds from the answer of the enrolment until the search that found was sent, and until its answer."""
    person_id = f"lag-{number}"
    fields = {"person_id": person_id, "name": "P", "face_selection": "largest"}
    first.post("/api/v1/faces", files={"image": photo}, data=fields).raise_for_status()
    answered = time.perf_counter()
    while True:
        sent = time.perf_counter()
        is_found = person_id in _search(second, photo)
        found = time.perf_counter()
        if is_found:
            break
        if found - answered > GIVEN_UP_S:
            raise SystemExit(f"{person_id} was not found in {GIVEN_UP_S} s")
    first.delete(f"/api/v1/faces/{person_id}").raise_for_status()
    if person_id in _search(second, photo):
        raise SystemExit(f"{person_id} was named after the answer of the deletion")
    return 1000 * (sent - answered), 1000 * (found - answered)


def _search(client: httpx2.Client, photo: bytes) -> set[str]:
    answer = client.post("/api/v1/search", files={"image": photo}, data={"faces": "largest"}).raise_for_status().json()
    return {match["person_id"] for face in answer["faces"] for match in face["matches"]}


if __name__ == "__main__":
    main()
