"""Which labels of a swapped photo survive what: each label after each change, over many photos.

`.venv/bin/python benchmarks/provenance_survival.py [--photos FOLDER] [--count N] [--json FILE]`

Photos: those of the development packages scikit-image and insightface, and any folder named. Each is labelled as a
swap is (JPEG), changed, and read back by the verifier; a label counts as survived when it is read and, for the hidden
id, is the right one. Also printed: how far the hidden id changes the picture (PSNR), and ids read from photos that have
none.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.engines.image import ImageFormat, ImageLimits, decode_image, encode_jpeg, encode_photo, encode_png
from lianpu.engines.provenance.labelling import Labeller, Photo
from lianpu.engines.provenance.manifest import ManifestSigner
from lianpu.engines.provenance.origin import DigitalSource, LabelKind, Origin
from lianpu.engines.provenance.signing_key import make_credentials
from lianpu.engines.provenance.verification import Verifier
from lianpu.engines.provenance.watermark import SHORTEST_SIDE_PX, embed
from lianpu.errors import LianpuError

KINDS = (LabelKind.VISIBLE, LabelKind.XMP, LabelKind.AIGC, LabelKind.C2PA, LabelKind.WATERMARK)


def resized(pixels: Any, share: float) -> Any:
    method = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=share, fy=share, interpolation=method), np.uint8)


def cropped(pixels: Any, top: float, left: float) -> Any:
    """Nine tenths each way; `top` and `left`: how much of the tenth goes there."""
    height, width = pixels.shape[:2]
    y, x = round(0.1 * top * height), round(0.1 * left * width)
    return np.ascontiguousarray(pixels[y : y + round(0.9 * height), x : x + round(0.9 * width)])


def tampered(pixels: Any) -> bytes:
    """A patch of a tenth of each side is painted over, and the picture saved as a photo editor would."""
    changed = pixels.copy()
    height, width = changed.shape[:2]
    changed[height // 3 : height // 3 + height // 10, width // 3 : width // 3 + width // 10] = (200, 40, 40)
    return encode_jpeg(changed, 92)


def flipped_bit(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 0x01
    return bytes(changed)


def screenshot(pixels: Any) -> bytes:
    """Shown a little smaller on a grey page, taken with the page, saved as PNG."""
    shown = resized(pixels, 0.85)
    height, width = shown.shape[:2]
    page = np.full((height + round(0.06 * height), width + round(0.08 * width), 3), 236, np.uint8)
    top, left = (page.shape[0] - height) // 2, (page.shape[1] - width) // 2
    page[top : top + height, left : left + width] = shown
    return encode_png(page)


OF_THE_FILE: dict[str, Callable[[bytes], bytes]] = {
    "untouched": lambda data: data,
    "one bit of the file flipped": lambda data: flipped_bit(data),
}
OF_THE_PICTURE: dict[str, Callable[[Any], bytes]] = {
    "saved anew, JPEG 85": lambda pixels: encode_jpeg(pixels, 85),
    "saved anew, JPEG 70": lambda pixels: encode_jpeg(pixels, 70),
    "saved anew, JPEG 50": lambda pixels: encode_jpeg(pixels, 50),
    "saved anew, PNG": lambda pixels: encode_png(pixels),
    "saved anew, WebP 80": lambda pixels: encode_photo(pixels, ImageFormat.WEBP, 80),
    "half the size, JPEG 85": lambda pixels: encode_jpeg(resized(pixels, 0.5), 85),
    "half the size, PNG": lambda pixels: encode_png(resized(pixels, 0.5)),
    "1.5 times the size, JPEG 85": lambda pixels: encode_jpeg(resized(pixels, 1.5), 85),
    "cropped by 10 % at the top left, JPEG 85": lambda pixels: encode_jpeg(cropped(pixels, 1, 1), 85),
    "cropped by 10 % all around, JPEG 85": lambda pixels: encode_jpeg(cropped(pixels, 0.5, 0.5), 85),
    "cropped by 10 % at the bottom right, JPEG 85": lambda pixels: encode_jpeg(cropped(pixels, 0, 0), 85),
    "like a screenshot, PNG": lambda pixels: screenshot(pixels),
    "pixels tampered with, JPEG 92": lambda pixels: tampered(pixels),
    "turned by 2 degrees, JPEG 85": lambda pixels: encode_jpeg(_turned(pixels, 2.0), 85),
    "mirrored, JPEG 85": lambda pixels: encode_jpeg(np.ascontiguousarray(pixels[:, ::-1]), 85),
}
CHANGES = (*OF_THE_FILE, *OF_THE_PICTURE)


def _turned(pixels: Any, degrees: float) -> Any:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def photos(folder: Path | None, count: int) -> list[tuple[str, Any]]:
    places = [("skimage", "data", ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg"))]
    places.append(("insightface", "data/images", ("t1.jpg",)))
    files: list[Path] = []
    for package, inside, names in places:
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            files += [Path(found.origin).parent / inside / name for name in names]
    if folder is not None:
        suffixes = {".jpg", ".jpeg", ".png", ".webp"}
        files += sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    chosen: list[tuple[str, Any]] = []
    for file in files:
        try:
            pixels = decode_image(file.read_bytes()).pixels
        except (LianpuError, OSError):
            continue
        if min(pixels.shape[:2]) >= SHORTEST_SIDE_PX:
            chosen.append((file.name, pixels))
        if len(chosen) == count:
            break
    return chosen


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--photos", type=Path)
    arguments.add_argument("--count", type=int, default=40)
    arguments.add_argument("--json", type=Path)
    asked = arguments.parse_args()
    chosen = photos(asked.photos, asked.count)
    credentials = make_credentials("benchmark", datetime.now(UTC))
    labeller = Labeller(lambda: ManifestSigner(credentials), _no_video)
    survived = {name: dict.fromkeys(KINDS, 0) for name in CHANGES}
    conclusions: dict[str, dict[str, int]] = {name: {} for name in CHANGES}
    false_ids, wrong_ids, psnr_db = 0, 0, list[float]()
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "file"
        verifier = Verifier(credentials.anchor, ImageLimits())
        for number, (name, plain) in enumerate(chosen):
            print(f"{number + 1}/{len(chosen)} {name} {plain.shape[1]}x{plain.shape[0]}", file=sys.stderr)
            origin = Origin(DigitalSource.SWAP, 0x1234_5678_0000_0000 + number, "Lianpu", "benchmark", "1")
            target = Path(work) / f"{number}.jpg"
            labeller.label(Photo(plain, ImageFormat.JPEG), target, origin, visible=True)
            data = target.read_bytes()
            pixels = decode_image(data).pixels
            marked, _ = embed(plain, origin.mark)
            psnr_db.append(float(10 * np.log10(255**2 / np.mean((marked.astype(float) - plain) ** 2))))
            for change in CHANGES:
                of_file = OF_THE_FILE.get(change)
                path.write_bytes(OF_THE_PICTURE[change](pixels) if of_file is None else of_file(data))
                report = verifier.verify(path)
                wrong_ids += report.watermark is not None and report.watermark.mark != origin.mark
                for kind in report.survived:
                    survived[change][kind] += 1
                seen = conclusions[change]
                seen[report.conclusion.value] = seen.get(report.conclusion.value, 0) + 1
            path.write_bytes(encode_png(plain))
            false_ids += verifier.verify(path).watermark is not None
            target.unlink()
    total = len(chosen)
    print(
        f"{total} photos, shorter side {min(min(p.shape[:2]) for _, p in chosen)}…"
        f"{max(min(p.shape[:2]) for _, p in chosen)} px"
    )
    print(f"PSNR of the hidden id: median {np.median(psnr_db):.1f} dB, least {min(psnr_db):.1f} dB")
    print(f"ids read from photos without one: {false_ids}; wrong ids: {wrong_ids}")
    print("\n| change | " + " | ".join(kind.value for kind in KINDS) + " | verdict |")
    print("|---|" + "---|" * (len(KINDS) + 1))
    for change, counts in survived.items():
        verdict = ", ".join(f"{word} {count}" for word, count in conclusions[change].items())
        print(f"| {change} | " + " | ".join(f"{counts[kind]}/{total}" for kind in KINDS) + f" | {verdict} |")
    if asked.json is not None:
        asked.json.write_text(json.dumps({"photos": total, "survived": survived}, indent=2))


def _no_video(*_: object) -> None:
    raise AssertionError("photos alone")


if __name__ == "__main__":
    main()
