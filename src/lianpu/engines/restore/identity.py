"""Whether a face is still the same person's: embeddings before and after, and how much of a restoration keeps them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import DetectedFace, Embeddings, Image
from lianpu.engines.face.quality import FaceQuality
from lianpu.engines.restore.faces import moved, scaling
from lianpu.errors import FaceNotFoundError
from lianpu.packs.metric import Metric

# The least cosine that passes, for an ordinary face and for a very small or degraded one.
# Of cosine packs: as NTIRE 2025's real-world face restoration counts a face as kept with 0.5 (CelebA) and 0.3 (WIDER,
# WebPhoto). Of dlib's pack, whose vectors all point nearly the same way: of 292 pairs of photos of one person from LFW
# the same share lies above 0.93 and 0.915 as does above 0.5 and 0.3 for a network of the ArcFace family.
_THRESHOLDS = {Metric.COSINE: (0.5, 0.3), Metric.EUCLIDEAN: (0.93, 0.915)}
_DEGRADED_SHARPNESS, _DEGRADED_EYES_PX = 0.4, 24.0
# Poorer than this, an embedding tells nothing of who it is.
_LEAST_SHARPNESS, _LEAST_EYES_PX, _LEAST_EXPOSURE = 0.04, 8.0, 0.1
# Recognisers see the eyes about 35 to 60 pixels apart: more only costs time, and makes them skip pixels.
_SEEN_EYES_PX = 96.0
_BISECTIONS = 5


@dataclass(frozen=True, slots=True)
class Reference:
    """A face of the original photo, to compare with."""

    vector: Embeddings
    """[dimension], of length 1."""
    threshold: float


class IdentityMeasure:
    """Compares the faces of one photo before and after, by the recogniser that is the default."""

    def __init__(self, analyzer: FaceAnalyzer, threshold: float | None) -> None:
        """`threshold`: the least cosine; None: the default for such a face and such a pack."""
        self._analyzer = analyzer
        self._threshold = threshold

    def reference(self, photo: Image, face: DetectedFace, quality: FaceQuality) -> Reference | None:
        """None: the face is too poor for its embedding to mean anything."""
        eyes_px = quality.eye_distance_px or 0.0
        if (
            quality.sharpness_score < _LEAST_SHARPNESS
            or eyes_px < _LEAST_EYES_PX
            or quality.exposure_score < _LEAST_EXPOSURE
        ):
            return None
        vector = self._embed(photo, face)
        if vector is None:
            return None
        is_degraded = quality.sharpness_score < _DEGRADED_SHARPNESS or eyes_px < _DEGRADED_EYES_PX
        ordinary, degraded = _THRESHOLDS[self._analyzer.metric]
        default = degraded if is_degraded else ordinary
        return Reference(vector, default if self._threshold is None else self._threshold)

    def similarity(self, reference: Reference, picture: Image, face: DetectedFace) -> float:
        """Cosine of a face in a picture to the reference, -1…1; -1 where it cannot be aligned."""
        vector = self._embed(picture, face)
        return -1.0 if vector is None else float(np.clip(vector @ reference.vector, -1, 1))

    def _embed(self, picture: Image, face: DetectedFace) -> Embeddings | None:
        try:
            vector = self._analyzer.embed(picture, [face])[0]
        except FaceNotFoundError:
            return None
        length = float(np.linalg.norm(vector))
        return vector / length if length > 0 and np.isfinite(length) else None


def measuring_factor(eye_distance_px: float, most: float) -> float:
    """How many times its size in the original a face is looked at, at most `most`."""
    return min(most, _SEEN_EYES_PX / eye_distance_px)


def shifted(face: DetectedFace, factor: float, x: float, y: float) -> DetectedFace:
    """The face in a picture that begins at (x, y) of the photo and is `factor` times as large."""
    return moved(face, scaling(factor, x, y))


def greatest_share(passes: Callable[[float], bool]) -> float:
    """The greatest alpha 0…1, to within 1/32, at which `passes` holds; 0 where it does at none that was tried.

    Found by bisection between 0, which is taken to pass, and 1.
    """
    if passes(1.0):
        return 1.0
    kept, lost = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (kept + lost) / 2
        if passes(middle):
            kept = middle
        else:
            lost = middle
    return kept
