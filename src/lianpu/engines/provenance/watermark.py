"""An id of 64 bits hidden in the pixels: read back after JPEG, another size and a crop, without the original.

A square pattern is laid over the picture again and again, as wide as a quarter of the picture's shorter side. It is
made of waves of middle length, each of which carries a sign; a quarter of them always the same ones, by which a reader
finds the pattern's size (a search over sizes) and place (one correlation). All tiles are added up before anything is
read, so that every part of the picture tells the whole id. Where the picture is lively the waves are stronger, since
they are not seen there. Spread spectrum: Cox et al. 1997; tiled patterns for finding size and place: Kutter 1998.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Image
from lianpu.engines.provenance.error_correction import CODE_BITS, decode, encode

SIDE_PX = 512
"""Pictures are looked at with their shorter side this long."""
TILE_PX = 128
SHORTEST_SIDE_PX = 160
"""Smaller pictures have no room for the waves."""
_RADII = (4.0, 22.0)
"""Waves a tile: those that JPEG keeps and eyes do not see."""
_SYNC_SHARE = 0.25
_GAINS = (0.5, 0.65, 0.85, 1.1, 1.45, 1.9)
_SCALES = tuple(np.exp(np.arange(-34, 41) * 0.0085).tolist())
"""Sizes of the tile that are tried first: a crop makes it larger than thought, a border smaller."""
_HALVED_PX = 100
"""Below, half the size holds too little of the waves whatever their strength."""
_THUMBNAIL_PX = 200
_SYNC_LEAST = 6.5
"""Standard deviations by which the right place stands out."""
_FloatImage = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    mark: int
    scale: float
    """Of the tile, against what the picture's size lets expect: 1 unless it was cropped or got a border."""
    sureness: float
    """Standard deviations by which the pattern stands out."""


def embed(picture: Image, mark: int) -> tuple[Image, bool]:
    """A copy that carries the mark, as weakly as still survives JPEG at 70 and half the size, and whether it does.

    It does not where there is nothing to hide in: in a picture that is wholly black or white.

    Args:
        picture: [H, W, 3] uint8 RGB.
        mark: 0 … 2^64 - 1.

    Raises:
        ValueError: the shorter side has less than `SHORTEST_SIDE_PX`.
    """
    if min(picture.shape[:2]) < SHORTEST_SIDE_PX:
        raise ValueError(f"a picture of {picture.shape[1]}x{picture.shape[0]} has no room for a watermark")
    wave = _wave(picture, mark)
    marked = picture
    for gain in _GAINS:
        marked = _added(picture, wave * gain)
        if all(_is_read(worn, mark) for worn in _worn(marked)):
            return marked, True
    return marked, False


class FrameMark:
    """The same for every frame of one video: always equally strong, since a reader adds frames up."""

    def __init__(self, mark: int, gain: float = 1.0) -> None:
        self._mark = mark
        self._gain = gain

    def embed(self, frame: Image) -> Image:
        """A copy with the mark; the frame itself where it is too small for one. [H, W, 3] uint8 RGB."""
        if min(frame.shape[:2]) < SHORTEST_SIDE_PX:
            return frame
        return _added(frame, _wave(frame, self._mark) * self._gain)


def read(pictures: Sequence[Image]) -> Reading | None:
    """The id in a picture, or in some frames of one video, which are read together; None: there is none.

    Args:
        pictures: [H, W, 3] uint8 RGB, all of one size.
    """
    if not pictures or min(pictures[0].shape[:2]) < SHORTEST_SIDE_PX // 3:
        return None
    flats = [_flattened(_luma(picture, SIDE_PX)) for picture in pictures]
    first = sorted(((_sync(_folded(flats, scale)), scale) for scale in _SCALES), reverse=True)[:3]
    for found, near in first:
        fine = [near * math.exp(step * 0.0017) for step in range(-3, 4)] if found[0] > _SYNC_LEAST - 2 else [near]
        candidates = sorted(((_sync(_folded(flats, scale)), scale) for scale in fine), reverse=True)[:3]
        for (sureness, shift), scale in candidates:
            if sureness < _SYNC_LEAST:
                continue
            mark = decode(_soft(_folded(flats, scale), shift))
            if mark is not None:
                return Reading(mark, scale, sureness)
    return None


