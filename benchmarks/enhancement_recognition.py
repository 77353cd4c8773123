"""Does enhancing a bad photo help to recognise who is on it? LFW identities, degraded in four ways.

Of each identity with two photos or more in `lfw_view2.zip` (test kit) the first is enrolled as it is; the second is
degraded, enhanced by each engine with and without `preserve_identity`, and compared with everybody. Prints, as Markdown
for RESULTS.md, the share of probes whose score with their own identity is above the threshold that 1 in 1,000 of the
scores with others exceeds, each condition with its own threshold. A face that is not found is not recognised.

    python benchmarks/enhancement_recognition.py --identities 500 [--pack dlib|kit] [--engines RESTORER+UPSCALER …]

The recogniser is the pack `dlib`, or with `--pack kit` the test kit's SCRFD 2.5G and foamliu_arc (test data only).
Packs in `--home` beyond the embedded ones may be named as engines.
"""

import argparse
import io
import os
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.image import decode_image, encode_png
from lianpu.engines.restore.enhancement import EnhancementOptions, IdentityStatus, OutputFormat
from lianpu.engines.restore.enhancer import PackPhotoEnhancer
from lianpu.engines.restore.face_work import find_faces
from lianpu.packs.install import import_pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory

FAR = 1e-3
ENGINES = ("none+lanczos", "none+realesrgan-compact", "realesrgan-x4plus+lanczos")
Image = NDArray[np.uint8]
Vector = NDArray[np.float32]
UNLIMITED_S = 1e9


def jpeg(image: Image, quality: int) -> Image:
    return decode_image(cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()).pixels


