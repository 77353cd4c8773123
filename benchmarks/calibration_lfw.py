"""Does a calibration keep its promise? Calibrated on some people of LFW, measured on others.

Embeds the 7,701 images of LFW View 2 (`lfw_view2.zip` of the test kit) once with SCRFD 2.5G and foamliu_arc, then
calibrates on one half of the people and measures on the other, over and over, and on small galleries whose true rate is
that of everybody. Prints Markdown tables for RESULTS.md.
"""

import argparse
import os
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import AnalyzerOptions, load_analyzer
from lianpu.engines.image import ImageLimits, decode_image
from lianpu.evaluation.false_matches import FalseMatches
from lianpu.gallery.insights.calibration import comparisons_of
from lianpu.packs.install import import_pack
from lianpu.packs.metric import Metric
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.vectors.pairs import PairScan, ScanLimits

WANTED = (1e-2, 1e-3, 1e-4, 1e-5)
SMALL = (50, 100, 200, 400, 800)
LIMITS = ScanLimits(10**12)

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default_kit = Path(__file__).parents[2] / "shared" / "testkit"
    parser.add_argument("--kit", type=Path, default=Path(os.environ.get("LIANPU_TESTKIT", default_kit)))
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "lianpu-calibration-lfw.npz")
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--galleries", type=int, default=200, help="Small galleries drawn of each size.")
    arguments = parser.parse_args()
    if not arguments.cache.exists():
        names, vectors = embed(arguments.kit)
        np.savez(arguments.cache, names=names, vectors=vectors)
    stored = np.load(arguments.cache)
    people = np.array([name.split("/")[0] for name in stored["names"]])
    ids, persons = np.unique(people, return_inverse=True)
    vectors = stored["vectors"]
    begun = time.perf_counter()
    everybody = calibrated(vectors, persons)
    print(f"{len(ids)} people, {len(persons)} images, {everybody.comparisons} comparisons", end=", ")
    print(f"scanned in {time.perf_counter() - begun:.1f} s\n")
    halves(vectors, persons, len(ids), arguments.splits)
    small_galleries(vectors, persons, len(ids), arguments.galleries, everybody)


def halves(vectors: Vectors, persons: Numbers, people: int, splits: int) -> None:
    random = np.random.default_rng(20_261_123)
    inside = {wanted: [0, 0, 0] for wanted in WANTED}
    ratios: dict[float, list[float]] = {wanted: [] for wanted in WANTED}
    for _ in range(splits):
        chosen = np.zeros(people, bool)
        chosen[random.permutation(people)[: people // 2]] = True
        ours, others = (calibrated(vectors[rows], persons[rows]) for rows in (chosen[persons], ~chosen[persons]))
        for wanted in WANTED:
            estimate = ours.estimate(ours.threshold_for(wanted))
            measured = others.rate(estimate.threshold)
            ratios[wanted].append(measured / estimate.rate)
            intervals = (estimate.interval_elsewhere, estimate.interval, estimate.interval_of_pairs)
            for place, interval in enumerate(intervals):
                inside[wanted][place] += measured in interval
    print(f"Calibrated on one half of the people, measured on the other, {splits} splits; interval at 95 %:\n")
    print("| wanted FMR | measured / promised: median | 2.5 … 97.5 % | inside the interval elsewhere | ", end="")
    print("inside that of the true rate | inside that of independent pairs |\n|---|---|---|---|---|---|")
    for wanted in WANTED:
        low, median, high = np.percentile(ratios[wanted], [2.5, 50, 97.5])
        shares = " | ".join(f"{count / splits:.0%}" for count in inside[wanted])
        print(f"| {wanted:g} | {median:.3f} | {low:.2f} … {high:.2f} | {shares} |")


def small_galleries(vectors: Vectors, persons: Numbers, people: int, galleries: int, everybody: FalseMatches) -> None:
    print(f"\nCalibrated on galleries drawn from all ({galleries} of each size); true rate: that of everybody:\n")
    print("| people | wanted FMR | least promise, median | interval holds the true rate | that of independent pairs |")
    print("|---|---|---|---|---|")
    random = np.random.default_rng(20_261_124)
    for size in SMALL:
        hits = {wanted: [0, 0] for wanted in WANTED if wanted * size * (size - 1) >= 1}
        promises: list[float] = []
        for _ in range(galleries):
            chosen = np.isin(persons, random.choice(people, size, replace=False))
            rates = calibrated(vectors[chosen], persons[chosen])
            promises.append(rates.least_promise())
            for wanted, counts in hits.items():
                estimate = rates.estimate(rates.threshold_for(wanted))
                truth = everybody.rate(estimate.threshold)
                counts[0] += truth in estimate.interval
                counts[1] += truth in estimate.interval_of_pairs
        for wanted, (covered, naive) in hits.items():
            promise = f"{np.median(promises):.2g}"
            print(f"| {size} | {wanted:g} | {promise} | {covered / galleries:.1%} | {naive / galleries:.1%} |")


def calibrated(vectors: Vectors, persons: Numbers) -> FalseMatches:
    numbers = np.unique(persons, return_inverse=True)[1]
    scan = PairScan(vectors, numbers, Metric.COSINE, LIMITS)
    for _ in scan.steps():
        pass
    return FalseMatches(comparisons_of(numbers, scan.result()))


def embed(kit: Path) -> tuple[NDArray[np.str_], Vectors]:
    """File names and vectors; of several faces the one in the middle, where LFW has its person."""
    models = kit / "models"
    sessions = OnnxSessionFactory(["cpu"], threads=1)
    with tempfile.TemporaryDirectory() as packs, zipfile.ZipFile(kit / "images/lfw_view2.zip") as archive:
        pack = import_pack(
            None,
            Path(packs),
            sessions,
            name="foamliu",
            detector=str(models / "detection/scrfd_2.5g_bnkps.onnx"),
            embedder=str(models / "recognition/mobilefacenet_foamliu_arc.onnx"),
            accept_licence=True,
        )
        analyzer = load_analyzer(pack, sessions, AnalyzerOptions(detector_input_size=320))
        limits = ImageLimits(max_pixels=10**6, max_side_px=2000)

        def vector_of(data: bytes) -> NDArray[np.float32] | None:
            image = decode_image(data, limits)
            faces = analyzer.detect(image.pixels)
            if not faces:
                return None
            middle = min(
                faces,
                key=lambda face: (
                    (face.box.x1 + face.box.x2 - image.width) ** 2 + (face.box.y1 + face.box.y2 - image.height) ** 2
                ),
            )
            return analyzer.embed(image.pixels, [middle])[0]

        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        photos = [archive.read(name) for name in names]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            vectors = list(threads.map(vector_of, photos))
    found = [(name, vector) for name, vector in zip(names, vectors, strict=True) if vector is not None]
    return np.array([name for name, _ in found]), np.stack([vector for _, vector in found])


if __name__ == "__main__":
    main()
