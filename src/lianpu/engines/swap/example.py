"""Two drawn faces, so that an engine can be tried where no photo of anybody is at hand."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image

# Detectors want a face to have something around it.
_DRAWN_PX, _SIDE_PX = 384, 576
_Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Looks:
    skin: _Colour
    hair: _Colour
    eyes: _Colour
    lips: _Colour
    background: _Colour
    mouth_width: float
    brow_drop: float


_SOURCE = _Looks((224, 178, 150), (50, 36, 28), (60, 40, 30), (175, 85, 85), (120, 130, 140), 36, 0)
_TARGET = _Looks((188, 140, 110), (96, 66, 38), (70, 110, 120), (150, 70, 70), (160, 150, 120), 29, 4)


def example_pair() -> tuple[Image, Image]:
    """Source and target, each [576, 576, 3] uint8 RGB with one face that detectors take for one."""
    return _drawn(_SOURCE, seed=1), _drawn(_TARGET, seed=2)


class _Canvas:
    def __init__(self, background: _Colour) -> None:
        self.y, self.x = np.mgrid[0:360, 0:360].astype(np.float32)
        self.pixels: NDArray[np.float32] = np.zeros((360, 360, 3), np.float32) + np.array(background, np.float32)

    def distance(self, x: float, y: float, across: float, down: float) -> NDArray[np.float32]:
        """1 on the rim of an ellipse, 0 in its middle."""
        return ((self.x - x) / across) ** 2 + ((self.y - y) / down) ** 2

    def spot(self, x: float, y: float, across: float, down: float, colour: _Colour, opacity: float = 1.0) -> None:
        share = np.clip(1.5 * (1 - self.distance(x, y, across, down)), 0, 1)[..., None] * opacity
        self.pixels = (self.pixels * (1 - share) + np.array(colour, np.float32) * share).astype(np.float32)


def _drawn(looks: _Looks, seed: int) -> Image:
    canvas = _Canvas(looks.background)
    face, hair = canvas.distance(180, 185, 105, 140), canvas.distance(180, 165, 122, 150)
    canvas.pixels[hair < 1] = looks.hair
    shade = (1 - 0.35 * np.clip(face, 0, 1))[..., None] * (1 - 0.15 * (canvas.x[..., None] - 180) / 105)
    skin = (face < 1) & ~((canvas.y < 95) & (hair < 1) & (face > 0.45))
    canvas.pixels = np.where(skin[..., None], np.array(looks.skin, np.float32) * shade, canvas.pixels)
    darker: _Colour = (looks.skin[0] * 0.76, looks.skin[1] * 0.68, looks.skin[2] * 0.66)
    lighter: _Colour = (min(255, looks.skin[0] * 1.08), looks.skin[1] * 1.12, looks.skin[2] * 1.15)
    for side in (-1, 1):
        _draw_eye(canvas, 180 + side * 45, looks, darker)
        canvas.spot(180 + side * 22, 212, 10, 12, darker, 0.4)
        canvas.spot(180 + side * 14, 218, 8, 5, (looks.skin[0] * 0.5, looks.skin[1] * 0.4, looks.skin[2] * 0.4), 0.8)
    canvas.spot(180, 190, 9, 35, lighter, 0.6)
    canvas.spot(180, 214, 16, 12, lighter, 0.5)
    canvas.spot(180, 252, looks.mouth_width, 9, looks.lips, 0.9)
    canvas.spot(180, 251, looks.mouth_width - 2, 2, (90, 35, 35), 0.9)
    canvas.spot(180, 264, looks.mouth_width - 10, 6, (min(255, looks.lips[0] + 25), looks.lips[1] + 25, 105), 0.7)
    canvas.spot(180, 280, 24, 6, darker, 0.4)
    soft = cast(NDArray[np.float32], cv2.GaussianBlur(canvas.pixels, (0, 0), 1.5))
    # A picture without any noise looks like no photo.
    noisy = soft + np.random.default_rng(seed).normal(0, 3, soft.shape)
    drawn = cv2.resize(np.clip(noisy, 0, 255).astype(np.uint8), (_DRAWN_PX, _DRAWN_PX), interpolation=cv2.INTER_CUBIC)
    picture = np.zeros((_SIDE_PX, _SIDE_PX, 3), np.uint8) + np.array(looks.background, np.uint8)
    margin = (_SIDE_PX - _DRAWN_PX) // 2
    picture[margin : margin + _DRAWN_PX, margin : margin + _DRAWN_PX] = drawn
    return picture


def _draw_eye(canvas: _Canvas, x: float, looks: _Looks, lid: _Colour) -> None:
    canvas.spot(x, 160, 34, 22, lid, 0.55)
    canvas.spot(x, 132 + looks.brow_drop, 32, 8, looks.hair, 0.9)
    canvas.spot(x, 162, 22, 9, (245, 240, 238))
    canvas.spot(x, 162, 9, 9, looks.eyes)
    canvas.spot(x, 162, 4, 4, (5, 5, 5))
    canvas.spot(x - 3, 159, 2, 2, (255, 255, 255))
    canvas.spot(x, 154, 23, 3, (50, 30, 25), 0.9)
