"""Lays a restored face onto the enlarged photo, as much of it as wanted, stripe by stripe inside its surroundings."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image
from lianpu.engines.restore.engine import FloatImage
from lianpu.engines.restore.faces import FacePlace, Matrix, chained, inverted, scaling
from lianpu.engines.restore.tiling import stripes

_STRIPE_ROWS = 256
# warpAffine looks at a few pixels around a place and no further: what shrinks more than this is averaged first.
_SHRINKS = 0.75


@dataclass(frozen=True, slots=True)
class RestoredFace:
    """A face as a restorer gave it."""

    pixels: Image
    to_photo: Matrix
    """From its pixels to those of the original photo."""


@dataclass(frozen=True, slots=True)
class FaceBlend:
    """The three pictures of one face's surroundings, on one grid."""

    result: FloatImage
    """The enlarged photo as it is."""
    original: FloatImage
    """The original, enlarged without a network."""
    restored: FloatImage
    mask: NDArray[np.float32]
    """[h, w, 1], 0…1."""

    def at(self, alpha: float) -> FloatImage:
        """Outside the mask the result; inside, `alpha` of the restored face and the rest of the original."""
        face = self.original if alpha <= 0 else self.original + (self.restored - self.original) * np.float32(alpha)
        return cast(FloatImage, self.result + (face - self.result) * self.mask)


def blend_of(
    photo: Image,
    result: Image,
    scale: int,
    place: FacePlace,
    restored: RestoredFace | None,
    mask: NDArray[np.float32],
    factor: float,
) -> FaceBlend:
    """The surroundings of a face at `factor` times the original's size, to look at before anything is changed.

    Args:
        photo: the original, [H, W, 3] uint8 RGB.
        result: the enlarged photo, `scale` times as wide and high.
        restored: None: what the result shows.
        mask: [512, 512] on the FFHQ crop.
    """
    x1, y1, x2, y2 = place.roi
    size = (max(2, round((x2 - x1) * factor)), max(2, round((y2 - y1) * factor)))
    grid = scaling(factor, x1, y1)
    cut = result[y1 * scale : y2 * scale, x1 * scale : x2 * scale]
    shown = render(cut, scaling(factor / scale), size)
    return FaceBlend(
        result=shown,
        original=render(photo[y1:y2, x1:x2], scaling(factor), size),
        restored=shown if restored is None else render(restored.pixels, chained(restored.to_photo, grid), size),
        mask=render_mask(mask, chained(inverted(place.to_ffhq), grid), size),
    )


def lay_on(
    photo: Image,
    result: Image,
    scale: int,
    place: FacePlace,
    restored: RestoredFace | None,
    mask: NDArray[np.float32],
    alpha: float,
) -> None:
    """Write a face into the enlarged photo, in place; arguments as `blend_of`.

    Only the face's surroundings are touched, and only a stripe of them is held at once.
    """
    x1, y1, x2, y2 = place.roi
    width = (x2 - x1) * scale
    cut = photo[y1:y2, x1:x2]
    for start, end in stripes((y2 - y1) * scale, _STRIPE_ROWS):
        size = (width, end - start)
        down = np.array([[1, 0, 0], [0, 1, -start]], np.float64)
        grid = chained(scaling(scale, x1, y1), down)
        rows = result[y1 * scale + start : y1 * scale + end, x1 * scale : x2 * scale]
        weights = render_mask(mask, chained(inverted(place.to_ffhq), grid), size)
        if not weights.any():
            continue
        shown = rows.astype(np.float32)
        blend = FaceBlend(
            result=shown,
            original=render(cut, chained(scaling(scale), down), size),
            restored=shown if restored is None else render(restored.pixels, chained(restored.to_photo, grid), size),
            mask=weights,
        )
        rows[:] = np.clip(np.rint(blend.at(alpha)), 0, 255)


def render(image: Image, matrix: Matrix, size: tuple[int, int]) -> FloatImage:
    """An image as a matrix brings it onto a grid of (width, height): [h, w, 3] float32, 0…255; edges are repeated."""
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink < _SHRINKS:
        height, width = image.shape[:2]
        smaller = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        image = cast(Image, cv2.resize(image, smaller, interpolation=cv2.INTER_AREA))
        across, down = smaller[0] / width, smaller[1] / height
        # Back from the smaller picture first; the two factors differ by the rounding.
        back = np.array([[1 / across, 0, (1 / across - 1) / 2], [0, 1 / down, (1 / down - 1) / 2]])
        matrix = chained(back, matrix)
    warped = cv2.warpAffine(
        image.astype(np.float32), matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.clip(cast(FloatImage, warped), 0, 255)


def render_mask(mask: NDArray[np.float32], matrix: Matrix, size: tuple[int, int]) -> NDArray[np.float32]:
    """A mask as a matrix brings it onto a grid of (width, height): [h, w, 1] float32; nothing beyond its edges."""
    warped = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return cast(NDArray[np.float32], warped)[..., None]
