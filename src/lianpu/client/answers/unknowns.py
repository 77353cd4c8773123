"""Faces of streams that nobody knows yet."""

from datetime import datetime

from lianpu.client.answers.persons import EnrolmentWarning, GeneratedEmbedding, Person
from lianpu.client.answers.record import Record


class NearestPerson(Record):
    person_id: str
    name: str
    score: float
    """0…1, of the best face."""
    threshold: float
    """From this score on a search would name it so."""
    is_match: bool


class Unknown(Record):
    unknown_id: str
    pack: str
    sightings: int
    """Times that a stream saw the person come and go."""
    first_seen_at: datetime
    last_seen_at: datetime
    streams: tuple[str, ...]
    """Ids of the streams that the kept faces are of."""
    faces: int
    """That are kept: the best of the sightings."""
    best_quality: float
    crop_url: str
    """The best face."""
    not_persons: tuple[str, ...]
    """Persons whom somebody said that it is not."""
    suggestion: NearestPerson | None
    """The person of the gallery whom the best face is most like, mostly below the threshold. Null: there is nobody, or
    the pack cannot be used any more."""


class UnknownFace(Record):
    face_id: str
    stream_id: str
    seen_at: datetime
    quality: float
    is_live: bool | None
    """Null: not judged."""
    crop_url: str


class UnknownDetail(Record):
    request_id: str
    unknown: Unknown
    faces: tuple[UnknownFace, ...]
    """The best first."""


class NamedFace(Record):
    face_id: str
    status: str
    image_id: str | None
    generated_embeddings: tuple[GeneratedEmbedding, ...]
    warnings: tuple[EnrolmentWarning, ...]
    code: str | None
    """Why it was not enrolled."""
    detail: str | None


class NamedUnknown(Record):
    request_id: str
    person: Person
    faces: tuple[NamedFace, ...]


class Purged(Record):
    request_id: str
    unknowns: int
    faces: int