def smaller(image: Image) -> Image:
    size = (image.shape[1] // 4, image.shape[0] // 4)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))


def noisy(image: Image, sigma: float) -> Image:
    noise = np.random.default_rng(int(image.sum())).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


DEGRADATIONS: dict[str, tuple[int, Callable[[Image], Image]]] = {
    "÷4, JPEG 30": (3, lambda image: jpeg(smaller(image), 30)),
    "blur, sigma 3": (1, lambda image: blurred(image, 3)),
    "noise, sigma 25": (1, lambda image: noisy(image, 25)),
    "all: blur 2, ÷4, noise 10, JPEG 30": (3, lambda image: jpeg(noisy(smaller(blurred(image, 2)), 10), 30)),
}
"""Name → the level that brings the photo back to its size, and what is done to it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default_kit = Path(__file__).parents[2] / "shared" / "testkit"
    parser.add_argument("--kit", type=Path, default=Path(os.environ.get("LIANPU_TESTKIT", default_kit)))
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "lianpu-enhancement-home")
    parser.add_argument("--identities", type=int, default=500)
    parser.add_argument("--pack", choices=("dlib", "kit"), default="dlib")
    parser.add_argument("--engines", nargs="+", default=ENGINES, metavar="RESTORER+UPSCALER")
    arguments = parser.parse_args()
    sessions = OnnxSessionFactory()
    registry = PackRegistry(arguments.home / "packs", arguments.home / "cache" / "packs", sessions)
    analyzer = recogniser(arguments.pack, registry, sessions, arguments.kit)
    enhancer = PackPhotoEnhancer(registry, sessions, lambda: analyzer, time_budget_s=UNLIMITED_S)
    begun = time.perf_counter()
    people = identities(arguments.kit / "images" / "lfw_view2.zip", arguments.identities)
    enrolled = [embedded(analyzer, first) for first, _ in people]
    clean = rate(enrolled, [embedded(analyzer, second) for _, second in people])
    label = f"{analyzer.pack_name}@{analyzer.pack_version}"
    print(f"{len(people)} identities of LFW, recogniser {label}; recognised at FAR {FAR:g}: {clean:.1%} undegraded.\n")
    print("| degradation | engines | preserve_identity | recognised | kept / lost / not measurable | mean share |")
    print("|---|---|---|---|---|---|", flush=True)
    for name, (level, degrade) in DEGRADATIONS.items():
        probes = [degrade(second) for _, second in people]
        before = rate(enrolled, [embedded(analyzer, probe) for probe in probes])
        print(f"| {name} | not enhanced | | {before:.1%} | | |", flush=True)
        for engines in arguments.engines:
            for preserves in (True, False):
                restorer, _, upscaler = engines.partition("+")
                options = EnhancementOptions(
                    level=level,
                    preserve_identity=preserves,
                    output_format=OutputFormat.PNG,
                    restorer=restorer,
                    upscaler=upscaler,
                )
                row = measured(enhancer, analyzer, probes, options, enrolled)
                print(f"| {name} | {engines} | {'yes' if preserves else 'no'} | {row}", flush=True)
    print(f"\n{time.perf_counter() - begun:.0f} s in all")


def measured(
    enhancer: PackPhotoEnhancer,
    analyzer: FaceAnalyzer,
    probes: list[Image],
    options: EnhancementOptions,
    enrolled: list[Vector | None],
) -> str:
    vectors: list[Vector | None] = []
    counts: dict[IdentityStatus, int] = defaultdict(int)
    shares: list[float] = []
    for probe in probes:
        photo = enhancer.enhance(encode_png(probe), options, lambda *_: None, lambda: False)
        vectors.append(embedded(analyzer, decode_image(bytes(photo.data)).pixels))
        for face in photo.report.faces[:1]:
            counts[face.identity.status] += 1
            shares.append(face.identity.restored_share)
    faces = " / ".join(str(counts[status]) for status in IdentityStatus)
    return f"{rate(enrolled, vectors):.1%} | {faces} | {np.mean(shares) if shares else 0:.2f} |"


def recogniser(name: str, registry: PackRegistry, sessions: OnnxSessionFactory, kit: Path) -> FaceAnalyzer:
    if name == "dlib":
        return load_analyzer(registry.get("dlib"), sessions)
    (detector,) = (kit / "models" / "detection").glob("*scrfd*2.5g*.onnx")
    embedder = kit / "models" / "recognition" / "mobilefacenet_foamliu_arc.onnx"
    pack = import_pack(
        None,
        registry.packs_dir,
        sessions,
        name="kit",
        detector=str(detector),
        embedder=str(embedder),
        accept_licence=True,
    )
    return load_analyzer(pack, sessions)


def identities(archive: Path, most: int) -> list[tuple[Image, Image]]:
    """Two photos of each of so many people, drawn by chance but always the same."""
    photos: dict[str, list[str]] = defaultdict(list)
    with zipfile.ZipFile(archive) as opened:
        for entry in sorted(opened.namelist()):
            if entry.endswith(".jpg"):
                photos[entry.split("/")[-2]].append(entry)
        several = [entries for entries in photos.values() if len(entries) > 1]
        chosen = np.random.default_rng(20_261_129).permutation(len(several))[:most]
        return [
            tuple(decode_image(io.BytesIO(opened.read(entry)).getvalue()).pixels for entry in several[place][:2])  # type: ignore[misc]
            for place in chosen
        ]


def embedded(analyzer: FaceAnalyzer, image: Image) -> Vector | None:
    """Of the largest face, of length 1; None: none is found."""
    faces = find_faces(analyzer, image, 1)
    if not faces:
        return None
    vector = analyzer.embed(image, faces)[0]
    return vector / np.linalg.norm(vector)


def rate(enrolled: list[Vector | None], probes: list[Vector | None]) -> float:
    """Share of all probes that are recognised at `FAR`."""
    rows = [place for place, vector in enumerate(probes) if vector is not None]
    columns = [place for place, vector in enumerate(enrolled) if vector is not None]
    if not rows or not columns:
        return 0.0
    found = np.stack([probes[row] for row in rows]) @ np.stack([enrolled[column] for column in columns]).T
    is_same = np.array(rows)[:, None] == np.array(columns)[None, :]
    threshold = np.quantile(found[~is_same], 1 - FAR)
    return float((found[is_same] > threshold).sum() / len(probes))


if __name__ == "__main__":
    main()