@dataclass(frozen=True, slots=True)
class _Carriers:
    """Places in the tile's spectrum: rows, columns, and of each whether its real or imaginary part counts."""

    sync_rows: NDArray[np.int64]
    sync_columns: NDArray[np.int64]
    sync_values: NDArray[np.complex128]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    is_imaginary: NDArray[np.bool_]
    bits: NDArray[np.int64]
    signs: NDArray[np.float32]


@cache
def _carriers() -> _Carriers:
    """Ordered by a digest, so that every version of every library agrees."""
    half = TILE_PX // 2
    waves = [
        (_order(v, u, 0), v, u)
        for v in range(-half + 1, half)
        for u in range(half)
        if (u > 0 or v > 0) and _RADII[0] <= math.hypot(u, v) <= _RADII[1]
    ]
    waves.sort()
    count = round(_SYNC_SHARE * len(waves))
    sync, data = waves[:count], waves[count:]
    # Its own scatter of phases: waves that all begin together would make one visible dot.
    phases = np.array([order[1] for order, _, _ in sync]) * (2 * np.pi / 256)
    parts = sorted((_order(v, u, 1 + part), v, u, part) for _, v, u in data for part in (0, 1))
    return _Carriers(
        np.array([v % TILE_PX for _, v, _ in sync]),
        np.array([u for _, _, u in sync]),
        np.exp(1j * phases),
        np.array([v % TILE_PX for _, v, _, _ in parts]),
        np.array([u for _, _, u, _ in parts]),
        np.array([part == 1 for _, _, _, part in parts]),
        np.arange(len(parts)) % CODE_BITS,
        np.array([1 - 2 * (order[2] & 1) for order, _, _, _ in parts], np.float32),
    )


def _order(v: int, u: int, part: int) -> bytes:
    return hashlib.sha256(f"lianpu watermark 1: {v} {u} {part}".encode()).digest()


@lru_cache(8)
def _tile(mark: int) -> _FloatImage:
    """[TILE_PX, TILE_PX] of mean 0 and standard deviation 1."""
    carriers = _carriers()
    spectrum = np.zeros((TILE_PX, TILE_PX), np.complex128)
    spectrum[carriers.sync_rows, carriers.sync_columns] = carriers.sync_values * math.sqrt(2)
    values = encode(mark)[carriers.bits] * carriers.signs
    np.add.at(spectrum, (carriers.rows, carriers.columns), np.where(carriers.is_imaginary, 1j, 1.0) * values)
    tile = np.fft.ifft2(spectrum).real
    return (tile / tile.std()).astype(np.float32)


def _wave(picture: Image, mark: int) -> _FloatImage:
    """What is added at gain 1, in grey levels: [h, w] in the size in which pictures are looked at."""
    luma = _luma(picture, SIDE_PX)
    height, width = luma.shape
    tile = _tile(mark)
    repeats = (-(-height // TILE_PX), -(-width // TILE_PX))
    pattern = np.tile(tile, repeats)[:height, :width]
    activity = cv2.GaussianBlur(_liveliness(luma)[1], (0, 0), 3)
    return (pattern * np.clip(0.42 * activity, 0.9, 5.0)).astype(np.float32)


def _added(picture: Image, wave: _FloatImage) -> Image:
    height, width = picture.shape[:2]
    method = cv2.INTER_AREA if height < wave.shape[0] else cv2.INTER_CUBIC
    grown = cast(_FloatImage, cv2.resize(wave, (width, height), interpolation=method))
    return np.clip(np.rint(picture + grown[..., None]), 0, 255).astype(np.uint8)


def _luma(picture: Image, side_px: int) -> _FloatImage:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    scale = side_px / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, size, interpolation=method), np.float32)


