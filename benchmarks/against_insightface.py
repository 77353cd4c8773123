"""Faces found and embedded per second against `insightface.FaceAnalysis`: same weights, same process, interleaved runs.

    python benchmarks/against_insightface.py [--seconds 4] [--rounds 5]
    python benchmarks/against_insightface.py --accuracy

The first prints images a second with 8 requests in flight and with one, on InsightFace's photo t1.jpg and one face cut
from it; FaceAnalysis runs with its defaults, each request in a thread of its own. The first pack's MobileFaceNet is the
test kit's, half as large as the one of InsightFace's packs; the others' embedders have their shapes and random weights,
right for speed alone. `--accuracy` prints the average precision of the detectors on the
test kit's WIDER subset (faces of 30 px and more, IoU 0.5), as float32 and as they run by default.
"""

import argparse
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import insightface
import numpy as np
import onnx
from insightface.app import FaceAnalysis
from made_up_networks import iresnet50, mobilefacenet
from numpy.typing import NDArray

from lianpu.capacity.rate import rate_of, warm_up
from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.image import decode_image
from lianpu.packs.install import import_pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.providers import usable_cores
from lianpu.runtime.sessions import CpuRuntime, Sessions

IN_FLIGHT = 8
LEAST_FACE_PX = 30
IOU = 0.5
LEAST_SCORE, LEAST_MARGIN = 0.02, -0.9
Image = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default_kit = Path(__file__).parents[2] / "shared" / "testkit"
    parser.add_argument("--kit", type=Path, default=Path(os.environ.get("LIANPU_TESTKIT", default_kit)))
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--accuracy", action="store_true")
    arguments = parser.parse_args()
    # As the server does: inference fills the cores already.
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.accuracy:
            print_accuracy(arguments.kit, Path(folder))
        else:
            print_speed(arguments.kit, Path(folder), arguments.seconds, arguments.rounds)


