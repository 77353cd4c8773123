"""What a face is between engines and features: plain frozen values, and the protocols of what makes and judges them.

Images are uint8 arrays [H, W, 3], RGB. Coordinates are float pixels of the upright (EXIF-turned) image, origin at
its top-left corner, x to the right and y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""[H, W, 3] uint8 RGB."""
Points = NDArray[np.float32]
"""[n, 2] float32 (x, y) in image pixels."""
Embeddings = NDArray[np.float32]
"""[n, dimension] float32, one row a face, as the network gives them (not normalised)."""


class LandmarkScheme(StrEnum):
    """Which points a set of landmarks holds, in order. Left and right are the image's, not the person's."""

    ARCFACE5 = "arcface5"
    """Left eye centre, right eye centre, nose tip, left mouth corner, right mouth corner."""
    DLIB5 = "dlib5"
    """dlib's five: right eye outer, right eye inner, left eye outer, left eye inner (image right first), nose base."""


@dataclass(frozen=True, slots=True)
class Box:
    """Pixel rectangle; may reach outside the image."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    def iou(self, other: "Box") -> float:
        """Intersection over union, 0…1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        intersection = width * height
        return intersection / (self.area + other.area - intersection)


@dataclass(frozen=True, slots=True)
class Landmarks:
    scheme: LandmarkScheme
    points: Points


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One detection. `score` is the detector's own (0…1 for SCRFD and YuNet, an unbounded margin for MMOD)."""

    box: Box
    score: float
    landmarks: Landmarks | None = None


class FaceDetector(Protocol):
    def detect(self, image: Image) -> list[DetectedFace]:
        """All faces of an image, best score first; landmarks are None where the network gives none."""
        ...


@runtime_checkable
class SnugDetector(Protocol):
    """A detector that can leave out what an image does not fill of the network's input."""

    def detect_snug(self, image: Image) -> list[DetectedFace]:
        """As `detect` and cheaper, the more the less square the image is.

        Scores differ in the last digits from `detect`, since the network sees an edge where there was blackness.
        """
        ...


class LandmarkPredictor(Protocol):
    @property
    def scheme(self) -> LandmarkScheme: ...

    def predict(self, image: Image, boxes: Sequence[Box]) -> list[Landmarks]:
        """Landmarks of each box, in the order of the boxes."""
        ...


class FaceEmbedder(Protocol):
    @property
    def dimension(self) -> int: ...

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """Align each face by its landmarks and embed all of them: [len(faces), dimension]."""
        ...


class Gender(StrEnum):
    """What a network was trained to tell apart; an estimate from looks, not what a person is."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True)
class FaceAttributes:
    """What a network estimates of one face."""

    age: int
    """Years."""
    gender: Gender
    gender_scores: tuple[float, float]
    """(female, male) as the network gives them: no probabilities, the greater one decides."""


class FaceAttributePredictor(Protocol):
    def predict(self, image: Image, boxes: Sequence[Box]) -> list[FaceAttributes]:
        """Age and gender of the face in each box, in the order of the boxes."""
        ...


class FaceLiveness(Protocol):
    def scores(self, image: Image, boxes: Sequence[Box]) -> NDArray[np.float32]:
        """How surely the face in each box is live and no picture of one: [len(boxes)] float32, 0…1."""
        ...
