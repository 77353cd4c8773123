"""What the gallery's API takes and gives: persons, their images, and the answers of recognition."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from lianpu.engines.face.face import Gender
from lianpu.gallery.identity import checked_metadata, checked_name, checked_person_id
from lianpu.packs.metric import Metric
from lianpu.settings import CheckMode, LivenessMode


def _json_object(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'must be a JSON object, such as {{"department": "R&D"}}: {error}') from error


def pack_names(value: object) -> object:
    """A form sends a list as a repeated field, as `a,b`, or as JSON."""
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"must be a list of pack names: {error}") from error
    return [name.strip() for name in value.split(",") if name.strip()]


PersonId = Annotated[str, AfterValidator(checked_person_id), Field(examples=["employee-17", "张三-01"])]
PersonName = Annotated[str, AfterValidator(checked_name), Field(examples=["张三"])]
Metadata = Annotated[
    dict[str, Any],
    BeforeValidator(_json_object),
    AfterValidator(checked_metadata),
    Field(examples=[{"department": "R&D"}], description="A JSON object of the caller's own, at most 16 KiB."),
]
Threshold = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        examples=[0.75],
        description="Least score (0…1) that counts as the same person.",
    ),
]
PackName = Annotated[
    str,
    Field(
        examples=["dlib", "dlib@1"],
        description="Which pack to use, `name` or `name@version`; the default pack when left out.",
    ),
]


def _one_of(values: type[StrEnum]) -> WithJsonSchema:
    """Inline, because a form's fields are shown flat."""
    return WithJsonSchema({"anyOf": [{"type": "string", "enum": [value.value for value in values]}, {"type": "null"}]})


QualityModeField = Annotated[
    CheckMode | None,
    _one_of(CheckMode),
    Field(description="What poor quality does to this enrolment; the server's mode when left out."),
]
ConflictModeField = Annotated[
    CheckMode | None,
    _one_of(CheckMode),
    Field(description="What a face like somebody else's does to this enrolment; the server's mode when left out."),
]
LivenessModeField = Annotated[
    LivenessMode | None,
    _one_of(LivenessMode),
    Field(description="Whether faces are judged live here; counts where it is stricter than the server's mode."),
]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PixelBox(BaseModel):
    """Pixels of the upright photo; may reach outside it."""

    x: float = Field(examples=[312.4])
    y: float = Field(examples=[96.0])
    width: float = Field(examples=[121.7])
    height: float = Field(examples=[121.7])


class NormalizedBox(BaseModel):
    """The same box as fractions of the upright photo's width and height."""

    left: float = Field(examples=[0.2441])
    top: float = Field(examples=[0.1084])
    width: float = Field(examples=[0.0951])
    height: float = Field(examples=[0.1374])


class ImageSize(BaseModel):
    """Pixels, after the EXIF turn."""

    width: int = Field(examples=[1280])
    height: int = Field(examples=[886])


class Quality(BaseModel):
    """How good a face is for recognition; each figure says its unit, `overall` is 0…1."""

    overall: float
    sharpness: float = Field(description="0…1")
    size_px: float = Field(description="Shorter side of the face's box in pixels.")
    yaw_degrees: float | None = Field(description="Positive: towards the image's right; null where not measurable.")
    pitch_degrees: float | None
    roll_degrees: float | None
    exposure: float = Field(description="0…1; low for faces too dark, too bright or clipped.")
    detection_score: float
    occlusion: float | None = Field(default=None, description="0…1; null where the pack cannot tell.")


class LivenessAnswer(BaseModel):
    """Whether a face is live, or a picture of one."""

    score: float = Field(examples=[0.97], description="0…1")
    is_live: bool
    pack: str = Field(examples=["minifasnet"])
    pack_version: str = Field(examples=["1"])
    threshold: float = Field(examples=[0.5], description="Least score of a live face.")


