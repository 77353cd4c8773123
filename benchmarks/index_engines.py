"""The engines of `gallery.index` side by side: recall@1, latency, time to build and to open again, memory and disk.

Each engine runs in a process of its own, on the same made-up embeddings: two images a person, close together, and
probes that lie as far from their person's images as these from each other. Recall@1: how often the nearest person is
the one that comparing with every row in float32 gives. Prints Markdown rows for RESULTS.md.

    python benchmarks/index_engines.py --rows 100000
    python benchmarks/index_engines.py --rows 1000000 --milvus-url http://127.0.0.1:19530
"""

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from lianpu.packs.metric import Metric
from lianpu.runtime.providers import usable_cores
from lianpu.vectors.exact import ExactIndex
from lianpu.vectors.index import VectorIndex
from lianpu.vectors.milvus import Milvus, MilvusAddress, MilvusIndex

ROWS_AT_ONCE = 10_000
IMAGES_PER_PERSON = 2
NOISE = np.float32(0.5)
WARM_UP = 5
COLUMNS = (
    "engine",
    "recall@1",
    "one face p50 ms",
    "p95 ms",
    "20 faces p50 ms",
    "build s",
    "open again s",
    "memory MiB",
    "disk MiB",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--probes", type=int, default=200)
    parser.add_argument("--milvus-url", help="measure this Milvus too; what it holds of this benchmark is replaced")
    parser.add_argument("--engine", choices=["exact", "lite", "cluster"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine is not None:
        measure(arguments)
        return
    print(
        f"{platform.processor() or platform.machine()}, {usable_cores()} cores, Python {platform.python_version()}; "
        f"{arguments.rows:,} × {arguments.dimension} float32, cosine, {IMAGES_PER_PERSON} images a person, "
        f"{arguments.probes} probes; load {psutil.getloadavg()[0]:.1f}\n"
    )
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for engine in ("exact", "lite", *(("cluster",) if arguments.milvus_url else ())):
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--engine", engine], check=True)


def measure(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "index.db"
        before = psutil.Process().memory_info().rss
        began = time.perf_counter()
        index, milvus = opened(arguments, file)
        if milvus is not None:
            index.remove(index.owners())
        for start in range(0, arguments.rows, ROWS_AT_ONCE):
            vectors = rows_of(arguments, start)
            numbers = range(start, start + len(vectors))
            persons = [f"p{number // IMAGES_PER_PERSON}" for number in numbers]
            index.add_matrix([f"e{number}" for number in numbers], persons, vectors)
        build_s = time.perf_counter() - began
        open_s = None
        if milvus is not None:
            milvus.close()
            began = time.perf_counter()
            index, milvus = opened(arguments, file)
            index.search(rows_of(arguments, 0)[:1], 1)
            open_s = time.perf_counter() - began
        probes = probes_of(arguments)
        recall = statistics.fmean(
            hits[0].person_id == person
            for hits, person in zip(index.search(probes, 1), nearest_of(arguments, probes), strict=True)
        )
        for at in range(WARM_UP):
            taken_ms(index, probes[at : at + 1])
        one_ms = sorted(taken_ms(index, probes[at : at + 1]) for at in range(len(probes)))
        twenty_ms = [taken_ms(index, probes[at : at + 20]) for at in range(0, len(probes) - 20, 20)]
        grown = psutil.Process().memory_info().rss - before
        disk = sum(one.stat().st_size for one in Path(folder).rglob("*") if one.is_file())
        if milvus is not None:
            milvus.close()
    figures = (
        arguments.engine,
        f"{recall:.4f}",
        f"{statistics.median(one_ms):.1f}",
        f"{one_ms[int(0.95 * len(one_ms))]:.1f}",
        f"{statistics.median(twenty_ms):.1f}",
        f"{build_s:.1f}",
        "–" if open_s is None else f"{open_s:.1f}",
        f"{grown / 2**20:.0f}",
        f"{disk / 2**20:.0f}",
    )
    print(f"| {' | '.join(figures)} |", flush=True)


def opened(arguments: argparse.Namespace, file: Path) -> tuple[VectorIndex, Milvus | None]:
    if arguments.engine == "exact":
        return ExactIndex(arguments.dimension, Metric.COSINE), None
    url = arguments.milvus_url
    address = MilvusAddress.of_file(file) if arguments.engine == "lite" else MilvusAddress.of_url(url)
    milvus = Milvus(address)
    return MilvusIndex(milvus, f"benchmark@{arguments.rows}", arguments.dimension, Metric.COSINE), milvus


def rows_of(arguments: argparse.Namespace, start: int) -> NDArray[np.float32]:
    """[up to `ROWS_AT_ONCE`, dimension]; the same for the same start."""
    centres, random = centres_of(arguments, start)
    count = min(ROWS_AT_ONCE, arguments.rows - start)
    noise = random.standard_normal((count, arguments.dimension), dtype=np.float32)
    return np.repeat(centres, IMAGES_PER_PERSON, axis=0)[:count] + NOISE * noise


def centres_of(arguments: argparse.Namespace, start: int) -> tuple[NDArray[np.float32], np.random.Generator]:
    random = np.random.default_rng((7, start))
    return random.standard_normal((ROWS_AT_ONCE // IMAGES_PER_PERSON, arguments.dimension), dtype=np.float32), random


def probes_of(arguments: argparse.Namespace) -> NDArray[np.float32]:
    centres, _ = centres_of(arguments, 0)
    noise = np.random.default_rng(8).standard_normal((arguments.probes, arguments.dimension), dtype=np.float32)
    return centres[: arguments.probes] + NOISE * noise


def nearest_of(arguments: argparse.Namespace, probes: NDArray[np.float32]) -> list[str]:
    """By comparing with every row."""
    best = np.full(len(probes), -np.inf)
    rows = np.zeros(len(probes), dtype=np.int64)
    for start in range(0, arguments.rows, ROWS_AT_ONCE):
        vectors = rows_of(arguments, start)
        values = (probes @ vectors.T) / np.linalg.norm(vectors, axis=1)
        at = values.argmax(axis=1)
        found = values[np.arange(len(probes)), at]
        rows[found > best] = start + at[found > best]
        best = np.maximum(best, found)
    return [f"p{row // IMAGES_PER_PERSON}" for row in rows.tolist()]


def taken_ms(index: VectorIndex, probes: NDArray[np.float32]) -> float:
    began = time.perf_counter()
    index.search(probes, 2)
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
