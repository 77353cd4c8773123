"""Exact person search in memory against faiss and against memory itself: one caller, and twelve who wait at once.

All on the same number of threads, by turns:

- one pass over the int8 codes, and one over the float32 vectors: numpy's max over the blocks of the index itself;
- Lianpu's search for one face; for one, and for those of twelve callers who come while it runs and share the next pass;
  for twelve faces in one call; and the same without codes;
- faiss `IndexFlatIP` (of vectors made unit length beforehand) with what finding persons takes on top: the rows it finds
  are grouped by person, best first, and it is asked for four times as many until there are enough persons.

The answers of all are compared before anything is measured. Prints Markdown tables for RESULTS.md. A million rows of
512 numbers take about 8 GB of memory: Lianpu's index with and without codes, and faiss.
"""

import argparse
import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import psutil
from exact_search import TOP_K, fill, measured

from lianpu.packs.metric import Metric
from lianpu.runtime.providers import usable_cores
from lianpu.vectors.exact import ExactIndex
from lianpu.vectors.int8 import int8_choice

WAITING = 12
ONE = "Lianpu, one face"
ONE_AND_WAITING = f"Lianpu, one face, and {WAITING} callers who came meanwhile"
MANY = f"Lianpu, {WAITING} faces in one call"
FAISS_ONE = "faiss, one face"
FAISS_MANY = f"faiss, {WAITING} faces in one call"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--rows-per-person", type=int, default=2)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    rows, dimension, threads = arguments.rows, arguments.dimension, arguments.threads
    ours, floats = (ExactIndex(dimension, Metric.COSINE, threads=threads, with_codes=has) for has in (True, False))
    for index in (ours, floats):
        fill(index, rows, arguments.rows_per_person)
    theirs = FaissPersons(floats, threads)
    blocks = list(ours._blocks.values())  # noqa: SLF001
    codes = [block.codes.values[: block.used] for block in blocks if block.codes is not None]
    vectors = [block.vectors[: block.used] for block in blocks]
    probes = np.random.default_rng(1).standard_normal((WAITING, dimension)).astype(np.float32)
    check(probes, ours, floats, theirs)
    with ThreadPoolExecutor(threads) as readers, ThreadPoolExecutor(1 + WAITING) as callers:

        def at_once(index: ExactIndex) -> Callable[[], object]:
            faces = [probes[at % WAITING, None] for at in range(1 + WAITING)]
            return lambda: list(callers.map(lambda face: index.search(face, TOP_K), faces))

        cases: dict[str, Callable[[], object]] = {
            "int8 codes, read once": lambda: list(readers.map(np.max, codes)),
            "float32 vectors, read once": lambda: list(readers.map(np.max, vectors)),
            ONE: lambda: ours.search(probes[:1], TOP_K),
            ONE_AND_WAITING: at_once(ours),
            MANY: lambda: ours.search(probes, TOP_K),
            f"{ONE}, without codes": lambda: floats.search(probes[:1], TOP_K),
            f"{ONE_AND_WAITING}, without codes": at_once(floats),
            FAISS_ONE: lambda: theirs.search(probes[:1], TOP_K),
            FAISS_MANY: lambda: theirs.search(probes, TOP_K),
        }
        times = measured(cases, arguments.repeats)
    print(
        f"{platform.processor() or platform.machine()}, {threads} threads, Python {platform.python_version()}, numpy "
        f"{np.__version__}, faiss {faiss.__version__}; {rows:,} × {dimension}, {arguments.rows_per_person} rows a "
        f"person, cosine, top {TOP_K}, median of {arguments.repeats}; load {psutil.getloadavg()[0]:.1f}\n\n"
        f"{int8_choice().reason}\n\n| | p50 ms |\n|---|---|"
    )
    for name, elapsed_s in times.items():
        print(f"| {name} | {elapsed_s * 1000:.1f} |")
    one, waiting = times[ONE], times[ONE_AND_WAITING] - times[ONE]
    ratios = {
        "one face, times a pass over int8": one / times["int8 codes, read once"],
        f"rate of {WAITING} who wait, times that of one": WAITING * one / waiting,
        "faiss, times Lianpu, one face": times[FAISS_ONE] / one,
        f"faiss, times Lianpu, {WAITING} faces in one call": times[FAISS_MANY] / times[MANY],
        f"faiss with {WAITING} faces in one call, times {WAITING} who wait": times[FAISS_MANY] / waiting,
    }
    print("\n| | |\n|---|---|")
    for name, ratio in ratios.items():
        print(f"| {name} | {ratio:.2f}× |")


class FaissPersons:
    """What one writes around faiss to find persons by their best image."""

    def __init__(self, filled: ExactIndex, threads: int) -> None:
        faiss.omp_set_num_threads(threads)
        self._index = faiss.IndexFlatIP(filled.dimension)
        self._persons: list[str] = []
        for block in filled._blocks.values():  # noqa: SLF001
            self._index.add(block.vectors[: block.used])
            self._persons += [filled._person_ids[person] for person in block.persons[: block.used]]  # noqa: SLF001

    def search(self, probes: np.ndarray, top_k: int) -> list[dict[str, float]]:
        probes = probes / np.linalg.norm(probes, axis=1, keepdims=True)
        count = 4 * top_k
        while True:
            values, rows = self._index.search(probes, min(count, self._index.ntotal))
            answers = [self._grouped(*of_probe, top_k) for of_probe in zip(values.tolist(), rows.tolist(), strict=True)]
            if count >= self._index.ntotal or all(len(answer) == top_k for answer in answers):
                return answers
            count *= 4

    def _grouped(self, values: list[float], rows: list[int], top_k: int) -> dict[str, float]:
        best: dict[str, float] = {}
        for value, row in zip(values, rows, strict=True):
            best.setdefault(self._persons[row], value)
            if len(best) == top_k:
                break
        return best


def check(probes: np.ndarray, ours: ExactIndex, floats: ExactIndex, theirs: FaissPersons) -> None:
    found = ours.search(probes, TOP_K)
    if found != floats.search(probes, TOP_K):
        raise SystemExit("the answers by codes are not those of float32")
    for hits, wanted in zip(found, theirs.search(probes, TOP_K), strict=True):
        persons_match = [hit.person_id for hit in hits] == list(wanted)
        if not persons_match or not np.allclose([hit.raw_value for hit in hits], list(wanted.values()), atol=1e-5):
            raise SystemExit(f"faiss answers otherwise: {wanted} instead of {hits}")


if __name__ == "__main__":
    main()
