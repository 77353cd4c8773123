"""The built-in inference models: the face analysers of the installed packs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import DetectedFace, FaceAttributes, Image
from lianpu.engines.face.quality import FaceQuality, measure_quality
from lianpu.errors import PackError, PackNotFoundError
from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.faces import attribute_figures, box_fractions, box_pixels, quality_figures
from lianpu.inference.model import InferenceModel, ModelContext, Parameters
from lianpu.packs.folder import folder_name
from lianpu.packs.registry import PackRegistry, PackState

MAX_FACES = 1000


class FaceParameters(Parameters):
    pack: Annotated[
        str | None,
        Field(max_length=128, description="`name` or `name@version`; left out: the default pack, if it can."),
    ] = None
    max_faces: Annotated[int, Field(ge=1, le=MAX_FACES, description="So many of the largest.")] = 100


@dataclass(frozen=True, slots=True)
class SeenFaces:
    image: Image
    analyzer: FaceAnalyzer
    faces: Sequence[DetectedFace]
    qualities: Sequence[FaceQuality] = ()
    attributes: Sequence[FaceAttributes] | None = None


class FaceAnalysisModel(InferenceModel):
    """Faces with boxes, landmarks, quality, and attributes where the pack has them. Names nobody.

    Answers `{"pack", "faces": [{"face_index", "box", "box_normalized", "detection_score", "landmarks",
    "landmark_scheme", "quality", "attributes"?}]}`, the largest face first, boxes in pixels of the upright image.
    """

    name = "face-analysis"
    version = "1"
    title = "Face analysis"
    description = "Finds faces: where they are, their landmarks and their quality, and age and gender where a pack can."
    parameters = FaceParameters

    def __init__(self, analyzers: Analyzers) -> None:
        self._analyzers = analyzers

    def load_model(self, context: ModelContext) -> None:
        """Packs are loaded by the gallery's `Analyzers` at their first use, and shared with it."""

    def preprocess(self, image: Image, parameters: FaceParameters) -> tuple[Image, FaceAnalyzer, int]:
        return image, self._analyzers.get(parameters.pack), parameters.max_faces

    def predict(self, inputs: tuple[Image, FaceAnalyzer, int]) -> SeenFaces:
        image, analyzer, max_faces = inputs
        faces = analyzer.detect(image, max_faces=max_faces)
        qualities = [measure_quality(image, face) for face in faces]
        attributes = analyzer.attributes(image, faces) if analyzer.attribute_predictor is not None else None
        return SeenFaces(image, analyzer, faces, qualities, attributes)

    def postprocess(self, outputs: SeenFaces, parameters: FaceParameters) -> Mapping[str, Any]:
        del parameters
        faces: list[dict[str, Any]] = []
        for index, (face, quality) in enumerate(zip(outputs.faces, outputs.qualities, strict=True)):
            landmarks = face.landmarks
            fields = _place(outputs.image, index, face) | {
                "landmarks": []
                if landmarks is None
                else [[round(float(x), 2), round(float(y), 2)] for x, y in landmarks.points],
                "landmark_scheme": "" if landmarks is None else landmarks.scheme.value,
                "quality": quality_figures(quality),
            }
            if outputs.attributes is not None:
                fields["attributes"] = attribute_figures(outputs.attributes[index])
            faces.append(fields)
        return {"pack": _pack_of(outputs.analyzer), "faces": faces}


class FaceAttributesModel(InferenceModel):
    """Age and gender, as a network estimates them, of each face.

    Answers `{"pack", "faces": [{"face_index", "box", "box_normalized", "detection_score", "attributes"}]}`.
    """

    name = "face-attributes"
    version = "1"
    title = "Face attributes"
    description = "Estimates age and gender of each face. Needs a pack with the role `attributes`, such as buffalo_l."
    parameters = FaceParameters

    def __init__(self, analyzers: Analyzers, registry: PackRegistry) -> None:
        self._analyzers = analyzers
        self._registry = registry

    def problem(self, context: ModelContext) -> str | None:
        del context
        return None if self._able() else "no installed pack has the role `attributes`. Pull or import one that has it."

    def load_model(self, context: ModelContext) -> None:
        """As `FaceAnalysisModel`."""

    def preprocess(self, image: Image, parameters: FaceParameters) -> tuple[Image, FaceAnalyzer, int]:
        return image, self._analyzers.get(parameters.pack or self._default()), parameters.max_faces

    def predict(self, inputs: tuple[Image, FaceAnalyzer, int]) -> SeenFaces:
        image, analyzer, max_faces = inputs
        faces = analyzer.detect(image, max_faces=max_faces)
        return SeenFaces(image, analyzer, faces, attributes=analyzer.attributes(image, faces))

    def postprocess(self, outputs: SeenFaces, parameters: FaceParameters) -> Mapping[str, Any]:
        del parameters
        faces = [
            _place(outputs.image, index, face) | {"attributes": attribute_figures(attributes)}
            for index, (face, attributes) in enumerate(zip(outputs.faces, outputs.attributes or (), strict=True))
        ]
        return {"pack": _pack_of(outputs.analyzer), "faces": faces}

    def _able(self) -> list[str]:
        """Packs that can, the newest version of each last."""
        return [
            folder_name(pack.name, pack.version)
            for pack in self._registry.list()
            if pack.state is PackState.READY
            and pack.manifest is not None
            and pack.manifest.roles.attributes is not None
        ]

    def _default(self) -> str | None:
        able = self._able()
        try:
            active = folder_name(*self._analyzers.resolve())
        except (PackError, PackNotFoundError):
            active = None
        return active if active in able or not able else able[-1]


def _place(image: Image, index: int, face: DetectedFace) -> dict[str, Any]:
    height, width = image.shape[:2]
    return {
        "face_index": index,
        "box": box_pixels(face.box),
        "box_normalized": box_fractions(face.box, width, height),
        "detection_score": round(face.score, 4),
    }


def _pack_of(analyzer: FaceAnalyzer) -> str:
    return folder_name(analyzer.pack_name, analyzer.pack_version)
