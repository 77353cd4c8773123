"""What the routes of the unknown inbox take and answer."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from lianpu.gallery.answers import generated_answer, warning_answer
from lianpu.gallery.enrolment import PersonFields
from lianpu.gallery.moves.schemas import NewPerson
from lianpu.gallery.recognition import PersonMatch
from lianpu.gallery.schemas import Answer, EnrolmentWarning, GeneratedEmbedding, PersonAnswer, PersonId, Strict
from lianpu.packs.folder import folder_name
from lianpu.streams.inbox.models import UnknownFace
from lianpu.streams.inbox.naming import NamedFace
from lianpu.streams.inbox.review import UnknownRecord

PATH = "/api/v1/stream/unknowns"
UnknownId = Field(max_length=64, examples=["018f6d3a-6c1e-7c3b-9d0e-2f4b8a1c5e77"])


class NameFields(Strict):
    """Exactly one of `person_id` and `new_person`."""

    person_id: PersonId | None = Field(default=None, description="Of a person who is enrolled.")
    new_person: NewPerson | None = None

    @model_validator(mode="after")
    def _one_person(self) -> Self:
        if (self.person_id is None) == (self.new_person is None):
            raise ValueError("give either person_id or new_person")
        return self

    @property
    def person(self) -> PersonFields:
        new = self.new_person
        return PersonFields(self.person_id) if new is None else PersonFields(new.person_id, new.name, new.metadata)


class VetoFields(Strict):
    person_id: PersonId


class MoveFaceFields(Strict):
    to_unknown_id: str | None = Field(default=None, max_length=64, description="Null: an unknown person of its own.")


class MergeUnknownFields(Strict):
    unknown_id: str = UnknownId


class NearestPersonAnswer(BaseModel):
    person_id: str
    name: str
    score: float = Field(description="0…1, of the best face.")
    threshold: float = Field(description="From this score on a search would name it so.")
    is_match: bool

    @classmethod
    def of(cls, match: PersonMatch) -> Self:
        return cls(
            person_id=match.row.person_id,
            name=match.row.name,
            score=round(match.score, 4),
            threshold=round(match.threshold.value, 4),
            is_match=match.is_match,
        )


class UnknownAnswer(BaseModel):
    unknown_id: str
    pack: str = Field(examples=["dlib@1"])
    sightings: int = Field(description="Times that a stream saw the person come and go.")
    first_seen_at: datetime
    last_seen_at: datetime
    streams: list[str] = Field(description="Ids of the streams that the kept faces are of.")
    faces: int = Field(description="That are kept: the best of the sightings.")
    best_quality: float
    crop_url: str = Field(description="The best face.")
    not_persons: list[str] = Field(description="Persons whom somebody said that it is not.")
    suggestion: NearestPersonAnswer | None = Field(
        description="The person of the gallery whom the best face is most like, mostly below the threshold. Null: "
        "there is nobody, or the pack cannot be used any more."
    )

    @classmethod
    def of(cls, record: UnknownRecord) -> Self:
        row, faces = record.row, record.faces
        return cls(
            unknown_id=row.id,
            pack=folder_name(row.pack, row.pack_version),
            sightings=row.sightings,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            streams=sorted({face.stream_id for face in faces}),
            faces=len(faces),
            best_quality=round(faces[0].quality, 3),
            crop_url=f"{PATH}/{row.id}/crop",
            not_persons=sorted(record.vetoed),
            suggestion=None if record.nearest is None else NearestPersonAnswer.of(record.nearest),
        )


class UnknownFaceAnswer(BaseModel):
    face_id: str
    stream_id: str
    seen_at: datetime
    quality: float
    is_live: bool | None = Field(description="Null: not judged.")
    crop_url: str

    @classmethod
    def of(cls, face: UnknownFace) -> Self:
        return cls(
            face_id=face.id,
            stream_id=face.stream_id,
            seen_at=face.seen_at,
            quality=round(face.quality, 3),
            is_live=face.is_live,
            crop_url=f"{PATH}/{face.unknown_id}/faces/{face.id}/crop",
        )


class UnknownListAnswer(Answer):
    enabled: bool = Field(description="Whether faces are being kept; see `streams.inbox.enabled`.")
    total: int
    unknowns: list[UnknownAnswer]
    next_cursor: str | None


class UnknownDetailAnswer(Answer):
    unknown: UnknownAnswer
    faces: list[UnknownFaceAnswer] = Field(description="The best first.")

    @classmethod
    def of(cls, record: UnknownRecord, request_id: str) -> Self:
        return cls(
            unknown=UnknownAnswer.of(record),
            faces=[UnknownFaceAnswer.of(face) for face in record.faces],
            request_id=request_id,
        )


class NamedFaceAnswer(BaseModel):
    face_id: str
    status: Literal["enrolled", "failed"]
    image_id: str | None
    generated_embeddings: list[GeneratedEmbedding]
    warnings: list[EnrolmentWarning]
    code: str | None = Field(description="Why it was not enrolled.", examples=["face_not_found"])
    detail: str | None

    @classmethod
    def of(cls, face: NamedFace) -> Self:
        enrolled, error = face.enrolled, face.error
        return cls(
            face_id=face.face_id,
            status="failed" if enrolled is None else "enrolled",
            image_id=None if enrolled is None else enrolled.image_id,
            generated_embeddings=[] if enrolled is None else [generated_answer(item) for item in enrolled.generated],
            warnings=[] if enrolled is None else [warning_answer(item) for item in enrolled.warnings],
            code=None if error is None else error.code,
            detail=None if error is None else error.detail,
        )


class NamedAnswer(Answer):
    person: PersonAnswer
    faces: list[NamedFaceAnswer]


class PurgedAnswer(Answer):
    unknowns: int
    faces: int
