"""Names in any script as pictures of text: what no font at hand can show is never drawn as boxes or question marks.

Two ways of drawing: OpenCV's own font (Latin, Greek, Cyrillic, Chinese, Japanese, Korean; inside its wheel), and for
scripts that run from the right or join their letters a font of the system, shaped by Pillow (HarfBuzz and FriBiDi).
"""

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from fontTools.ttLib import TTFont, TTLibError  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

Mask = NDArray[np.uint8]
"""[height, width]: 255 where a letter is, 0 where none is."""

LABELS_KEPT = 512
_MISSING = "?"
# From Devanagari to Sinhala, Thai, Lao, Tibetan, Myanmar, Khmer, Mongolian: their letters join or stack.
_COMPLEX = ((0x0900, 0x0DFF), (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x18AF), (0x1A20, 0x1AAF), (0xA980, 0xA9DF))
_FONT_FOLDERS = {
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts"),
}
_FONT_FOLDERS_ELSEWHERE = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")


@dataclass(frozen=True, slots=True)
class _Font:
    path: Path
    number: int
    """Of the face in a collection."""
    characters: frozenset[int]


class Lettering:
    """For any number of threads."""

    def __init__(self, fonts: Iterable[Path] | None = None) -> None:
        """`fonts`: files to look into for what OpenCV's font lacks; None: this system's and matplotlib's."""
        self._font_files = None if fonts is None else tuple(fonts)
        self._drawn = lru_cache(LABELS_KEPT)(self._draw)
        self._font_for = lru_cache(LABELS_KEPT)(self._find_font)

    def mask(self, text: str, height_px: int) -> Mask | None:
        """The text on one line, about `height_px` high; None where it cannot be drawn as it should be. Read only."""
        return self._drawn(_one_line(text), max(8, height_px))

    def can_draw(self, text: str) -> bool:
        text = _one_line(text)
        return _is_plain(text) or self._font_for(text) is not None

    def _draw(self, text: str, height_px: int) -> Mask | None:
        if not text:
            return None
        if _is_plain(text):
            return _by_opencv(text, height_px)
        font = self._font_for(text)
        return None if font is None else _by_pillow(text, height_px, font)

    def _find_font(self, text: str) -> _Font | None:
        if not features.check("raqm"):  # without FriBiDi letters would stand in the wrong order, and unjoined
            return None
        wanted = frozenset(ord(char) for char in text if not char.isspace() and unicodedata.category(char) != "Cf")
        if not wanted:
            return None
        return next((font for font in self._fonts() if wanted <= font.characters), None)

    def _fonts(self) -> Sequence[_Font]:
        return _read_fonts(tuple(_system_fonts()) if self._font_files is None else self._font_files)


def _one_line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_plain(text: str) -> bool:
    """Whether OpenCV's font shows it right: it has every letter, and places them one after another."""
    return all(not _is_complex(char) and _in_opencv_font(char) for char in text)


def _is_complex(char: str) -> bool:
    code = ord(char)
    return (
        unicodedata.bidirectional(char) in {"R", "AL", "AN"}
        or unicodedata.category(char) in {"Mn", "Mc", "Me", "Cf", "Cc", "Cs", "Co", "Cn"}
        or any(first <= code <= last for first, last in _COMPLEX)
    )


@lru_cache(8192)
def _in_opencv_font(char: str) -> bool:
    if char.isspace() or char == _MISSING:
        return True
    # The font does not say what it has, but draws a question mark for what it lacks.
    return not np.array_equal(_by_opencv(char, 24), _by_opencv(_MISSING, 24))


def _by_opencv(text: str, height_px: int) -> Mask:
    font, weight = cv2.FontFace("uni"), 500
    size = round(0.8 * height_px)
    width = cv2.getTextSize((0, 0), text, (0, 0), font, size, weight)[2]
    canvas = np.zeros((height_px + size // 2, width + 2 * size, 3), np.uint8)
    cv2.putText(canvas, text, (size // 2, size), (255, 255, 255), font, size, weight)
    return _trimmed(np.ascontiguousarray(canvas[..., 0]))


def _by_pillow(text: str, height_px: int, font: _Font) -> Mask:
    letters = ImageFont.truetype(
        font.path, round(0.8 * height_px), index=font.number, layout_engine=ImageFont.Layout.RAQM
    )
    left, top, right, bottom = letters.getbbox(text)
    canvas = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(canvas).text((-left, -top), text, fill=255, font=letters)
    return _trimmed(np.asarray(canvas, dtype=np.uint8))


def _trimmed(mask: Mask) -> Mask:
    """Without empty columns at the sides and rows at top and bottom."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return mask[:1, :1]
    trimmed = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    trimmed.flags.writeable = False
    return trimmed


def _system_fonts() -> Iterable[Path]:
    """Upright faces of regular weight first, so that a name is not drawn bold or slanted by chance."""
    import matplotlib as mpl

    folders = [Path(mpl.get_data_path()) / "fonts" / "ttf"]
    folders += [Path(folder).expanduser() for folder in _FONT_FOLDERS.get(sys.platform, _FONT_FOLDERS_ELSEWHERE)]
    files = [file for folder in folders for file in sorted(folder.rglob("*.[tToO][tT][fFcC]"))]
    return sorted(files, key=lambda file: (_is_styled(file.stem), "serif" in file.stem.lower()))


def _is_styled(name: str) -> bool:
    return any(word in name.lower() for word in ("bold", "italic", "oblique", "light", "thin", "black", "mono"))


@lru_cache(4)
def _read_fonts(files: tuple[Path, ...]) -> Sequence[_Font]:
    fonts: list[_Font] = []
    for file in files:
        try:
            with file.open("rb") as opened, TTFont(opened, lazy=True, fontNumber=0) as font:
                fonts.append(_Font(file, 0, frozenset(font.getBestCmap() or ())))
        except (OSError, TTLibError, AssertionError, KeyError, ValueError):
            continue  # what cannot be read cannot draw
    return fonts
