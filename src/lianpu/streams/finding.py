"""A pack as streams use it: faces of frames are found as cheaply as its detector can."""

from collections.abc import Sequence
from dataclasses import dataclass

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import DetectedFace, Embeddings, Image
from lianpu.packs.metric import Metric


@dataclass(frozen=True, slots=True)
class FrameFinder:
    """Implements `lianpu.streams.pipeline.FaceFinder`."""

    analyzer: FaceAnalyzer

    @property
    def metric(self) -> Metric:
        return self.analyzer.metric

    def detect(self, image: Image, *, max_faces: int | None = None) -> list[DetectedFace]:
        return self.analyzer.detect(image, max_faces=max_faces, snug=True)

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> Embeddings:
        return self.analyzer.embed(image, faces)
