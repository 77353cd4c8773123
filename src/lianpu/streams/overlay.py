"""What viewers see of a frame: a box and a name for each face, in a colour that says how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.lettering import Lettering, Mask

Picture = NDArray[np.uint8]
"""[height, width, 3], RGB."""
Colour = tuple[int, int, int]


class Tone(StrEnum):
    KNOWN = "known"
    UNKNOWN = "unknown"
    LOOKING = "looking"
    """Not recognised yet."""
    NOT_LIVE = "not_live"


COLOURS: dict[Tone, Colour] = {
    Tone.KNOWN: (38, 166, 91),
    Tone.UNKNOWN: (214, 132, 0),
    Tone.LOOKING: (150, 150, 150),
    Tone.NOT_LIVE: (200, 40, 40),
}
INK: Colour = (255, 255, 255)


class FrameTaker(Protocol):
    def put(self, picture: Picture, moment_s: float) -> None:
        """From any thread, without waiting; the picture is not written to any more."""
        ...


@dataclass(frozen=True, slots=True)
class Label:
    left: float
    top: float
    right: float
    bottom: float
    """The face's box in pixels of the frame."""
    tone: Tone
    text: str
    plain_text: str
    """Shown instead where no font has the letters of `text`."""


def draw(picture: Picture, labels: Sequence[Label], lettering: Lettering) -> Picture:
    """A copy with the labels; lines and letters grow with the picture."""
    canvas = picture.copy()
    stroke = max(1, round(min(canvas.shape[:2]) / 240))
    height_px = max(12, round(min(canvas.shape[:2]) / 22))
    for label in labels:
        colour = COLOURS[label.tone]
        corner, opposite = (round(label.left), round(label.top)), (round(label.right), round(label.bottom))
        cv2.rectangle(canvas, corner, opposite, colour, stroke, cv2.LINE_AA)
        mask = lettering.mask(label.text, height_px)
        if mask is None:
            mask = lettering.mask(label.plain_text, height_px)
        if mask is not None:
            _write(canvas, mask, corner, colour, stroke)
    return canvas


def _write(canvas: Picture, mask: Mask, corner: tuple[int, int], colour: Colour, stroke: int) -> None:
    """On a plate above the box; inside of it where there is no room above."""
    pad = 3 * stroke
    height, width = mask.shape[0] + 2 * pad, mask.shape[1] + 2 * pad
    left = max(0, min(corner[0] - stroke // 2, canvas.shape[1] - width))
    top = corner[1] - height if corner[1] >= height else max(0, corner[1])
    plate = canvas[top : top + height, left : left + width]
    if plate.shape[0] < height:
        return  # the box is below the picture
    plate[:] = colour
    inner = plate[pad : height - pad, pad : width - pad]
    shown = mask[:, : max(0, inner.shape[1]), None].astype(np.uint16)
    ink = np.array(INK, np.uint16)
    inner[:] = ((ink * shown + inner.astype(np.uint16) * (255 - shown)) // 255).astype(np.uint8)