def print_speed(kit: Path, folder: Path, seconds: float, rounds: int) -> None:
    group = decode_image((Path(insightface.__file__).parent / "data" / "images" / "t1.jpg").read_bytes()).pixels
    resnet, mobile = folder / "iresnet50.onnx", folder / "mobilefacenet.onnx"
    onnx.save(iresnet50(), str(resnet))
    onnx.save(mobilefacenet(), str(mobile))
    packs = {
        "SCRFD 500M + MobileFaceNet": (
            "scrfd_500m_kps_640.onnx",
            kit / "models/recognition/mobilefacenet_foamliu_arc.onnx",
        ),
        "SCRFD 500M + MobileFaceNet of buffalo_s": ("scrfd_500m_kps_640.onnx", mobile),
        "SCRFD 2.5G + IResNet-50": ("scrfd_2.5g_bnkps.onnx", resnet),
    }
    print(f"{usable_cores()} cores; median of {rounds} interleaved rounds of {seconds:g} s; images a second.\n")
    print("| pack | photo | in flight | FaceAnalysis | float32 (ONNX Runtime) | default | ratio |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name, (detector, embedder) in packs.items():
        theirs = face_analysis(folder, kit / "models/detection" / detector, embedder)
        exact, ours = (
            pack_of(folder, f"{number}-{cpu}", kit / "models/detection" / detector, embedder, cpu)
            for number, cpu in enumerate((CpuRuntime.ONNXRUNTIME, CpuRuntime.AUTO))
        )
        face = ours.detect(group)[0].box
        one = np.ascontiguousarray(group[int(face.y1) - 60 : int(face.y2) + 60, int(face.x1) - 60 : int(face.x2) + 60])
        for photo, image in (("6 faces", group), ("1 face", one)):
            bgr = np.ascontiguousarray(image[..., ::-1])
            calls: dict[str, Callable[[], object]] = {
                "FaceAnalysis": partial(theirs.get, bgr),
                "float32": partial(looked_at, exact, image),
                "default": partial(looked_at, ours, image),
            }
            for flying in (IN_FLIGHT, 1):
                found = {what: [] for what in calls}
                for _ in range(rounds):
                    for what, call in calls.items():
                        # The server lets as many requests through to inference as there are cores.
                        at_once = flying if what == "FaceAnalysis" else min(flying, usable_cores())
                        warm_up(call, 1)
                        found[what].append(rate_of(call, at_once, seconds).per_s)
                medians = {what: statistics.median(rates) for what, rates in found.items()}
                figures = " | ".join(f"{medians[what]:.1f}" for what in calls)
                ratio = medians["default"] / medians["FaceAnalysis"]
                print(f"| {name} | {photo} | {flying} | {figures} | {ratio:.1f}x |", flush=True)


def looked_at(analyzer: FaceAnalyzer, image: Image) -> object:
    return analyzer.embed(image, analyzer.detect(image))


def face_analysis(folder: Path, detector: Path, embedder: Path) -> FaceAnalysis:
    name = f"{detector.stem}-{embedder.stem}"
    pack = folder / "models" / name
    pack.mkdir(parents=True)
    shutil.copy(detector, pack / "det.onnx")
    shutil.copy(embedder, pack / "rec.onnx")
    analysis = FaceAnalysis(name=name, root=str(folder), providers=["CPUExecutionProvider"])
    analysis.prepare(ctx_id=-1)
    return analysis


def pack_of(folder: Path, name: str, detector: Path, embedder: Path, cpu: CpuRuntime) -> FaceAnalyzer:
    exact = OnnxSessionFactory(["cpu"])
    packs = folder / f"packs-{name}-{detector.stem.replace('.', '-')}-{embedder.stem}"
    pack = import_pack(
        None,
        packs,
        exact,
        name="timed",
        detector=str(detector),
        embedder=str(embedder),
        accept_licence=True,
        licence=None if detector.stem.startswith("scrfd") else "MIT",
    )
    return load_analyzer(pack, Sessions(exact, cpu))


def print_accuracy(kit: Path, folder: Path) -> None:
    photos = labelled(kit / "images" / "wider_val")
    embedder = kit / "models/recognition/mobilefacenet_foamliu_arc.onnx"
    exact = OnnxSessionFactory(["cpu"])
    print(f"{len(photos)} photos, {sum((boxes[:, 2] > 0).sum() for _, boxes, _ in photos)} faces.\n")
    print("| detector | AP as float32 | AP by default | difference |\n|---|---|---|---|", flush=True)
    for file in ("scrfd_2.5g_bnkps", "scrfd_500m_kps_640", "face_detection_yunet_2023mar", "dlib"):
        found = []
        for cpu in (CpuRuntime.ONNXRUNTIME, CpuRuntime.AUTO):
            if file == "dlib":
                registry = PackRegistry(folder / "none", folder / "cache", exact)
                analyzer = load_analyzer(registry.get("dlib"), Sessions(exact, cpu))
            else:
                analyzer = pack_of(folder, str(cpu), kit / "models/detection" / f"{file}.onnx", embedder, cpu)
            # The curve goes on below the score that faces are reported from.
            least = LEAST_SCORE if file != "dlib" else LEAST_MARGIN
            analyzer.detector._score_threshold = least  # type: ignore[attr-defined]  # noqa: SLF001
            found.append(average_precision(analyzer, photos))
        print(f"| {file} | {found[0]:.4f} | {found[1]:.4f} | {found[1] - found[0]:+.4f} |", flush=True)


Labelled = tuple[Image, NDArray[np.float32], NDArray[np.bool_]]


def labelled(folder: Path) -> list[Labelled]:
    """Photo, boxes [n, 4] as x, y, width, height, and which of them count."""
    lines = iter((folder / "wider_face_val_bbx_gt_subset.txt").read_text().splitlines())
    photos: list[Labelled] = []
    for name in lines:
        count = int(next(lines))
        rows = np.array([next(lines).split() for _ in range(max(1, count))], np.float32)[:count]
        boxes, is_invalid = rows[:, :4], rows[:, 7] > 0
        counts = ~is_invalid & (boxes[:, 2:].max(axis=1) >= LEAST_FACE_PX)
        photos.append((decode_image((folder / name).read_bytes()).pixels, boxes, counts))
    return photos


def average_precision(analyzer: FaceAnalyzer, photos: list[Labelled]) -> float:
    """Area under precision over recall; what lies on a face that does not count is neither right nor wrong."""
    judged: list[tuple[float, bool]] = []
    total = 0
    for image, boxes, counts in photos:
        total += int(counts.sum())
        taken = np.zeros(len(boxes), bool)
        for face in sorted(analyzer.detector.detect(image), key=lambda face: -face.score):
            overlaps = overlap(face.box, boxes)
            best = int(overlaps.argmax()) if len(overlaps) else -1
            if best >= 0 and overlaps[best] >= IOU and not taken[best]:
                taken[best] = True
                if counts[best]:
                    judged.append((face.score, True))
            elif max(face.box.x2 - face.box.x1, face.box.y2 - face.box.y1) >= LEAST_FACE_PX:
                judged.append((face.score, False))
    judged.sort(reverse=True)
    right = np.cumsum([is_right for _, is_right in judged])
    precision = right / np.arange(1, len(judged) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], right / total])) * precision))


def overlap(box: object, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    x1, y1, x2, y2 = box.x1, box.y1, box.x2, box.y2  # type: ignore[attr-defined]
    right, bottom = boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]
    width = np.clip(np.minimum(x2, right) - np.maximum(x1, boxes[:, 0]), 0, None)
    height = np.clip(np.minimum(y2, bottom) - np.maximum(y1, boxes[:, 1]), 0, None)
    shared = width * height
    return shared / np.maximum((x2 - x1) * (y2 - y1) + boxes[:, 2] * boxes[:, 3] - shared, 1e-9)


if __name__ == "__main__":
    main()
