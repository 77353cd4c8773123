"""What of the networks' speed is left over HTTP: embeddings of a photo's faces, as many as the machine gives.

A real server and the same work without one (decoding, detection, quality, embedding, on as many threads as the server
runs inference on), in interleaved rounds, with eight requests in flight. The clients run on the same cores. Prints
Markdown rows for RESULTS.md.

    python benchmarks/api_saturation.py [--kit FOLDER]

With the test kit (`LIANPU_TESTKIT`) the small pack too: SCRFD 500M and MobileFaceNet.
"""

import argparse
import http.client
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import local

import cv2
import httpx2
from api_overhead import ACCESS, HEADERS, free_port, sample_photo, wait_for

from lianpu.capacity.rate import rate_of, warm_up
from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.image import ImageLimits
from lianpu.gallery.faces import Timings, embed, measure, read_photo
from lianpu.packs.install import import_pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.providers import usable_cores
from lianpu.runtime.sessions import Sessions

IN_FLIGHT = 8
PATH = "/api/v1/embeddings"
MOST_FACES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    named = os.environ.get("LIANPU_TESTKIT")
    parser.add_argument("--kit", type=Path, default=None if named is None else Path(named))
    parser.add_argument("--photo", type=Path, default=sample_photo())
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    # As the server does: inference fills the cores already.
    cv2.setNumThreads(1)
    data = arguments.photo.read_bytes()
    print(
        f"{platform.processor() or platform.machine()}, {usable_cores()} cores, Python {platform.python_version()}; "
        f"{len(data) // 1000} KB, {IN_FLIGHT} requests in flight, median of {arguments.rounds} interleaved rounds\n"
    )
    print("| pack | without HTTP, photos/s | over HTTP, photos/s | share |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        for pack, analyzer in packs(home, arguments.kit):
            with served(home, pack) as address:
                asked, local_call = Asked(address, data), partial(worked, analyzer, data)
                found: dict[str, list[float]] = {"here": [], "asked": []}
                for _ in range(arguments.rounds):
                    for name, call, callers in (("here", local_call, usable_cores()), ("asked", asked, IN_FLIGHT)):
                        warm_up(call, 1)
                        found[name].append(rate_of(call, callers, arguments.seconds).per_s)
            here, over = (statistics.median(rates) for rates in found.values())
            print(f"| {pack} | {here:.1f} | {over:.1f} | **{over / here:.0%}** |", flush=True)


def packs(home: Path, kit: Path | None) -> Iterator[tuple[str, FaceAnalyzer]]:
    exact = OnnxSessionFactory(["cpu"])
    registry = PackRegistry(home / "packs", home / "cache" / "packs", exact)
    yield "dlib", load_analyzer(registry.get("dlib"), Sessions(exact))
    if kit is not None:
        pack = import_pack(
            None,
            registry.packs_dir,
            exact,
            name="small",
            detector=str(kit / "models/detection/scrfd_500m_kps_640.onnx"),
            embedder=str(kit / "models/recognition/mobilefacenet_foamliu_arc.onnx"),
            accept_licence=True,
        )
        yield "small", load_analyzer(pack, Sessions(exact))


@contextmanager
def served(home: Path, pack: str) -> Iterator[str]:
    port = free_port()
    environment = {**os.environ, **ACCESS, "LIANPU_PACKS__DEFAULT": pack}
    command = [sys.executable, "-m", "lianpu", "serve", "--home", str(home), "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS) as client:
            wait_for(client)
        yield f"127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


class Asked:
    """One request; each thread has a connection of its own."""

    def __init__(self, address: str, data: bytes) -> None:
        self._address, self._data = address, data
        self._own = local()

    def __call__(self) -> None:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(self._address, timeout=60)
        connection: http.client.HTTPConnection = self._own.connection
        connection.request("POST", PATH, self._data, {**HEADERS, "Content-Type": "image/jpeg"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {body[:300]!r}")


def worked(analyzer: FaceAnalyzer, data: bytes) -> None:
    timings = Timings()
    photo = read_photo(data, ImageLimits(), analyzer, MOST_FACES, timings)
    measure(photo, photo.faces, timings)
    embed(photo, photo.faces, analyzer, timings)


if __name__ == "__main__":
    main()
