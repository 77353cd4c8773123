"""A folder with a folder for each person, as photos that can be enrolled."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from lianpu.cli.photo_uploads import PHOTO_SUFFIXES, Photo
from lianpu.gallery.identity import person_id_from

# What the API refuses in a name, for good reasons that do not hold for the user's own folder.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]|(?<=^[A-Za-z]):")


class SharedIdError(ValueError):
    """Two folders would become one person."""


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


def _refuse_shared_ids(photos: Iterable[Photo]) -> None:
    folders: dict[str, set[str]] = {}
    for photo in photos:
        folders.setdefault(person_id_from(photo.person), set()).add(unicodedata.normalize("NFC", photo.person))
    for person_id, names in folders.items():
        if len(names) > 1:
            shown = " and ".join(repr(name) for name in sorted(names))
            raise SharedIdError(f"{shown} would both get the id {person_id!r}: rename one of the folders")
