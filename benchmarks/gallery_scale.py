"""How a large gallery starts and answers: 100,000 persons with 200,000 images, over HTTP, from a server of its own.

Rows and vectors are synthetic, the pack and the photo that is searched and enrolled are real. Prints a Markdown table
for RESULTS.md. Needs the test kit for its small pack (`LIANPU_TESTKIT`); `--pack dlib` uses the embedded one, and
`--pack stand-in-512` has vectors of 512 numbers.
"""

import argparse
import asyncio
import itertools
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import onnx
import psutil
from api_overhead import ACCESS, HEADERS, free_port, sample_photo
from onnx import TensorProto, helper, numpy_helper
from synthetic_gallery import DEPARTMENTS, SyntheticGallery

from lianpu.database.session import Database
from lianpu.gallery.repository import PersonFilter
from lianpu.http.pagination import Cursor
from lianpu.packs.install import import_pack
from lianpu.packs.manifest import Pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.providers import usable_cores

TESTKIT = Path(os.environ.get("LIANPU_TESTKIT") or Path(__file__).parents[2] / "shared" / "testkit")
MIB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", choices=("mobilefacenet", "stand-in-512", "dlib"), default="mobilefacenet")
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=40, help="calls of each kind")
    parser.add_argument("--photo", type=Path, help="a photo of one face")
    parser.add_argument("--home", type=Path, help="keep the home here, or use the one that is here from the last time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder)
        gallery = built(home, arguments.pack, arguments.persons)
        port = free_port()
        environment = {**os.environ, **ACCESS, "LIANPU_PACKS__DEFAULT": gallery.pack, "LIANPU_LOGGING__FILE": "false"}
        command = [sys.executable, "-m", "lianpu", "serve", "--home", str(home), "--port", str(port)]
        began = time.perf_counter()
        server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=120) as client:
                wait_for_health(client, server)
                start_s = time.perf_counter() - began
                run = Run(
                    client, gallery, (arguments.photo or photo_of(arguments.pack)).read_bytes(), arguments.samples
                )
                report(run, start_s, psutil.Process(server.pid))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def built(home: Path, pack_name: str, persons: int) -> SyntheticGallery:
    """The pack and the rows, made where they are missing."""
    home.mkdir(parents=True, exist_ok=True)
    pack = prepared_pack(home, pack_name)
    dimension = 512 if pack_name == "stand-in-512" else 128
    gallery = SyntheticGallery(pack.manifest.name, pack.manifest.version, dimension, persons)
    file = home / "lianpu.db"
    if not file.exists():
        began = time.perf_counter()
        asyncio.run(fill(file, gallery))
        print(f"{persons:,} persons made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return gallery


async def fill(file: Path, gallery: SyntheticGallery) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    await database.migrate()
    await gallery.fill(database)
    await database.close()


def prepared_pack(home: Path, name: str) -> Pack:
    sessions = OnnxSessionFactory(["cpu"])
    if name == "dlib":
        return PackRegistry(home / "packs", home / "cache" / "packs", sessions).get("dlib")
    detector = TESTKIT / "models" / "detection" / "scrfd_2.5g_bnkps.onnx"
    embedder = TESTKIT / "models" / "recognition" / "mobilefacenet_foamliu_arc.onnx"
    with tempfile.TemporaryDirectory() as folder:
        if name == "stand-in-512":
            embedder = Path(folder) / "embedder.onnx"
            save_stand_in(embedder, 512)
        names = {"detector": str(detector), "embedder": str(embedder)}
        return import_pack(None, home / "packs", sessions, name=name, accept_licence=True, **names)


def save_stand_in(path: Path, dimension: int) -> None:
    """Has the contract of an ArcFace embedder and knows no faces: colours averaged, times random numbers."""
    weights = np.random.default_rng(dimension).normal(size=(3, dimension)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
        ],
        "stand-in",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", dimension])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


@dataclass
class Run:
    client: httpx2.Client
    gallery: SyntheticGallery
    photo: bytes
    samples: int

    def calls(self) -> Iterator[tuple[str, Callable[[int], httpx2.Response], int]]:
        """(what, the call by its number, how often)."""
        gallery, samples = self.gallery, self.samples
        middle = gallery.persons // 2
        yield "list, first page of 50", lambda _: self.get("/api/v1/faces"), samples
        yield "list, a page in the middle by its cursor", lambda at: self.page_after(middle + 50 * at), samples
        yield "list, 200 a page", lambda _: self.get("/api/v1/faces", limit=200), samples
        yield "part of a name, few hits", lambda at: self.get("/api/v1/faces", name=f"9{at:02d}7"), samples
        yield "part of a name, no hit", lambda at: self.get("/api/v1/faces", name=f"nobody{at}"), samples
        department = {"metadata.department": f"D{DEPARTMENTS - 1}"}
        yield "metadata, many hits", lambda _: self.get("/api/v1/faces", **department), samples
        yield "metadata, one hit", lambda at: self.get("/api/v1/faces", **{"metadata.badge": f"B{at * 97}"}), samples
        yield "by pack", lambda _: self.get("/api/v1/faces", pack=gallery.pack), samples
        yield "one person with images", lambda at: self.get(f"/api/v1/faces/{gallery.person_id(at * 31)}"), samples
        yield "search a photo", lambda _: self.post("/api/v1/search", {}), samples
        largest = {"face_selection": "largest"}
        yield "enrol a photo", lambda at: self.post("/api/v1/faces", {"name": f"New {at}", **largest}), samples
        yield "delete one person", lambda at: self.delete(gallery.person_id(at)), samples
        if self.has_batch_delete():
            yield "delete 100 persons at once", self.delete_batch, max(3, samples // 8)
        yield "/health", lambda _: self.get("/health"), samples
        yield "/api/status", lambda _: self.get("/api/status"), samples
        yield "/api/v1/models", lambda _: self.get("/api/v1/models"), samples

    def get(self, path: str, **parameters: Any) -> httpx2.Response:
        return self.client.get(path, params=parameters)

    def post(self, path: str, fields: dict[str, str]) -> httpx2.Response:
        return self.client.post(path, files={"image": self.photo}, data=fields)

    def page_after(self, number: int) -> httpx2.Response:
        key = (self.gallery.created_at(number).isoformat(), self.gallery.person_id(number))
        return self.get("/api/v1/faces", cursor=Cursor(key).encode(f"persons:{PersonFilter()!r}"))

    def delete(self, person_id: str) -> httpx2.Response:
        return self.client.delete(f"/api/v1/faces/{person_id}")

    def delete_batch(self, at: int) -> httpx2.Response:
        first = self.gallery.persons // 4 + 100 * at
        ids = [self.gallery.person_id(number) for number in range(first, first + 100)]
        return self.client.request("DELETE", "/api/v1/faces/batch", json={"person_ids": ids})

    def has_batch_delete(self) -> bool:
        return "delete" in self.client.get("/openapi.json").json()["paths"].get("/api/v1/faces/batch", {})


def report(run: Run, start_s: float, server: psutil.Process) -> None:
    status = run.get("/api/status").json()
    filled = ", ".join(f"{size:,} in {name}" for name, size in status["indexes"].items())
    print(
        f"{platform.processor() or platform.machine()}, {usable_cores()} cores, Python {platform.python_version()}; ",
        end="",
    )
    print(f"gallery {status['gallery']}; index: {filled}\n")
    print(f"Start to `/health` 200: {start_s:.1f} s. Memory then: {server.memory_info().rss / MIB:.0f} MiB.\n")
    print("| | p50 ms | p95 ms |\n|---|---|---|")
    for what, call, times in run.calls():
        call(0).raise_for_status()
        print(row(what, [timed(call, at) for at in range(1, times + 1)]), flush=True)
    with busy(run):
        for what, call in (("/health", "/health"), ("list, first page", "/api/v1/faces")):
            print(
                row(
                    f"{what}, while 4 clients search",
                    [timed(lambda _, path=call: run.get(path), at) for at in range(run.samples)],
                )
            )
    print(f"\nMemory afterwards: {server.memory_info().rss / MIB:.0f} MiB.")


def timed(call: Callable[[int], httpx2.Response], at: int) -> float:
    began = time.perf_counter()
    response = call(at)
    elapsed_ms = (time.perf_counter() - began) * 1000
    response.raise_for_status()
    return elapsed_ms


def row(what: str, times_ms: list[float]) -> str:
    ordered = sorted(times_ms)
    return f"| {what} | {statistics.median(ordered):.1f} | {ordered[int(0.95 * (len(ordered) - 1))]:.1f} |"


class busy:  # noqa: N801 (used as a statement)
    """Four clients search as fast as they are answered."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._search) for _ in range(4)]

    def _search(self) -> None:
        with httpx2.Client(base_url=self._run.client.base_url, headers=HEADERS, timeout=120) as client:
            while not self._stop.is_set():
                client.post("/api/v1/search", files={"image": self._run.photo}).raise_for_status()

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()
        time.sleep(0.5)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def photo_of(pack: str) -> Path:
    photo = sample_photo() if pack == "dlib" else TESTKIT / "images" / "video_people" / "biden" / "biden.jpg"
    if photo is None:
        raise SystemExit("no photo: name one by --photo")
    return photo


def wait_for_health(client: httpx2.Client, server: "subprocess.Popen[bytes]") -> None:
    for _ in itertools.count():
        if server.poll() is not None:
            raise SystemExit(f"the server ended with status {server.returncode}")
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)


if __name__ == "__main__":
    main()
