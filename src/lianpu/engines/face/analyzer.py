"""Joins a pack's detector, landmark predictor and embedder into one thing that finds and embeds faces."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lianpu.engines.face.engine import (
    AttributesEngine,
    DetectorEngine,
    EmbedderEngine,
    LandmarksEngine,
    LoadedDetector,
    LoadedEmbedder,
    ProviderRecorder,
    find_engine,
    naming,
)
from lianpu.engines.face.face import (
    Box,
    DetectedFace,
    Embeddings,
    FaceAttributePredictor,
    FaceAttributes,
    FaceDetector,
    FaceEmbedder,
    Image,
    LandmarkPredictor,
    LandmarkScheme,
    SnugDetector,
)
from lianpu.errors import PackInvalidError
from lianpu.observability.stages import Stage, count_faces, stage
from lianpu.packs.folder import folder_name
from lianpu.packs.manifest import (
    AttributesRole,
    DetectorRole,
    EmbedderRole,
    Family,
    LandmarksRole,
    Pack,
    PackManifest,
)
from lianpu.packs.metric import Metric, score_of
from lianpu.runtime.session import SessionFactory


@dataclass(frozen=True, slots=True)
class AnalyzerOptions:
    """What an installation sets differently from the pack; None leaves the pack's own value."""

    detector_input_size: int | None = None
    """Side of the detector's square input in pixels, a multiple of 32; fixed networks keep their own."""


DEFAULT_OPTIONS = AnalyzerOptions()


@dataclass(frozen=True, slots=True)
class FaceAnalyzer:
    """One loaded pack. Safe to call from several threads at once; every call computes, none waits for another."""

    manifest: PackManifest
    metric: Metric
    raw_threshold: float
    """Recommended 1:N threshold in `metric`: least cosine, or greatest Euclidean distance."""
    scheme: LandmarkScheme
    """The landmarks that every detected face carries and the embedder aligns by."""
    providers: tuple[str, ...]
    """Execution providers that run the pack's networks, each once, e.g. ("CPUExecutionProvider",)."""
    detector: FaceDetector
    predictor: LandmarkPredictor | None
    embedder: FaceEmbedder
    attribute_predictor: FaceAttributePredictor | None = None
    """None: the pack has no role `attributes`."""

    @property
    def pack_name(self) -> str:
        return self.manifest.name

    @property
    def pack_version(self) -> str:
        return self.manifest.version

    @property
    def label(self) -> str:
        """`name@version`."""
        return folder_name(self.manifest.name, self.manifest.version)

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.embedder.dimension

    @property
    def threshold(self) -> float:
        """`raw_threshold` as a score 0…1."""
        return score_of(self.metric, self.raw_threshold)

    def detect(self, image: Image, *, max_faces: int | None = None, snug: bool = False) -> list[DetectedFace]:
        """The faces of an image, each with landmarks; largest box first, of equal ones the better score first.

        Args:
            image: [H, W, 3] uint8 RGB, upright.
            max_faces: only so many of the largest; None gives all.
            snug: as cheap as the detector can, for frames of a video; see `SnugDetector`.
        """
        detector = self.detector
        with stage(Stage.DETECT, self.label):
            if snug and isinstance(detector, SnugDetector):
                found = detector.detect_snug(image)
            else:
                found = detector.detect(image)
        count_faces(Stage.DETECT, self.label, len(found))
        faces = sorted(found, key=lambda face: (-face.box.area, -face.score))
        return self._with_landmarks(image, faces[:max_faces])

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> Embeddings:
        """Embed faces of an image: [len(faces), dimension] float32, as the network gives them, in their order.

        Faces without the landmarks that are needed, such as boxes drawn by hand, get them from the predictor.

        Raises:
            PackInvalidError: such a face, and the pack has no predictor.
            FaceNotFoundError: a face's landmarks coincide.
        """
        if not faces:
            return np.empty((0, self.dimension), np.float32)
        landmarks = [face.landmarks for face in self._with_landmarks(image, faces) if face.landmarks is not None]
        with stage(Stage.EMBED, self.label):
            embeddings = self.embedder.embed(image, landmarks)
        count_faces(Stage.EMBED, self.label, len(landmarks))
        return embeddings

    def attributes(self, image: Image, faces: Sequence[DetectedFace]) -> list[FaceAttributes]:
        """Age and gender of faces of an image, in their order.

        Raises:
            PackInvalidError: the pack has no role `attributes`; `attribute_predictor` tells beforehand.
        """
        if self.attribute_predictor is None:
            raise PackInvalidError(f"Pack '{self.pack_name}' has no role 'attributes': it cannot tell age and gender")
        with stage(Stage.ATTRIBUTES, self.label):
            attributes = self.attribute_predictor.predict(image, [face.box for face in faces])
        count_faces(Stage.ATTRIBUTES, self.label, len(faces))
        return attributes

    def _with_landmarks(self, image: Image, faces: Sequence[DetectedFace]) -> list[DetectedFace]:
        complete = list(faces)
        missing = [
            place
            for place, face in enumerate(complete)
            if face.landmarks is None or face.landmarks.scheme is not self.scheme
        ]
        if not missing:
            return complete
        if self.predictor is None:
            raise PackInvalidError(f"Pack '{self.pack_name}' cannot find landmarks in a given box")
        boxes: list[Box] = [complete[place].box for place in missing]
        with stage(Stage.LANDMARKS, self.label):
            found = self.predictor.predict(image, boxes)
        count_faces(Stage.LANDMARKS, self.label, len(boxes))
        for place, landmarks in zip(missing, found, strict=True):
            complete[place] = replace(complete[place], landmarks=landmarks)
        return complete


