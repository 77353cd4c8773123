"""What CompreFace's API takes and gives. A subject is a person, an example an image of a person."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from lianpu.gallery.identity import checked_name

SubjectName = Annotated[str, AfterValidator(checked_name), Field(examples=["张三"])]


class CompreFaceError(BaseModel):
    """How CompreFace says that something went wrong."""

    message: str = Field(examples=["No face was found in the photo."])
    code: int = Field(description="CompreFace's own number; 0 where it has none.", examples=[28])


class SubjectAnswer(BaseModel):
    subject: str = Field(examples=["张三"])


class SubjectFields(BaseModel):
    subject: SubjectName


class SubjectsAnswer(BaseModel):
    subjects: list[str]


class RenamedAnswer(BaseModel):
    updated: bool


class DeletedAnswer(BaseModel):
    deleted: int


class ExampleAnswer(BaseModel):
    image_id: str
    subject: str


class ExamplePageAnswer(BaseModel):
    faces: list[ExampleAnswer]
    page_number: int = Field(description="From 0.")
    page_size: int
    total_pages: int
    total_elements: int


class FaceBox(BaseModel):
    """Whole pixels of the upright photo."""

    probability: float = Field(description="The detector's score, held to 0…1.")
    x_min: int
    y_min: int
    x_max: int
    y_max: int


class AgeRange(BaseModel):
    low: int
    high: int


class GenderAnswer(BaseModel):
    value: str = Field(examples=["female"])


class Pose(BaseModel):
    """Degrees; null where the pack cannot tell."""

    pitch: float | None
    roll: float | None
    yaw: float | None


class FoundFace(BaseModel):
    """What was not asked for by `face_plugins` or `status`, or the pack has no network for, is left out."""

    box: FaceBox
    age: AgeRange | None = None
    gender: GenderAnswer | None = None
    pose: Pose | None = None
    landmarks: list[tuple[int, int]] | None = None
    embedding: list[float] | None = None
    execution_time: dict[str, float] | None = Field(default=None, description="Milliseconds.")


class SimilarSubject(BaseModel):
    subject: str
    similarity: float = Field(description="0…1, this server's score; no probability.")


class RecognisedFace(FoundFace):
    subjects: list[SimilarSubject] = Field(description="Those that match by this server's thresholds, best first.")


class VerifiedFace(FoundFace):
    similarity: float = Field(description="0…1, this server's score; no probability.")


class DetectionAnswer(BaseModel):
    result: list[FoundFace]
    plugins_versions: dict[str, str] | None = None


class RecognitionAnswer(BaseModel):
    result: list[RecognisedFace]
    plugins_versions: dict[str, str] | None = None


class ExampleVerificationAnswer(BaseModel):
    result: list[VerifiedFace]
    plugins_versions: dict[str, str] | None = None


class ComparedFaces(BaseModel):
    source_image_face: FoundFace
    face_matches: list[VerifiedFace]
    plugins_versions: dict[str, str] | None = None


class VerificationAnswer(BaseModel):
    result: list[ComparedFaces]


def photo_body(*fields: str) -> dict[str, Any]:
    """`openapi_extra` of a route that takes photos in these fields."""

    def body(one: dict[str, str]) -> dict[str, Any]:
        return {"schema": {"type": "object", "properties": dict.fromkeys(fields, one), "required": list(fields)}}

    content = {
        "multipart/form-data": body({"type": "string", "format": "binary"}),
        "application/json": body({"type": "string", "format": "byte"}),
    }
    return {"requestBody": {"required": True, "content": content}}
