"""Face embedder `dlib-resnet`: 150x150 chips aligned by dlib's five points, 128-d, Euclidean metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Embeddings, Image, Landmarks, LandmarkScheme
from lianpu.errors import FaceNotFoundError, InvalidInputError
from lianpu.observability.stages import Stage, stage
from lianpu.runtime.session import Session

CHIP_PX = 150
PADDING = 0.25
"""Margin around the mean face on each side, in parts of its own size."""

# Where dlib's five points lie on the mean face, in parts of its size (get_face_chip_details).
_MEAN_FACE = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)
# The 5x5 filter of a halved image reaches this far from where a halved point says it lies (x, y).
_HALVING_SHIFT = np.array([1.25, 0.75])
_SMALLEST_HALVED_PX = 9

Floats = NDArray[np.float64]


class DlibEmbedder:
    """ResNet-29 of dlib (King 2017), trained with a metric loss: the same person lies within about 0.6."""

    def __init__(self, session: Session, *, batch: int = 16) -> None:
        """Wrap a loaded network.

        Args:
            session: input float32 [N, 3, 150, 150], RGB 0…255; output [N, 128].
            batch: most faces of one run.
        """
        self._session = session
        self._input = session.inputs[0].name
        self._dimension = session.outputs[0].shape[-1] or 128
        self._batch = batch

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """[len(faces), 128] float32, not normalised, compared by Euclidean distance.

        Args:
            image: [H, W, 3] uint8 RGB.
            faces: landmarks of the scheme `dlib5`, in pixels.

        Raises:
            InvalidInputError: landmarks of another scheme.
            FaceNotFoundError: a face's landmarks coincide.
        """
        for face in faces:
            if face.scheme is not LandmarkScheme.DLIB5:
                raise InvalidInputError(f"this embedder aligns by {LandmarkScheme.DLIB5} landmarks, not {face.scheme}")
        embeddings = np.empty((len(faces), self._dimension), dtype=np.float32)
        for start in range(0, len(faces), self._batch):
            with stage(Stage.ALIGN):
                chips = np.stack([extract_chip(image, face) for face in faces[start : start + self._batch]])
            pixels = chips.transpose(0, 3, 1, 2).astype(np.float32, order="C")
            embeddings[start : start + len(chips)] = self._session.run({self._input: pixels})[0]
        return embeddings


@dataclass(frozen=True, slots=True)
class _Square:
    """Where a chip lies: a square about `centre` turned by `angle` (radians, x towards y)."""

    centre: Floats
    half: float
    angle: float

    @property
    def area(self) -> float:
        return (2 * self.half + 1) ** 2

    def corner(self, across: int, down: int) -> Floats:
        """A corner after turning: -1 or 1 to the left or right, up or down."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        x, y = across * self.half, down * self.half
        return self.centre + np.array([cosine * x - sine * y, sine * x + cosine * y])

    def halved(self) -> "_Square":
        return _Square(self.centre / 2 - _HALVING_SHIFT, self.half / 2, self.angle)


def extract_chip(image: Image, face: Landmarks) -> Image:
    """The face, upright, as [150, 150, 3] uint8 RGB; black where it reaches outside the image.

    A face much larger than the chip is taken from an image halved until at most twice the chip's size remains, then
    sampled bilinearly; the same pixels as dlib's get_face_chip(size=150, padding=0.25) but for rounding.
    """
    square = _square_of(face)
    source, square = _shrunk(image, square)
    last = CHIP_PX - 1
    origin = square.corner(-1, -1)
    across, down = (square.corner(1, -1) - origin) / last, (square.corner(-1, 1) - origin) / last
    chip_to_source = np.stack([across, down, origin], axis=1)
    return _sample(source, chip_to_source)


