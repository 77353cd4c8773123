"""Recognition: detect, embed, compare 1:1 and search 1:N, each one trip through the inference queue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import DetectedFace, Embeddings, FaceAttributes
from lianpu.engines.face.quality import FaceQuality
from lianpu.engines.image import ImageLimits
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.faces import Photo, Selection, Timings, choose_face, embed, measure, read_photo
from lianpu.gallery.indexes import GalleryIndexes, search_index
from lianpu.gallery.liveness import Liveness, LivenessCheck, refuse_not_live
from lianpu.gallery.repository import GalleryRepository, MatchRow
from lianpu.gallery.thresholds import AppliedThreshold, GalleryThresholds, applied_threshold
from lianpu.packs.metric import raw_value, score_of
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import LivenessMode
from lianpu.vectors.index import PersonHit, VectorIndex


@dataclass(frozen=True, slots=True)
class Detection:
    analyzer: FaceAnalyzer
    photo: Photo
    qualities: list[FaceQuality]
    timings: Timings
    liveness: list[Liveness] | None
    """One a face; None: liveness is off."""
    liveness_mode: LivenessMode
    attributes: list[FaceAttributes] | None = None
    """One a face; None: the pack has no network for them, or they were not asked for."""

    def refuses(self, face_index: int) -> bool:
        """Whether the face is to be taken for no one's, because it is not live and liveness is enforced."""
        judged = self.liveness
        return self.liveness_mode is LivenessMode.ENFORCE and judged is not None and not judged[face_index].is_live


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
    liveness: Liveness | None


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
        liveness: LivenessCheck,
        thresholds: GalleryThresholds,
        *,
        limits: ImageLimits,
        max_faces: int,
    ) -> None:
        self._analyzers = analyzers
        self._queue = queue
        self._indexes = indexes
        self._database = database
        self._liveness = liveness
        self._thresholds = thresholds
        self._limits = limits
        self._max_faces = max_faces
        self._on_search: Callable[[bytes, Search], None] | None = None

    async def detect(self, data: bytes, pack: str | None, liveness: LivenessMode | None = None) -> Detection:
        """With attributes where the pack has them.

        `liveness`, here and below: may only be stricter than the server's.
        """
        return await self._queue.run(self._detect_with_attributes, data, pack, liveness)

    async def embeddings(self, data: bytes, pack: str | None, liveness: LivenessMode | None = None) -> Embedded:
        return await self._queue.run(self._embedded, data, pack, liveness)

    async def compare(
        self,
        first: bytes,
        second: bytes,
        pack: str | None,
        threshold: float | None,
        selection: Selection,
        liveness: LivenessMode | None = None,
    ) -> Comparison:
        """
        Raises:
            LivenessFailedError: liveness is enforced and a face is not live.
        """
        return await self._queue.run(self._compare, (first, second), pack, threshold, selection, liveness)

    async def search(
        self,
        data: bytes,
        *,
        pack: str | None = None,
        top_k: int = 5,
        threshold: float | None = None,
        faces: Literal["all", "largest"] = "all",
        liveness: LivenessMode | None = None,
    ) -> Search:
        """Name the faces of a photo. A photo without any face is an answer, not an error.

        Where liveness is enforced, a face that is not live matches no one.
        """
        analyzer = await self.analyzer(pack)
        key = (analyzer.pack_name, analyzer.pack_version)
        index = await self._indexes.index_of(key, analyzer.dimension, analyzer.metric)
        # The runner-up is wanted for the margin even where one match was asked for.
        detection, hits = await self._queue.run(
            self._search, data, analyzer, index, max(2, top_k), 1 if faces == "largest" else self._max_faces, liveness
        )
        with detection.timings.stage("names"):
            found = Search(detection, await self._named(hits, analyzer, threshold, top_k))
        # A threshold of the request's own is a score of this pack and says nothing to another one.
        if pack is None and threshold is None and self._on_search is not None:
            self._on_search(data, found)
        return found

    async def identify(
        self, embeddings: Embeddings, analyzer: FaceAnalyzer, *, top_k: int = 1, threshold: float | None = None
    ) -> list[FaceMatches]:
        """Name faces that were embedded before, in their order.

        Args:
            embeddings: [n, dimension] float32, made by `analyzer`.
        """
        index = await self._indexes.index_of(key_of(analyzer), analyzer.dimension, analyzer.metric)
        hits = await self._queue.run(search_index, index, key_of(analyzer), embeddings, max(2, top_k))
        return await self._named(hits, analyzer, threshold, top_k)

    async def _named(
        self, hits: Sequence[list[PersonHit]], analyzer: FaceAnalyzer, threshold: float | None, top_k: int
    ) -> list[FaceMatches]:
        async with self._database.session() as session:
            rows = await GalleryRepository(session).matches([hit.embedding_id for of_face in hits for hit in of_face])
        of_gallery = self._thresholds.of(key_of(analyzer))
        return [
            _face_matches(face_index, of_face, rows, analyzer, threshold, of_gallery, top_k)
            for face_index, of_face in enumerate(hits)
        ]

    def on_search(self, listener: Callable[[bytes, Search], None]) -> None:
        """Be told of each photo searched by the active pack and its own thresholds, and of the answer."""
        self._on_search = listener

    async def analyzer(self, pack: str | None) -> FaceAnalyzer:
        """The loaded pack; its first use may translate and load it, off the event loop."""
        return self._analyzers.at_hand(pack) or await self._queue.run(self._analyzers.get, pack)

    def _detect(self, data: bytes, pack: str | None, liveness: LivenessMode | None) -> Detection:
        return self._detection(data, self._analyzers.get(pack), self._max_faces, liveness)

    def _detect_with_attributes(self, data: bytes, pack: str | None, liveness: LivenessMode | None) -> Detection:
        detection = self._detect(data, pack, liveness)
        if detection.analyzer.attribute_predictor is None:
            return detection
        with detection.timings.stage("attributes"):
            photo = detection.photo
            return replace(detection, attributes=detection.analyzer.attributes(photo.image.pixels, photo.faces))

    def _detection(
        self, data: bytes, analyzer: FaceAnalyzer, max_faces: int, liveness: LivenessMode | None
    ) -> Detection:
        timings = Timings()
        photo = read_photo(data, self._limits, analyzer, max_faces, timings)
        mode = self._liveness.mode_for(liveness)
        judged = self._judged(photo, photo.faces, mode, timings)
        return Detection(analyzer, photo, measure(photo, photo.faces, timings), timings, judged, mode)

    def _judged(
        self, photo: Photo, faces: Sequence[DetectedFace], mode: LivenessMode, timings: Timings
    ) -> list[Liveness] | None:
        if mode is LivenessMode.OFF:
            return None
        with timings.stage("liveness"):
            return self._liveness.judge(photo.image.pixels, faces, mode)

    def _embedded(self, data: bytes, pack: str | None, liveness: LivenessMode | None) -> Embedded:
        detection = self._detect(data, pack, liveness)
        return Embedded(detection, _embed_all(detection))

    def _search(
        self,
        data: bytes,
        analyzer: FaceAnalyzer,
        index: VectorIndex,
        top_k: int,
        max_faces: int,
        liveness: LivenessMode | None,
    ) -> tuple[Detection, list[list[PersonHit]]]:
        detection = self._detection(data, analyzer, max_faces, liveness)
        if not detection.photo.faces:
            return detection, []
        embeddings = _embed_all(detection)
        with detection.timings.stage("search"):
            hits = search_index(index, key_of(analyzer), embeddings, top_k)
        return detection, [[] if detection.refuses(place) else of_face for place, of_face in enumerate(hits)]

    def _compare(
        self,
        data: tuple[bytes, bytes],
        pack: str | None,
        threshold: float | None,
        selection: Selection,
        liveness: LivenessMode | None,
    ) -> Comparison:
        analyzer = self._analyzers.get(pack)
        timings = Timings()
        mode = self._liveness.mode_for(liveness)
        compared: list[ComparedFace] = []
        vectors: list[NDArray[np.float32]] = []
        for one in data:
            photo = read_photo(one, self._limits, analyzer, self._max_faces, timings)
            face_index = choose_face(photo, None, selection)
            face = photo.faces[face_index]
            judged = self._judged(photo, [face], mode, timings)
            quality = measure(photo, [face], timings)[0]
            compared.append(ComparedFace(photo, face_index, quality, judged[0] if judged else None))
            vectors.append(embed(photo, [face], analyzer, timings)[0])
        refuse_not_live([face.liveness for face in compared if face.liveness is not None], mode)
        raw = raw_value(analyzer.metric, vectors[0], vectors[1])
        return Comparison(
            analyzer,
            (compared[0], compared[1]),
            raw,
            score_of(analyzer.metric, raw),
            applied_threshold(
                request=threshold,
                embedding=None,
                person=None,
                gallery=self._thresholds.of(key_of(analyzer)),
                pack=analyzer.threshold,
            ),
            timings,
        )


def _embed_all(detection: Detection) -> Embeddings:
    return embed(detection.photo, detection.photo.faces, detection.analyzer, detection.timings)


def _face_matches(
    face_index: int,
    hits: list[PersonHit],
    rows: dict[str, MatchRow],
    analyzer: FaceAnalyzer,
    threshold: float | None,
    of_gallery: float | None,
    top_k: int,
) -> FaceMatches:
    matches: list[PersonMatch] = []
    named: set[str] = set()
    for hit in hits:
        row = rows.get(hit.embedding_id)
        # Whom the database names counts: another node may have deleted the person, or moved the image to one who is
        # among the hits already.
        if row is None or row.person_id in named:
            continue
        named.add(row.person_id)
        applied = applied_threshold(
            request=threshold,
            embedding=row.embedding_threshold,
            person=row.person_threshold,
            gallery=of_gallery,
            pack=analyzer.threshold,
        )
        matches.append(PersonMatch(row, score_of(analyzer.metric, hit.raw_value), hit.raw_value, applied))
    margin = matches[0].score - matches[1].score if len(matches) > 1 else None
    return FaceMatches(face_index, matches[:top_k], margin)