class EnrolmentWarning(BaseModel):
    """Something amiss that did not keep the photo from being enrolled."""

    code: str = Field(examples=["quality_too_blurred", "looks_like_another_person"])
    message: str
    value: float = Field(description="What was found; a score 0…1 for the conflict codes.")
    limit: float = Field(description="In the same unit.")
    person_id: str | None = Field(default=None, description="Whom the face looks like.")
    name: str | None = None


class PackCoverage(BaseModel):
    name: str = Field(examples=["dlib"])
    version: str = Field(examples=["1"])
    embedding_count: int = Field(examples=[3])


class PersonAnswer(BaseModel):
    person_id: str = Field(examples=["employee-17"])
    name: str = Field(examples=["张三"])
    metadata: dict[str, Any] = Field(examples=[{"department": "R&D"}])
    threshold: float | None = Field(description="The person's own threshold; null: the pack's applies.")
    created_at: datetime
    updated_at: datetime
    image_count: int = Field(examples=[3])
    primary_image_id: str | None
    packs: list[PackCoverage] = Field(description="The packs that this person can be found by.")


class EmbeddingSummary(BaseModel):
    pack: str = Field(examples=["dlib"])
    pack_version: str = Field(examples=["1"])
    dimension: int = Field(examples=[128])


class PersonImageAnswer(BaseModel):
    image_id: str
    person_id: str
    is_primary: bool
    width: int
    height: int
    format: str = Field(examples=["jpeg"])
    size_bytes: int
    sha256: str
    box: PixelBox
    box_normalized: NormalizedBox
    quality: Quality
    liveness: LivenessAnswer | None = Field(description="As judged at enrolment; null: liveness was off.")
    embeddings: list[EmbeddingSummary]
    uploaded_at: datetime


class GeneratedEmbedding(BaseModel):
    model_name: str = Field(examples=["dlib"])
    model_version: str = Field(examples=["1"])
    status: Literal["generated", "failed"]
    feature_size: int | None = Field(examples=[128])
    detail: str | None = None


class Answer(BaseModel):
    request_id: str


class EnrolmentAnswer(Answer):
    person: PersonAnswer
    image: PersonImageAnswer
    generated_embeddings: list[GeneratedEmbedding]
    warnings: list[EnrolmentWarning] = Field(description="What is amiss with the photo; empty when nothing is.")


class PersonDetailAnswer(Answer):
    person: PersonAnswer
    images: list[PersonImageAnswer]


class PersonListAnswer(Answer):
    persons: list[PersonAnswer]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last page.")


class PersonOnlyAnswer(Answer):
    person: PersonAnswer


class ImageOnlyAnswer(Answer):
    image: PersonImageAnswer


class ImageListAnswer(Answer):
    images: list[PersonImageAnswer]


class FaceSelection(Strict):
    face_index: int | None = Field(
        default=None, ge=0, description="Which face of the photo, as `/api/v1/detect` numbers them."
    )
    face_selection: Literal["only", "largest"] = Field(
        default="only", description="`only` refuses a photo with several faces; `largest` takes the largest."
    )


class AddImageFields(FaceSelection):
    models_to_generate: Annotated[list[str] | None, BeforeValidator(pack_names)] = Field(
        default=None,
        description="Packs whose embeddings are made, `name` or `name@version`; the default pack's and the configured "
        "ones when left out.",
    )
    quality_mode: QualityModeField = None
    conflict_mode: ConflictModeField = None
    liveness_mode: LivenessModeField = None


class EnrolmentFields(AddImageFields):
    person_id: PersonId | None = Field(
        default=None, description="Generated when left out. An id that exists: the image is added to that person."
    )
    name: PersonName | None = Field(default=None, description="Required for a new person.")
    metadata: Metadata | None = None
    threshold: Threshold | None = None


class ReplaceImageFields(AddImageFields):
    keep_previous: bool = Field(default=True, description="Whether the replaced image stays with the person.")


