"""How long enhancing takes: seconds a level and engine for a 1-megapixel portrait; memory of a 12-megapixel ×2 job.

Prints Markdown tables for RESULTS.md. The memory is the peak resident set (VmHWM) of a child process that does that
job alone, networks and Python included. Run it on a machine that does nothing else.

    python benchmarks/enhancement_time.py [--photo FILE] [--levels 1 2 3] [--budget 3]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from lianpu.engines.face.analyzer import load_analyzer
from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.engines.restore.enhancement import SCALES, EnhancementOptions
from lianpu.engines.restore.enhancer import PackPhotoEnhancer
from lianpu.errors import EnhancementTooLargeError
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.providers import usable_cores
from lianpu.runtime.sessions import Sessions

ENGINES = (
    (None, None),
    ("none", "lanczos"),
    ("realesrgan-x4plus", "lanczos"),
    ("realesrgan-x4plus", "realesrgan-compact"),
)
"""Restorer and upscaler; None: what is chosen by the time budget."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "lianpu-enhancement-home")
    parser.add_argument("--photo", type=Path, help="A portrait; by default scikit-image's astronaut.")
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--budget", type=float, default=3.0, help="Seconds, where engines are chosen by time.")
    parser.add_argument("--megapixels", type=float, default=1.0)
    parser.add_argument("--memory-megapixels", type=float, default=12.0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(memory_of(arguments.home, portrait(arguments.photo, arguments.memory_megapixels))))
        return
    enhancer = enhancer_in(arguments.home, arguments.budget)
    data = portrait(arguments.photo, arguments.megapixels)
    print(f"Portrait of {arguments.megapixels:g} megapixels, {usable_cores()} cores, budget {arguments.budget:g} s.\n")
    print("| level | restorer | upscaler | estimated, s | taken, s | chosen |\n|---|---|---|---|---|---|")
    for level in arguments.levels:
        for restorer, upscaler in ENGINES:
            options = EnhancementOptions(level=level, restorer=restorer, upscaler=upscaler)
            try:
                estimate = enhancer.plan(data, options)
            except EnhancementTooLargeError:
                continue
            begun = time.perf_counter()
            report = enhancer.enhance(data, options, lambda *_: None, lambda: False).report
            taken = time.perf_counter() - begun
            chosen = f"{report.engines.restorer or 'none'}, {report.engines.upscaler or 'none'}"
            names = f"{restorer or 'by time'} | {upscaler or 'by time'}"
            print(
                f"| {level} (×{SCALES[level]}) | {names} | {estimate.estimated_s:.1f} | {taken:.1f} | {chosen} |",
                flush=True,
            )
    command = [sys.executable, __file__, "--child", "memory", "--home", str(arguments.home)]
    command += ["--memory-megapixels", str(arguments.memory_megapixels)]
    command += ["--photo", str(arguments.photo)] if arguments.photo else []
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    figures = json.loads(done.stdout)
    peak, start = figures["peak"] / 2**30, figures["start"] / 2**30
    print(f"\n{arguments.memory_megapixels:g} megapixels ×2 with {figures['engines']}: peak {peak:.2f} GiB, ", end="")
    print(f"{start:.2f} GiB of it before the photo came; {figures['seconds']:.0f} s.")


def memory_of(home: Path, data: bytes) -> dict[str, object]:
    """The job in this process."""
    enhancer = enhancer_in(home, 3.0)
    start = peak_bytes()
    options = EnhancementOptions(level=2, restorer="realesrgan-x4plus", upscaler="realesrgan-compact")
    report = enhancer.enhance(data, options, lambda *_: None, lambda: False).report
    engines = f"{report.engines.restorer}, {report.engines.upscaler}"
    return {"peak": peak_bytes(), "start": start, "seconds": report.seconds, "engines": engines}


def peak_bytes() -> int:
    """Peak resident set of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell a process's peak memory")


def enhancer_in(home: Path, budget_s: float) -> PackPhotoEnhancer:
    sessions = Sessions(OnnxSessionFactory())
    registry = PackRegistry(home / "packs", home / "cache" / "packs", sessions)
    analyzer = load_analyzer(registry.get("dlib"), sessions)
    return PackPhotoEnhancer(registry, sessions, lambda: analyzer, time_budget_s=budget_s)


def portrait(photo: Path | None, megapixels: float) -> bytes:
    """A JPEG of so many pixels, slightly soft, as an enlarged photo is."""
    data = photo.read_bytes() if photo else (resources.files("skimage") / "data" / "astronaut.png").read_bytes()
    pixels = decode_image(data).pixels
    factor = (megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return encode_jpeg(np.asarray(cv2.resize(pixels, size, interpolation=method)))


if __name__ == "__main__":
    main()
