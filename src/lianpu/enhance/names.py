"""Names of files that come in and go out: what a person called a photo, under which suffix it fits its content."""

import unicodedata
from collections.abc import Container, Mapping
from pathlib import PurePosixPath

from lianpu.engines.image_header import ImageFormat

NAME_MAX_CHARS = 200
FORMATS = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP)
"""Those that are taken."""
_SUFFIXES: Mapping[str, frozenset[str]] = {
    "image/jpeg": frozenset({".jpg", ".jpeg", ".jpe", ".jfif"}),
    "image/png": frozenset({".png"}),
    "image/webp": frozenset({".webp"}),
}
_IMAGE_SUFFIXES = frozenset[str]().union(*_SUFFIXES.values())


def shown_name(filename: str) -> str:
    """The last part of a path, of either kind, without characters that cannot be shown."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()
    return shown[-NAME_MAX_CHARS:] or "photo"


def output_name(name: str, media_type: str, suffix: str, taken: Container[str] = ()) -> str:
    """The same name, with another suffix only where the content is of another kind by now.

    Args:
        suffix: with its dot, of the content.
        taken: names that are used already; `a.png` beside `a.jpg` becomes `a.png.jpg`.
    """
    path = PurePosixPath(name)
    own = path.suffix.lower()
    if own in _SUFFIXES.get(media_type, frozenset()):
        wanted = name
    elif own in _IMAGE_SUFFIXES:
        wanted = str(path.with_suffix(suffix))
    else:
        wanted = f"{name}{suffix}"
    candidate, number = wanted, 1
    while candidate in taken:
        candidate = f"{name}{suffix}" if number == 1 else f"{name}-{number}{suffix}"
        number += 1
    return candidate
