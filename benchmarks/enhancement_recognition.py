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
import hashlib
import io
import os
import tempfile
import time
import zipfile
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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
from lianpu.runtime.session import Session
from lianpu.runtime.sessions import Sessions

FAR = 1e-3
ENGINES = ("none+lanczos", "none+realesrgan-compact", "realesrgan-x4plus+lanczos")
Image = NDArray[np.uint8]
Vector = NDArray[np.float32]
REMEMBERED = 16


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
    parser.add_argument("--time-budget", type=float, help="seconds of a photo; else as the server does by default")
    parser.add_argument("--degradations", nargs="+", default=list(DEGRADATIONS), choices=list(DEGRADATIONS))
    arguments = parser.parse_args()
    exact = OnnxSessionFactory(["cpu"])
    sessions = Remembering(Sessions(exact))
    registry = PackRegistry(arguments.home / "packs", arguments.home / "cache" / "packs", exact)
    analyzer = recogniser(arguments.pack, registry, sessions, arguments.kit)
    enhancer = PackPhotoEnhancer(registry, sessions, lambda: analyzer)
    begun = time.perf_counter()
    people = identities(arguments.kit / "images" / "lfw_view2.zip", arguments.identities)
    enrolled = [embedded(analyzer, first) for first, _ in people]
    clean = rate(enrolled, [embedded(analyzer, second) for _, second in people])
    label = f"{analyzer.pack_name}@{analyzer.pack_version}"
    print(f"{len(people)} identities of LFW, recogniser {label}; recognised at FAR {FAR:g}: {clean:.1%} undegraded.\n")
    print("| degradation | engines | preserve_identity | recognised | kept / lost / not measurable | mean share |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in arguments.degradations:
        level, degrade = DEGRADATIONS[name]
        probes = [degrade(second) for _, second in people]
        before = rate(enrolled, [embedded(analyzer, probe) for probe in probes])
        print(f"| {name} | not enhanced | | {before:.1%} | | |", flush=True)
        for engines in arguments.engines:
            restorer, _, upscaler = engines.partition("+")
            options = EnhancementOptions(
                level=level,
                output_format=OutputFormat.PNG,
                restorer=restorer,
                upscaler=upscaler,
                time_budget_s=arguments.time_budget,
            )
            rows = measured(enhancer, analyzer, probes, options, enrolled)
            for preserves, row in rows.items():
                print(f"| {name} | {engines} | {'yes' if preserves else 'no'} | {row}", flush=True)
    print(f"\n{time.perf_counter() - begun:.0f} s in all")


@dataclass
class Enhanced:
    """What became of the probes under one setting of `preserve_identity`."""

    vectors: list[Vector | None] = field(default_factory=list)
    counts: Counter[IdentityStatus] = field(default_factory=Counter)
    shares: list[float] = field(default_factory=list)

    def row(self, enrolled: list[Vector | None]) -> str:
        faces = " / ".join(str(self.counts[status]) for status in IdentityStatus)
        share = np.mean(self.shares) if self.shares else 0
        return f"{rate(enrolled, self.vectors):.1%} | {faces} | {share:.2f} |"


def measured(
    enhancer: PackPhotoEnhancer,
    analyzer: FaceAnalyzer,
    probes: list[Image],
    options: EnhancementOptions,
    enrolled: list[Vector | None],
) -> dict[bool, str]:
    """With `preserve_identity` and without it, probe by probe: the networks run once for both."""
    found = {True: Enhanced(), False: Enhanced()}
    for probe in probes:
        for preserves, enhanced in found.items():
            wanted = replace(options, preserve_identity=preserves)
            photo = enhancer.enhance(encode_png(probe), wanted, lambda *_: None, lambda: False)
            enhanced.vectors.append(embedded(analyzer, decode_image(bytes(photo.data)).pixels))
            for face in photo.report.faces[:1]:
                enhanced.counts[face.identity.status] += 1
                enhanced.shares.append(face.identity.restored_share)
    return {preserves: enhanced.row(enrolled) for preserves, enhanced in found.items()}


class Remembering:
    """A session factory whose sessions remember the answers of one photo."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def open(self, model: Path, *, may_round: bool = False) -> Session:
        session = self._sessions.open(model, may_round=may_round)
        run, answers = session.run, OrderedDict[bytes, list[NDArray[np.float32]]]()

        def once(feeds: Mapping[str, NDArray[np.generic]]) -> list[NDArray[np.float32]]:
            key = hashlib.sha256(b"".join(value.tobytes() for value in feeds.values())).digest()
            if key not in answers:
                answers[key] = run(feeds)
            while len(answers) > REMEMBERED:
                answers.popitem(last=False)
            return answers[key]

        session.run = once  # type: ignore[method-assign]
        return session


def recogniser(name: str, registry: PackRegistry, sessions: Remembering, kit: Path) -> FaceAnalyzer:
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