def _square_of(face: Landmarks) -> _Square:
    template = (_MEAN_FACE + PADDING) / (1 + 2 * PADDING) * CHIP_PX
    points = face.points.astype(np.float64)
    middle, target = template.mean(axis=0), points.mean(axis=0)
    x, y = (template - middle).T
    moved_x, moved_y = (points - target).T
    norm = np.square(template - middle).sum()
    # Least-squares similarity: rotation and scale as one complex number.
    real, imaginary = float((x @ moved_x + y @ moved_y) / norm), float((x @ moved_y - y @ moved_x) / norm)
    scale = math.hypot(real, imaginary)
    if scale * CHIP_PX < 1:
        raise FaceNotFoundError("The landmarks of a face coincide, so that it cannot be aligned")
    rotation = np.array([[real, -imaginary], [imaginary, real]])
    centre = target + rotation @ (CHIP_PX / 2 - middle)
    return _Square(centre, (CHIP_PX * scale - 1) / 2, math.atan2(imaginary, real))


def _shrunk(image: Image, square: _Square) -> tuple[Image, _Square]:
    """The part of the image around a square, halved as often as the square is twice the chip, and the square on it."""
    halvings, smaller = 0, square
    while smaller.halved().area > CHIP_PX**2:
        halvings, smaller = halvings + 1, smaller.halved()
    if not halvings:
        return image, square
    # Each halving needs two pixels more around what it keeps.
    margin = 2.0
    for _ in range(halvings):
        margin = 2 * margin + 2
    corners = np.stack([square.corner(across, down) for across in (-1, 1) for down in (-1, 1)])
    height, width = image.shape[:2]
    first = np.floor(np.maximum(corners.min(axis=0) - margin, 0) + 0.5).astype(int)
    last = np.floor(np.minimum(corners.max(axis=0) + margin, (width - 1, height - 1)) + 0.5).astype(int)
    # A face wholly outside leaves nothing; a negative end would count from the image's other side.
    last = np.maximum(last, first - 1)
    part = image[first[1] : last[1] + 1, first[0] : last[0] + 1]
    square = _Square(square.centre - first, square.half, square.angle)
    for _ in range(halvings):
        part, square = _halve(part), square.halved()
    return part, square


def _halve(image: Image) -> Image:
    """A binomial 5x5 filter, every other pixel, only where the filter fits, rounded down."""
    height, width = image.shape[:2]
    if min(height, width) < _SMALLEST_HALVED_PX:
        return np.empty((0, 0, 3), dtype=np.uint8)
    # In float32 the filter's sums are exact, so that rounding down is dlib's integer division.
    halved = np.asarray(cv2.pyrDown(image.astype(np.float32)))
    return np.floor(halved[1 : 1 + (height - 3) // 2, 1 : 1 + (width - 3) // 2]).astype(np.uint8)


def _sample(source: Image, chip_to_source: Floats) -> Image:
    """Bilinear samples rounded down; black where one of the four pixels is outside: [150, 150, 3] uint8."""
    height, width = source.shape[:2]
    if min(height, width) < 2:
        return np.zeros((CHIP_PX, CHIP_PX, 3), dtype=np.uint8)
    steps = np.arange(CHIP_PX, dtype=np.float64)
    x, y = (row[0] * steps + row[1] * steps[:, None] + row[2] for row in chip_to_source)
    column, row = np.floor(x), np.floor(y)
    x_part, y_part = (x - column)[..., None], (y - row)[..., None]
    inside = (column >= 0) & (row >= 0) & (column < width - 1) & (row < height - 1)
    upper_left = np.where(inside, row * width + column, 0).astype(np.intp)
    pixels = source.reshape(-1, 3)
    corners = (pixels.take(upper_left + offset, axis=0) for offset in (0, 1, width, width + 1))
    # In float64 and in this order: a value that falls just short of a whole number would lose a whole step.
    top_left, top_right, bottom_left, bottom_right = corners
    upper = (1 - x_part) * top_left + x_part * top_right
    lower = (1 - x_part) * bottom_left + x_part * bottom_right
    blended = (1 - y_part) * upper + y_part * lower
    blended[~inside] = 0
    return blended.astype(np.uint8)
