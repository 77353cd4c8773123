"""Exact person search over a million vectors of 512 numbers, against reading once from memory what it reads.

That is the int8 codes, or by --float32 the vectors alone. Both references read every number of them: numpy's max, which
is quicker than its sum, on one thread, and on as many threads as the search uses.
Prints a Markdown table for RESULTS.md. Needs about 3 GB of memory.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil

from lianpu.packs.metric import Metric
from lianpu.runtime.providers import usable_cores
from lianpu.vectors.exact import ExactIndex

CHUNK_ROWS = 16_384
TOP_K = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--rows-per-person", type=int, default=2)
    parser.add_argument("--metric", type=Metric, choices=list(Metric), default=Metric.COSINE)
    parser.add_argument("--float32", action="store_true", help="without codes")
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    threads = usable_cores()
    before = psutil.Process().memory_info().rss
    with_codes = not arguments.float32
    index, alone = (
        ExactIndex(arguments.dimension, arguments.metric, threads=count, with_codes=with_codes)
        for count in (threads, 1)
    )
    add_s = fill(index, arguments.rows, arguments.rows_per_person)
    grown = psutil.Process().memory_info().rss - before
    # The same blocks, read by one thread: no second copy.
    own = {"_threads", "_helpers", "_passes"}
    alone.__dict__.update({name: value for name, value in vars(index).items() if name not in own})
    matrix = [
        (block.vectors if block.codes is None else block.codes.values)[: block.used]
        for block in index._blocks.values()  # noqa: SLF001
    ]
    bytes_read = sum(part.nbytes for part in matrix)
    probes = np.random.default_rng(1).standard_normal((20, arguments.dimension)).astype(np.float32)
    check(index, probes[:3], arguments.metric)
    matrix_text = f"{arguments.rows:,} × {arguments.dimension} {matrix[0].dtype} ({bytes_read / 1e9:.2f} GB)"
    print(
        f"{platform.processor() or platform.machine()}, {threads} cores, Python {platform.python_version()}, numpy "
        f"{np.__version__}; {matrix_text}, {arguments.rows_per_person} rows a person, {arguments.metric.value}, top "
        f"{TOP_K}, median of {arguments.repeats}; load {psutil.getloadavg()[0]:.1f}\n"
    )
    print(
        f"Adding took {add_s:.1f} s; memory {grown / 2**20:.0f} MiB, read by a search {bytes_read / 2**20:.0f} MiB.\n"
    )
    with ThreadPoolExecutor(threads) as pool:
        cases: dict[str, Callable[[], object]] = {
            "read once, 1 thread": lambda: [part.max() for part in matrix],
            "search, 1 thread, 1 face": lambda: alone.search(probes[:1], TOP_K),
            f"read once, {threads} threads": lambda: list(pool.map(np.max, matrix)),
            **{
                f"search, {threads} threads, {faces} face{'s' * (faces > 1)}": lambda faces=faces: index.search(
                    probes[:faces], TOP_K
                )
                for faces in (1, 2, 5, 10, 20)
            },
        }
        times = measured(cases, arguments.repeats)
    print("| | p50 ms | GB/s | times reading |\n|---|---|---|---|")
    for name, elapsed_s in times.items():
        reference = times["read once, 1 thread" if "1 thread," in f"{name}," else f"read once, {threads} threads"]
        print(
            f"| {name} | {elapsed_s * 1000:.1f} | {bytes_read / elapsed_s / 1e9:.1f} | {elapsed_s / reference:.2f}× |"
        )


def fill(index: ExactIndex, rows: int, rows_per_person: int) -> float:
    """Rows of a person lie apart, as they do when photos come over time. Returns the seconds spent in the index."""
    random = np.random.default_rng(0)
    persons = max(1, rows // rows_per_person)
    elapsed_s = 0.0
    for start in range(0, rows, CHUNK_ROWS):
        numbers = range(start, min(rows, start + CHUNK_ROWS))
        vectors = random.standard_normal((len(numbers), index.dimension), dtype=np.float32)
        embedding_ids = [f"{number:08x}-0000-7000-8000-{number:012x}" for number in numbers]
        person_ids = [f"{number % persons:08x}-0000-7000-8000-{number % persons:012x}" for number in numbers]
        began = time.perf_counter()
        index.add_matrix(embedding_ids, person_ids, vectors)
        elapsed_s += time.perf_counter() - began
    return elapsed_s


def check(index: ExactIndex, probes: np.ndarray, metric: Metric) -> None:
    """The answers are those of a scan that keeps everything and sorts it."""
    for probe, hits in zip(probes, index.search(probes, TOP_K), strict=True):
        best: dict[int, float] = {}
        unit = probe / np.linalg.norm(probe) if metric is Metric.COSINE else probe
        for block in index._blocks.values():  # noqa: SLF001
            rows = block.vectors[: block.used]
            values = -(rows @ unit) if metric is Metric.COSINE else np.linalg.norm(rows - unit, axis=1)
            for at in np.argsort(values)[: 20 * TOP_K]:
                person = int(block.persons[at])
                best[person] = min(best.get(person, np.inf), float(values[at]))
        wanted = sorted(best.values())[:TOP_K]
        found = [-hit.raw_value if metric is Metric.COSINE else hit.raw_value for hit in hits]
        if not np.allclose(found, wanted, atol=1e-4):
            raise SystemExit(f"the search is wrong: {found} instead of {wanted}")


def measured(cases: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Medians in seconds; the cases take turns, so that what else the machine does falls on all of them."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats + 1):
        for name, case in cases.items():
            began = time.perf_counter()
            case()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


if __name__ == "__main__":
    main()