class PersonReplacement(Strict):
    """PUT: the whole of what can be changed; what is left out goes back to its default."""

    name: PersonName
    metadata: Metadata = Field(default_factory=dict[str, Any])
    threshold: Threshold | None = None


class PersonPatch(Strict):
    """PATCH: only what is given changes; `threshold: null` removes the person's own."""

    name: PersonName | None = None
    metadata: Metadata | None = None
    threshold: Threshold | None = None

    @model_validator(mode="after")
    def _no_null_name(self) -> Self:
        for field in ("name", "metadata"):
            if field in self.model_fields_set and getattr(self, field) is None:
                raise ValueError(f"{field} cannot be null")
        return self


class ImagePatch(Strict):
    is_primary: Literal[True]


class PackFields(Strict):
    pack: PackName | None = None
    liveness_mode: LivenessModeField = None


class CompareFields(PackFields):
    threshold: Threshold | None = None
    face_selection: Literal["only", "largest"] = Field(default="only", description="As at enrolment, for both photos.")


class SearchFields(PackFields):
    threshold: Threshold | None = None
    top_k: int = Field(default=5, ge=1, le=100, description="How many persons to name for each face.")
    faces: Literal["all", "largest"] = Field(default="all", description="Search for every face or the largest one.")


class Face(BaseModel):
    face_index: int = Field(description="0 is the largest face.")
    box: PixelBox
    box_normalized: NormalizedBox
    detection_score: float
    landmarks: list[tuple[float, float]] = Field(description="Pixel points in the pack's own order.")
    landmark_scheme: str = Field(examples=["dlib5"])
    quality: Quality
    liveness: LivenessAnswer | None = Field(description="Null: liveness is off.")


class AttributesAnswer(BaseModel):
    """What a network estimates from looks."""

    age: int = Field(description="Years.", examples=[37])
    gender: Gender = Field(description="What the network was trained to tell apart, not what a person is.")


class DetectedFaceAnswer(Face):
    attributes: AttributesAnswer | None = Field(description="Null: the pack has no network for them.")


class EmbeddedFace(Face):
    embedding: list[float] = Field(description="As the network gives it, not normalised.")


ThresholdOf = Literal["request", "embedding", "person", "gallery", "pack"]


class Match(BaseModel):
    person_id: str
    name: str
    image_id: str = Field(description="The person's image that matched best.")
    score: float = Field(description="0…1, the same for every metric: higher is more alike.")
    raw_value: float = Field(description="In the pack's metric: cosine, or Euclidean distance.")
    threshold: float = Field(description="The least score that counts as the same person here.")
    threshold_source: ThresholdOf
    is_match: bool


class SearchedFace(Face):
    matches: list[Match] = Field(
        description="The nearest persons, best first, whether they match or not. Empty for a face that is not live "
        "where liveness is enforced: it is nobody's."
    )
    best_match: Match | None = Field(description="The first of `matches` when it is a match; null: unknown.")
    margin: float | None = Field(description="Score of the best person minus that of the runner-up.")


class PackAnswer(Answer):
    pack: str = Field(examples=["dlib"])
    pack_version: str = Field(examples=["1"])


class DetectAnswer(PackAnswer):
    image: ImageSize
    faces: list[DetectedFaceAnswer]
    timings_ms: dict[str, float]


class EmbeddingsAnswer(PackAnswer):
    metric: Metric
    dimension: int
    image: ImageSize
    faces: list[EmbeddedFace]
    timings_ms: dict[str, float]


class SearchAnswer(PackAnswer):
    metric: Metric
    image: ImageSize
    faces: list[SearchedFace]
    timings_ms: dict[str, float]


class CompareAnswer(PackAnswer):
    metric: Metric
    score: float
    raw_value: float
    threshold: float
    threshold_source: ThresholdOf
    is_match: bool
    faces: list[Face] = Field(description="The compared face of the first photo and of the second.")
    timings_ms: dict[str, float]
