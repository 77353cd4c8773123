"""Recognition: detect, embed, compare 1:1 and search 1:N, each one trip through the inference queue."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Embeddings
from lianpu.engines.face.quality import FaceQuality
from lianpu.engines.image import ImageLimits
from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.faces import Photo, Selection, Timings, choose_face, embed, measure, read_photo
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.repository import GalleryRepository, MatchRow
from lianpu.gallery.thresholds import AppliedThreshold, applied_threshold
from lianpu.packs.metric import Metric, score_of
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.vectors.index import PersonHit, VectorIndex


@dataclass(frozen=True, slots=True)
class Detection:
    analyzer: FaceAnalyzer
    photo: Photo
    qualities: list[FaceQuality]
    timings: Timings


@dataclass(frozen=True, slots=True)
class Embedded:
    detection: Detection
    embeddings: Embeddings


@dataclass(frozen=True, slots=True)
class PersonMatch:
    row: MatchRow
    score: float
    raw_value: float
    threshold: AppliedThreshold

    @property
    def is_match(self) -> bool:
        return self.score >= self.threshold.value


@dataclass(frozen=True, slots=True)
class FaceMatches:
    """The nearest persons of one face, best first. `margin` is the first's score minus the second's."""

    face_index: int
    matches: list[PersonMatch]
    margin: float | None

    @property
    def best_match(self) -> PersonMatch | None:
        """None: the face is unknown."""
        return self.matches[0] if self.matches and self.matches[0].is_match else None


@dataclass(frozen=True, slots=True)
class Search:
    detection: Detection
    faces: list[FaceMatches]


@dataclass(frozen=True, slots=True)
class ComparedFace:
    photo: Photo
    face_index: int
    quality: FaceQuality


@dataclass(frozen=True, slots=True)
class Comparison:
    analyzer: FaceAnalyzer
    faces: tuple[ComparedFace, ComparedFace]
    raw_value: float
    score: float
    threshold: AppliedThreshold
    timings: Timings

    @property
    def is_match(self) -> bool:
        return self.score >= self.threshold.value


class Recognition:
    def __init__(
        self,
        analyzers: Analyzers,
        queue: InferenceQueue,
        indexes: GalleryIndexes,
        database: Database,
        *,
        limits: ImageLimits,
        max_faces: int,
    ) -> None:
        self._analyzers = analyzers
        self._queue = queue
        self._indexes = indexes
        self._database = database
        self._limits = limits
        self._max_faces = max_faces

    async def detect(self, data: bytes, pack: str | None) -> Detection:
        return await self._queue.run(self._detect, data, pack)

    async def embeddings(self, data: bytes, pack: str | None) -> Embedded:
        return await self._queue.run(self._embedded, data, pack)

    async def compare(
        self, first: bytes, second: bytes, pack: str | None, threshold: float | None, selection: Selection
    ) -> Comparison:
        return await self._queue.run(self._compare, (first, second), pack, threshold, selection)

    async def search(
        self,
        data: bytes,
        *,
        pack: str | None = None,
        top_k: int = 5,
        threshold: float | None = None,
        faces: Literal["all", "largest"] = "all",
    ) -> Search:
        """Name the faces of a photo. A photo without any face is an answer, not an error."""
        analyzer = await self.analyzer(pack)
        key = (analyzer.pack_name, analyzer.pack_version)
        index = await self._indexes.index_of(key, analyzer.dimension, analyzer.metric)
        # The runner-up is wanted for the margin even where one match was asked for.
        detection, hits = await self._queue.run(
            self._search, data, analyzer, index, max(2, top_k), 1 if faces == "largest" else self._max_faces
        )
        with detection.timings.stage("names"):
            async with self._database.session() as session:
                ids = [hit.embedding_id for of_face in hits for hit in of_face]
                rows = await GalleryRepository(session).matches(ids)
        return Search(
            detection,
            [
                _face_matches(face_index, of_face, rows, analyzer, threshold, top_k)
                for face_index, of_face in enumerate(hits)
            ],
        )

    async def analyzer(self, pack: str | None) -> FaceAnalyzer:
        """The loaded pack; its first use may translate and load it, off the event loop."""
        loaded = self._analyzers.loaded().get(pack or self._analyzers.default_pack)
        return loaded or await self._queue.run(self._analyzers.get, pack)

    def _detect(self, data: bytes, pack: str | None) -> Detection:
        return self._detection(data, self._analyzers.get(pack), self._max_faces)

    def _detection(self, data: bytes, analyzer: FaceAnalyzer, max_faces: int) -> Detection:
        timings = Timings()
        photo = read_photo(data, self._limits, analyzer, max_faces, timings)
        return Detection(analyzer, photo, measure(photo, photo.faces, timings), timings)

    def _embedded(self, data: bytes, pack: str | None) -> Embedded:
        detection = self._detect(data, pack)
        return Embedded(detection, _embed_all(detection))

    def _search(
        self, data: bytes, analyzer: FaceAnalyzer, index: VectorIndex, top_k: int, max_faces: int
    ) -> tuple[Detection, list[list[PersonHit]]]:
        detection = self._detection(data, analyzer, max_faces)
        if not detection.photo.faces:
            return detection, []
        embeddings = _embed_all(detection)
        with detection.timings.stage("search"):
            return detection, index.search(embeddings, top_k)

    def _compare(
        self, data: tuple[bytes, bytes], pack: str | None, threshold: float | None, selection: Selection
    ) -> Comparison:
        analyzer = self._analyzers.get(pack)
        timings = Timings()
        compared: list[ComparedFace] = []
        vectors: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
        for one in data:
            photo = read_photo(one, self._limits, analyzer, self._max_faces, timings)
            face_index = choose_face(photo, None, selection)
            face = photo.faces[face_index]
            compared.append(ComparedFace(photo, face_index, measure(photo, [face], timings)[0]))
            vectors.append(embed(photo, [face], analyzer, timings)[0].astype(np.float64))
        raw_value = _raw_value(analyzer.metric, vectors[0], vectors[1])
        return Comparison(
            analyzer,
            (compared[0], compared[1]),
            raw_value,
            score_of(analyzer.metric, raw_value),
            applied_threshold(request=threshold, embedding=None, person=None, pack=analyzer.threshold),
            timings,
        )


def _embed_all(detection: Detection) -> Embeddings:
    return embed(detection.photo, detection.photo.faces, detection.analyzer, detection.timings)


def _raw_value(
    metric: Metric,
    first: np.ndarray[tuple[int], np.dtype[np.float64]],
    second: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> float:
    if metric is Metric.EUCLIDEAN:
        return float(np.linalg.norm(first - second))
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / norms if norms > 0 else 0.0


def _face_matches(
    face_index: int,
    hits: list[PersonHit],
    rows: dict[str, MatchRow],
    analyzer: FaceAnalyzer,
    threshold: float | None,
    top_k: int,
) -> FaceMatches:
    matches: list[PersonMatch] = []
    for hit in hits:
        row = rows.get(hit.embedding_id)
        if row is None:
            continue
        applied = applied_threshold(
            request=threshold, embedding=row.embedding_threshold, person=row.person_threshold, pack=analyzer.threshold
        )
        matches.append(PersonMatch(row, score_of(analyzer.metric, hit.raw_value), hit.raw_value, applied))
    margin = matches[0].score - matches[1].score if len(matches) > 1 else None
    return FaceMatches(face_index, matches[:top_k], margin)
