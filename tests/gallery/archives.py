"""Archives made by hand, so that a test can put into a well-signed one whatever no export would write."""

import hashlib
import itertools
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.database.base import new_id
from lianpu.engines.image import encode_png
from lianpu.gallery.transfer.signing import SigningKey

Entries = dict[str, bytes]
Change = Callable[[Entries], None]
MOMENT = "2026-11-22T10:00:00+00:00"
QUALITY = {
    "overall": 0.5,
    "sharpness": 0.5,
    "size_px": 8.0,
    "yaw_degrees": None,
    "pitch_degrees": None,
    "roll_degrees": None,
    "exposure": 1.0,
    "detection_score": 0.9,
}


@dataclass(frozen=True)
class Pack:
    """Whose embeddings the archive holds."""

    name: str = "alpha"
    version: str = "1"
    dimension: int = 8
    weights: str = "0" * 64


@dataclass(frozen=True)
class Photo:
    person_id: str
    data: bytes
    format: str = "png"
    size: tuple[int, int] = (10, 12)
    box: tuple[float, float, float, float] = (1.0, 1.0, 9.0, 11.0)


def noise(persons: int = 3, images_each: int = 2) -> list[Photo]:
    rng = np.random.default_rng(1)
    return [
        Photo(f"p{number}", encode_png(rng.integers(0, 255, (12, 10, 3), dtype=np.uint8)))
        for number in range(persons)
        for _ in range(images_each)
    ]


def entries_of(key: SigningKey, photos: list[Photo] | None = None, pack: Pack = Pack()) -> Entries:
    """A whole gallery with these photos, ordered by person, and random embeddings."""
    people: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    embeddings: list[dict[str, Any]] = []
    entries: Entries = {}
    for person_id, group in itertools.groupby(noise() if photos is None else photos, key=lambda photo: photo.person_id):
        people.append(
            {
                "person_id": person_id,
                "name": f"人 {person_id}",
                "metadata": {"n": len(people)},
                "threshold": None,
                "created_at": MOMENT,
                "updated_at": MOMENT,
            }
        )
        for place, photo in enumerate(group):
            image_id = new_id()
            entries[f"images/{image_id}.{photo.format}"] = photo.data
            images.append(
                {
                    "image_id": image_id,
                    "person_id": person_id,
                    "sha256": hashlib.sha256(photo.data).hexdigest(),
                    "is_primary": place == 0,
                    "format": photo.format,
                    "width": photo.size[0],
                    "height": photo.size[1],
                    "size_bytes": len(photo.data),
                    "box": photo.box,
                    "quality": QUALITY,
                    "liveness": None,
                    "uploaded_at": MOMENT,
                }
            )
            embeddings.append({"embedding_id": new_id(), "image_id": image_id, "threshold": None, "created_at": MOMENT})
    count = {"embeddings": len(embeddings)}
    manifest = {
        "format": "lianpu-gallery",
        "format_version": 1,
        "product_version": "0.1.0",
        "created_at": MOMENT,
        "gallery_id": key.fingerprint,
        "has_images": True,
        "has_embeddings": True,
        "persons": len(people),
        "images": len(images),
        **count,
        "left_out": 0,
        "packs": [{**asdict(pack), "metric": "cosine", **count}],
    }
    vectors = np.random.default_rng(2).normal(size=(len(embeddings), pack.dimension)).astype("<f4")
    return {
        **entries,
        "persons.jsonl": _lines(people),
        "images.jsonl": _lines(images),
        f"embeddings/{pack.name}@{pack.version}.jsonl": _lines(embeddings),
        f"embeddings/{pack.name}@{pack.version}.f32": vectors.tobytes(),
        "manifest.json": json.dumps(manifest).encode(),
    }


def write_archive(path: Path, key: SigningKey, entries: Entries, *, compression: int = zipfile.ZIP_STORED) -> Path:
    """With right checksums, unless the entries have their own, and a good signature."""
    if "checksums.sha256" not in entries:
        lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in entries.items()]
        entries = {**entries, "checksums.sha256": "".join(lines).encode()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=compression)
        archive.comment = key.comment_placeholder()
    key.sign(path)
    return path


def in_json(name: str, change: Callable[[Any], None]) -> Change:
    """Changes the manifest, or the first line of a file of lines."""

    def apply(entries: Entries) -> None:
        first, _, rest = entries[name].partition(b"\n") if name.endswith("l") else (entries[name], b"", b"")
        content = json.loads(first)
        change(content)
        entries[name] = json.dumps(content).encode() + (b"\n" + rest if name.endswith("l") else b"")

    return apply


def with_value(name: str, /, **values: Any) -> Change:
    return in_json(name, lambda content: content.update(values))


def renamed(prefix: str, name: str) -> Change:
    def apply(entries: Entries) -> None:
        old = next(entry for entry in entries if entry.startswith(prefix))
        entries[name] = entries.pop(old)

    return apply


def with_number(number: float) -> Change:
    """The first number of the first vector."""

    def apply(entries: Entries) -> None:
        entries["embeddings/alpha@1.f32"] = struct.pack("<f", number) + entries["embeddings/alpha@1.f32"][4:]

    return apply


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
