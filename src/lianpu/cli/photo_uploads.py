"""Photos of persons as uploads that enrol them: archives with a manifest, made while being sent."""

import asyncio
import json
import tarfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lianpu.gallery.identity import checked_name, checked_person_id, person_id_from

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
_TAR_END = bytes(1024)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo, and whose it is."""

    person: str
    """The person's name."""
    path: Path
    """Where it lies, or what it is called where it came from."""
    file: str
    """Its name in the upload."""
    size_bytes: int
    person_id: str | None = None
    """None: made of the name."""
    metadata: dict[str, Any] | None = None
    face_index: int | None = None
    data: bytes | None = None
    """None: it is read from its path when it is sent."""
    label: str = ""
    """How it is called when something is said of it; else by its path."""

    @property
    def id(self) -> str:
        return self.person_id or person_id_from(self.person)

    @property
    def shown(self) -> str:
        return self.label or str(self.path)

    @property
    def entry(self) -> dict[str, Any]:
        """In the manifest."""
        said = {"metadata": self.metadata or None, "face_index": self.face_index}
        entry = {"file": self.file, "person_id": self.id, "name": self.person}
        return entry | {name: value for name, value in said.items() if value is not None}

    def read(self) -> bytes:
        """Blocks. Raises OSError when it cannot be read."""
        return self.path.read_bytes() if self.data is None else self.data


def problem_of(photo: Photo, max_bytes: int) -> str | None:
    """Why the photo cannot be sent at all; None: nothing is known against it."""
    try:
        checked_name(photo.person)
        checked_person_id(photo.id)
    except ValueError as error:
        return f"{photo.person!r} cannot be a person's name or id: it {error}"
    if photo.size_bytes > max_bytes:
        return f"has {photo.size_bytes:,} bytes; at most {max_bytes:,} are taken"
    return None


def uploads_of(photos: Sequence[Photo], max_photos: int, max_bytes: int) -> Iterator[list[Photo]]:
    """The photos in portions that one request each may carry."""
    portion: list[Photo] = []
    size_bytes = 0
    for photo in photos:
        # Tar's header and padding, and the photo's entry in the manifest.
        photo_bytes = photo.size_bytes + 2048
        if portion and (len(portion) == max_photos or size_bytes + photo_bytes > max_bytes):
            yield portion
            portion, size_bytes = [], 0
        portion.append(photo)
        size_bytes += photo_bytes
    if portion:
        yield portion


async def packed(photos: Sequence[Photo], refused: Callable[[Photo, str], None]) -> AsyncGenerator[bytes]:
    """A tar archive of the photos, part by part; one that cannot be read is left out and told."""
    manifest: list[dict[str, Any]] = []
    for photo in photos:
        try:
            data = await asyncio.to_thread(photo.read)
        except OSError as error:
            refused(photo, f"cannot be read: {error.strerror or error}")
            continue
        manifest.append(photo.entry)
        yield _member(photo.file, data)
    yield _member("manifest.json", json.dumps(manifest).encode()) + _TAR_END


def _member(name: str, data: bytes) -> bytes:
    header = tarfile.TarInfo(name)
    header.size = len(data)
    return header.tobuf(tarfile.GNU_FORMAT, "utf-8") + data + bytes(-len(data) % tarfile.BLOCKSIZE)
