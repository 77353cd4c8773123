"""A folder with a folder for each person, as uploads that enrol it: archives with a manifest, made while being sent."""

import asyncio
import json
import re
import tarfile
import unicodedata
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.gallery.identity import checked_name, checked_person_id, person_id_from

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
# What the API refuses in a name, for good reasons that do not hold for the user's own folder.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]|(?<=^[A-Za-z]):")
_TAR_END = bytes(1024)


class SharedIdError(ValueError):
    """Two folders would become one person."""


@dataclass(frozen=True, slots=True)
class Photo:
    person: str
    path: Path
    file: str
    """Its name in the upload."""
    size_bytes: int


def photos_of(folder: Path) -> list[Photo]:
    """Photos of all sub-folders in a stable order; what is hidden is left out.

    Raises:
        SharedIdError: names such as `a b` and `a_b` would silently become one person.
    """
    photos: dict[str, Photo] = {}
    for person in sorted(folder.iterdir()):
        if not person.is_dir() or person.name.startswith("."):
            continue
        for path in sorted(person.rglob("*")):
            parts = path.relative_to(folder).parts
            hidden = any(part.startswith(".") or part.lower() == "__macosx" for part in parts)
            if not hidden and path.suffix.lower() in PHOTO_SUFFIXES and path.is_file():
                file = unicodedata.normalize("NFC", _UNSAFE.sub("_", "/".join(parts)))
                while file in photos:
                    file = f"{file.removesuffix(path.suffix)}_{path.suffix}"
                photos[file] = Photo(person.name, path, file, path.stat().st_size)
    _refuse_shared_ids(photos.values())
    return list(photos.values())


def problem_of(photo: Photo, max_bytes: int) -> str | None:
    """Why the photo cannot be sent at all; None: nothing is known against it."""
    try:
        checked_name(photo.person)
        checked_person_id(person_id_from(photo.person))
    except ValueError as error:
        return f"the folder {photo.person!r} cannot be a person's name or id: it {error}"
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
    manifest: list[dict[str, str]] = []
    for photo in photos:
        try:
            data = await asyncio.to_thread(photo.path.read_bytes)
        except OSError as error:
            refused(photo, f"cannot be read: {error.strerror or error}")
            continue
        manifest.append({"file": photo.file, "person_id": person_id_from(photo.person), "name": photo.person})
        yield _member(photo.file, data)
    yield _member("manifest.json", json.dumps(manifest).encode()) + _TAR_END


def _member(name: str, data: bytes) -> bytes:
    header = tarfile.TarInfo(name)
    header.size = len(data)
    return header.tobuf(tarfile.GNU_FORMAT, "utf-8") + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def _refuse_shared_ids(photos: Iterable[Photo]) -> None:
    folders: dict[str, set[str]] = {}
    for photo in photos:
        folders.setdefault(person_id_from(photo.person), set()).add(unicodedata.normalize("NFC", photo.person))
    for person_id, names in folders.items():
        if len(names) > 1:
            shown = " and ".join(repr(name) for name in sorted(names))
            raise SharedIdError(f"{shown} would both get the id {person_id!r}: rename one of the folders")
