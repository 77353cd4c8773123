"""What streams leave behind: threads, files, sockets and memory of the server, before and after.

First starts and stops, then viewers who come and go, then some streams for a long time. Needs the test kit
(`LIANPU_TESTKIT`). Prints Markdown for RESULTS.md.
"""

import argparse
import os
import random
import tempfile
import threading
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import httpx2

from benchmarks.streams import Served, import_weights, served


@dataclass(frozen=True)
class Reading:
    threads: int
    files: int
    sockets: int
    rss_mib: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--settle", type=float, default=20, help="seconds before each reading")
    arguments = parser.parse_args()
    kit = Path(os.environ["LIANPU_TESTKIT"])
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        clip = work / "clip.mp4"
        clip.write_bytes((kit / "videos" / "short_hamilton_clip.mp4").read_bytes())
        import_weights(kit, work)
        with served(kit, work) as server:
            # What is loaded at first use is loaded by then.
            start_and_stop(server, clip, 5)
            print("| | threads | files | sockets | RSS MiB |\n|---|---|---|---|---|")
            show("before", server, arguments.settle)
            slowest_s = start_and_stop(server, clip, arguments.cycles)
            show(f"after {arguments.cycles} starts and stops", server, arguments.settle)
            print(f"| slowest stop | {slowest_s:.2f} s | | | |")
            come_and_go(server, clip, arguments.viewers)
            show(f"after {arguments.viewers} viewers of one stream", server, arguments.settle)
            run_long(server, clip, arguments.streams, arguments.minutes)
            show(f"after {arguments.streams} streams for {arguments.minutes:g} minutes", server, arguments.settle)


def show(name: str, server: Served, settle_s: float) -> None:
    time.sleep(settle_s)
    print(f"| {name} | {' | '.join(str(figure) for figure in astuple(read(server)))} |", flush=True)


def read(server: Served) -> Reading:
    folder = Path(f"/proc/{server.process.pid}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
    targets = [str(link.readlink()) for link in (folder / "fd").iterdir() if link.is_symlink()]
    sockets = sum(target.startswith("socket:") for target in targets)
    return Reading(int(status["Threads"]), len(targets) - sockets, sockets, int(status["VmRSS"].split()[0]) // 1024)


def start_and_stop(server: Served, clip: Path, cycles: int) -> float:
    """Seconds of the slowest stop, which is answered when nothing of the stream runs any more."""
    chosen, slowest_s = random.Random(1), 0.0
    for _ in range(cycles):
        stream = server.start(str(clip), loop=True)
        time.sleep(chosen.uniform(0, 0.2))
        began_s = time.monotonic()
        server.client.post("/api/v1/stream/stop", json={"stream_id": stream["stream_id"]}).raise_for_status()
        slowest_s = max(slowest_s, time.monotonic() - began_s)
    return slowest_s


def come_and_go(server: Served, clip: Path, viewers: int) -> None:
    stream = server.start(str(clip), loop=True)
    threads = [threading.Thread(target=look, args=(server, stream["feed_url"], number)) for number in range(viewers)]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    server.client.post("/api/v1/stream/stop", json={"stream_id": stream["stream_id"]}).raise_for_status()


def look(server: Served, url: str, number: int) -> None:
    base = str(server.client.base_url).rstrip("/")
    until = time.monotonic() + random.Random(number).uniform(0.5, 10)
    with httpx2.Client(timeout=30, trust_env=False) as client, client.stream("GET", base + url) as response:
        for _ in response.iter_raw():
            if time.monotonic() > until:
                return


def run_long(server: Served, clip: Path, streams: int, minutes: float) -> None:
    started = [server.start(str(clip), loop=True) for _ in range(streams)]
    until = time.monotonic() + minutes * 60
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 300))
        print(
            f"| {minutes - max(0, left) / 60:.0f} minutes | {' | '.join(map(str, astuple(read(server))))} |", flush=True
        )
        assert server.process.poll() is None
        assert len(server.streams()) == streams
    for stream in started:
        server.client.post("/api/v1/stream/stop", json={"stream_id": stream["stream_id"]}).raise_for_status()


if __name__ == "__main__":
    main()
