"""Enlarges a photo in overlapping tiles that fade into each other, so that neither memory nor seams grow with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image
from lianpu.engines.restore.engine import FloatImage, Upscaler

OnShare = Callable[[float], None]
"""Told how much is done, 0…1, after each tile; raises to stop the work."""

# Windows of attention networks are 8 or 16 pixels; strided ones halve up to four times.
_MULTIPLE_PX = 16
# The outermost pixels of a tile saw an edge that is not there: they get no weight at all.
_BLANK_SHARE = 0.2
_EDGE_PX = 16


@dataclass(frozen=True, slots=True)
class TiledAxis:
    """How one axis of a photo is cut: tiles of `side`, each `side - overlap` after the one before."""

    length: int
    side: int
    overlap: int
    count: int

    @property
    def starts(self) -> tuple[int, ...]:
        """First pixel of each tile; the first begins before the photo, the last ends after it."""
        return tuple(place * (self.side - self.overlap) - self.overlap // 2 for place in range(self.count))


def tile_axis(length: int, upscaler: Upscaler) -> TiledAxis:
    """As few tiles as will do, and these no larger than they have to be."""
    most, overlap = upscaler.tile_px, upscaler.overlap_px
    if length <= most:
        # There is no neighbour to fade into: what is mirrored beyond the edges is for them alone.
        overlap = min(_EDGE_PX, most - length)
        side = most if upscaler.has_fixed_tiles else min(most, _rounded_up(length + overlap))
        return TiledAxis(length, side, overlap, 1)
    count = max(1, -(-length // (most - overlap)))
    side = most
    if not upscaler.has_fixed_tiles:
        side = -(-length // count) + overlap
        side = min(most, _rounded_up(side))
        count = max(1, -(-length // (side - overlap)))
    return TiledAxis(length, side, overlap, count)


def _rounded_up(length: int) -> int:
    return -(-length // _MULTIPLE_PX) * _MULTIPLE_PX


def tile_pixels(width: int, height: int, upscaler: Upscaler) -> int:
    """Pixels of all tiles of a photo together: what the network has to work on."""
    across, down = tile_axis(width, upscaler), tile_axis(height, upscaler)
    return across.count * across.side * down.count * down.side


def native_scale(upscaler: Upscaler, scale: int) -> int:
    """The scale of the network that is run for a wanted one: the least that is enough, else the greatest there is."""
    enough = [native for native in upscaler.scales if native >= scale]
    return min(enough) if enough else max(upscaler.scales)


def enlarge(image: Image, scale: int, upscaler: Upscaler, on_share: OnShare) -> Image:
    """[H, W, 3] uint8 RGB to [H·scale, W·scale, 3], all tiles through the network.

    Where it has none of that scale, each tile is enlarged more and reduced by area, or less and brought to the size by
    Lanczos. Beyond its edges the photo is seen mirrored. Tiles fade into each other by a raised cosine, in a stripe as
    high as a tile; no other copy of the result is made.

    Raises:
        PackError, InferenceFailedError: the network does not run; or what `on_share` raises.
    """
    height, width = image.shape[:2]
    across, down = tile_axis(width, upscaler), tile_axis(height, upscaler)
    native = native_scale(upscaler, scale)
    result = np.empty((height * scale, width * scale, 3), np.uint8)
    stripe = np.zeros((down.side * scale, width * scale, 3), np.float32)
    done, total = 0, across.count * down.count
    for row, top in enumerate(down.starts):
        fade_down = _fade(down, row, scale)
        for column, left in enumerate(across.starts):
            tile = image[np.ix_(_mirrored(top, down), _mirrored(left, across))]
            pixels = _resized(upscaler.enlarge(tile, native), down.side * scale, across.side * scale)
            fade = fade_down[:, None] * _fade(across, column, scale)[None, :]
            begin, end = max(0, left * scale), min(width * scale, (left + across.side) * scale)
            inside = slice(begin - left * scale, end - left * scale)
            stripe[:, begin:end] += pixels[:, inside] * fade[:, inside, None]
            done += 1
            on_share(done / total)
        _flush(
            stripe,
            result,
            top * scale,
            finished=stripe.shape[0] - (down.overlap * scale if row + 1 < down.count else 0),
        )
    return result


def _flush(stripe: FloatImage, result: Image, top: int, *, finished: int) -> None:
    """Move the rows that no further tile adds to into the result, and the others to the stripe's beginning."""
    begin, end = max(0, top), min(result.shape[0], top + finished)
    if begin < end:
        rows = stripe[begin - top : end - top]
        result[begin:end] = np.clip(np.rint(rows), 0, 255)
    kept = stripe.shape[0] - finished
    stripe[:kept] = stripe[finished:].copy()
    stripe[kept:] = 0


def _fade(axis: TiledAxis, place: int, scale: int) -> NDArray[np.float32]:
    """Weights of a tile along one axis; with those of its neighbours they are 1 everywhere inside the photo."""
    weights = np.ones(axis.side * scale, np.float32)
    size = axis.overlap * scale
    blank = _BLANK_SHARE * size
    share = np.clip((np.arange(size) + 0.5 - blank) / (size - 2 * blank), 0, 1)
    rise = (0.5 - 0.5 * np.cos(np.pi * share)).astype(np.float32)
    if place > 0:
        weights[:size] = rise
    if place + 1 < axis.count:
        weights[-size:] = 1 - rise
    return weights


def _mirrored(start: int, axis: TiledAxis) -> NDArray[np.intp]:
    """Indices of a tile's pixels; beyond the edges the photo is mirrored, as often as it takes."""
    places = np.arange(start, start + axis.side)
    period = max(1, 2 * (axis.length - 1))
    places = np.abs(places) % period
    return np.minimum(places, period - places) if axis.length > 1 else np.zeros_like(places)


def _resized(pixels: FloatImage, height: int, width: int) -> FloatImage:
    if pixels.shape[:2] == (height, width):
        return pixels
    method = cv2.INTER_AREA if height < pixels.shape[0] else cv2.INTER_LANCZOS4
    resized = cast(FloatImage, cv2.resize(pixels, (width, height), interpolation=method))
    return np.clip(resized, 0, 255)


def interpolate(image: Image, scale: int) -> Image:
    """[H, W, 3] uint8 RGB to [H·scale, W·scale, 3] by Lanczos, without a network."""
    if scale == 1:
        return image.copy()
    height, width = image.shape[:2]
    return cast(Image, cv2.resize(image, (width * scale, height * scale), interpolation=cv2.INTER_LANCZOS4))


def stripes(length: int, most: int) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) row of stripes of at most so many rows."""
    for start in range(0, length, most):
        yield start, min(length, start + most)