def load_analyzer(pack: Pack, sessions: SessionFactory, options: AnalyzerOptions = DEFAULT_OPTIONS) -> FaceAnalyzer:
    """Load a pack's networks by the engines that its manifest names.

    Raises:
        PackInvalidError: the pack has no detector or embedder, an engine serves another role or refuses its network,
            or nothing in the pack gives the landmarks that the embedder aligns by.
        PackIncompleteError: an engine is not installed.
        PackDamagedError: a file cannot be loaded; names the file and the pack.
    """
    if pack.manifest.family is not Family.FACE:
        raise PackInvalidError(f"Pack '{pack.name}' holds weights for '{pack.manifest.family}', which find no faces.")
    roles = pack.manifest.roles
    if roles.detector is None or roles.embedder is None:
        lacking = "detector" if roles.detector is None else "embedder"
        raise PackInvalidError(
            f"Pack '{pack.name}' has no {lacking}, and recognising faces takes both a detector and an embedder. Import "
            "it together with one: `lianpu models import --detector FILE --embedder FILE`."
        )
    recorder = ProviderRecorder(sessions)
    detector = _build_detector(_adjusted(roles.detector, options), pack, recorder)
    predictor = _build_predictor(roles.landmarks, pack, recorder)
    embedder = _build_embedder(roles.embedder, pack, recorder)
    attributes = _build_attributes(roles.attributes, pack, recorder)
    if embedder.needs not in {detector.gives, predictor.scheme if predictor else None}:
        raise PackInvalidError(
            f"Pack '{pack.name}': its embedder '{roles.embedder.engine}' aligns by {embedder.needs} landmarks, and "
            f"neither its detector '{roles.detector.engine}' nor a landmark predictor gives those"
        )
    if predictor is not None and predictor.scheme is not embedder.needs:
        predictor = None
    return FaceAnalyzer(
        manifest=pack.manifest,
        metric=roles.embedder.metric,
        raw_threshold=roles.embedder.threshold,
        scheme=embedder.needs,
        providers=tuple(recorder.providers),
        detector=detector.detector,
        predictor=predictor,
        embedder=embedder.embedder,
        attribute_predictor=attributes,
    )


def _adjusted(role: DetectorRole, options: AnalyzerOptions) -> DetectorRole:
    size = options.detector_input_size
    return role if size is None else role.model_copy(update={"input_size": size})


def _build_detector(role: DetectorRole, pack: Pack, sessions: SessionFactory) -> LoadedDetector:
    with naming(role, pack):
        engine = find_engine(role.engine)
        if not isinstance(engine, DetectorEngine):
            raise PackInvalidError("that engine is no detector")
        return engine.build(role, pack, sessions)


def _build_predictor(role: LandmarksRole | None, pack: Pack, sessions: SessionFactory) -> LandmarkPredictor | None:
    if role is None:
        return None
    with naming(role, pack):
        engine = find_engine(role.engine)
        if not isinstance(engine, LandmarksEngine):
            raise PackInvalidError("that engine is no landmark predictor")
        return engine.build(role, pack, sessions)


def _build_attributes(
    role: AttributesRole | None, pack: Pack, sessions: SessionFactory
) -> FaceAttributePredictor | None:
    if role is None:
        return None
    with naming(role, pack):
        engine = find_engine(role.engine)
        if not isinstance(engine, AttributesEngine):
            raise PackInvalidError("that engine does not tell age and gender")
        return engine.build(role, pack, sessions)


def _build_embedder(role: EmbedderRole, pack: Pack, sessions: SessionFactory) -> LoadedEmbedder:
    with naming(role, pack):
        engine = find_engine(role.engine)
        if not isinstance(engine, EmbedderEngine):
            raise PackInvalidError("that engine is no embedder")
        return engine.build(role, pack, sessions)