def _liveliness(luma: _FloatImage) -> tuple[_FloatImage, _FloatImage]:
    """What is finer than the longest waves, and how strong that is around each place."""
    fine = luma - np.asarray(cv2.GaussianBlur(luma, (0, 0), 6), np.float32)
    power = np.asarray(cv2.GaussianBlur(fine * fine, (0, 0), 6), np.float32)
    return fine, np.sqrt(power)


def _flattened(luma: _FloatImage) -> _FloatImage:
    """Lively places count no more than calm ones."""
    fine, activity = _liveliness(luma)
    return np.clip(fine / (activity + 2.0), -2.5, 2.5).astype(np.float32)


def _folded(flats: Iterable[_FloatImage], scale: float) -> NDArray[np.complex128]:
    """Spectrum of all tiles added up."""
    total = np.zeros((TILE_PX, TILE_PX), np.float64)
    for flat in flats:
        height, width = flat.shape
        if scale != 1:
            size = (max(1, round(width / scale)), max(1, round(height / scale)))
            flat = np.asarray(cv2.resize(flat, size, interpolation=cv2.INTER_LINEAR), np.float32)
            height, width = flat.shape
        rows, columns = -(-height // TILE_PX), -(-width // TILE_PX)
        padded = np.zeros((rows * TILE_PX, columns * TILE_PX), np.float32)
        padded[:height, :width] = flat
        total += padded.reshape(rows, TILE_PX, columns, TILE_PX).sum((0, 2))
    return np.fft.fft2(total)


def _sync(spectrum: NDArray[np.complex128]) -> tuple[float, tuple[int, int]]:
    """By how many standard deviations the best place stands out, and that place (rows, columns)."""
    carriers = _carriers()
    values = spectrum[carriers.sync_rows, carriers.sync_columns]
    product = np.zeros((TILE_PX, TILE_PX), np.complex128)
    product[carriers.sync_rows, carriers.sync_columns] = (
        values * np.conj(carriers.sync_values) / (np.abs(values) + 1e-9)
    )
    match = np.fft.ifft2(product).real
    place = int(np.argmax(match))
    return float(match.flat[place] / (match.std() + 1e-12)), (place // TILE_PX, place % TILE_PX)


def _soft(spectrum: NDArray[np.complex128], shift: tuple[int, int]) -> NDArray[np.float32]:
    carriers = _carriers()
    turn = np.exp(2j * np.pi * (carriers.rows * shift[0] + carriers.columns * shift[1]) / TILE_PX)
    values = spectrum[carriers.rows, carriers.columns] * turn
    # What the picture itself has of a wave drowns the sign it carries: strong waves count less.
    sizes = np.abs(values)
    even: NDArray[np.complex128] = values / (sizes + 0.5 * float(np.median(sizes)) + 1e-12)
    parts = np.where(carriers.is_imaginary, even.imag, even.real)
    return np.bincount(carriers.bits, weights=parts * carriers.signs, minlength=CODE_BITS).astype(np.float32)


def _worn(marked: Image) -> Iterable[Image]:
    """As it may be met later."""
    bgr = cast(Image, cv2.cvtColor(marked, cv2.COLOR_RGB2BGR))
    yield _jpeg(bgr, 70)
    half = (marked.shape[1] // 2, marked.shape[0] // 2)
    if min(half) < _HALVED_PX:
        return
    small = np.asarray(cv2.resize(bgr, half, interpolation=cv2.INTER_AREA), np.uint8)
    # A thumbnail that is compressed as well would ask for waves that can be seen.
    yield _jpeg(small, 80 if min(half) >= _THUMBNAIL_PX else 95)


def _jpeg(bgr: Image, quality: int) -> Image:
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)


def _is_read(picture: Image, mark: int) -> bool:
    spectrum = _folded([_flattened(_luma(picture, SIDE_PX))], 1.0)
    sureness, shift = _sync(spectrum)
    return sureness > _SYNC_LEAST + 2.5 and decode(_soft(spectrum, shift)) == mark
