"""Persons, their images, and what came of enrolling them."""

from datetime import datetime
from typing import Any

from lianpu.client.answers.recognition import Liveness, NormalizedBox, PixelBox, Quality
from lianpu.client.answers.record import Record


class PackCoverage(Record):
    name: str
    version: str
    embedding_count: int


class Person(Record):
    person_id: str
    name: str
    metadata: dict[str, Any]
    threshold: float | None
    """The person's own threshold; null: the pack's applies."""
    created_at: datetime
    updated_at: datetime
    image_count: int
    primary_image_id: str | None
    packs: tuple[PackCoverage, ...]
    """The packs that this person can be found by."""


class EmbeddingSummary(Record):
    pack: str
    pack_version: str
    dimension: int


class PersonImage(Record):
    image_id: str
    person_id: str
    is_primary: bool
    width: int
    height: int
    format: str
    size_bytes: int
    sha256: str
    box: PixelBox
    box_normalized: NormalizedBox
    quality: Quality
    liveness: Liveness | None
    """As judged at enrolment; null: liveness was off."""
    embeddings: tuple[EmbeddingSummary, ...]
    uploaded_at: datetime


class GeneratedEmbedding(Record):
    model_name: str
    model_version: str
    status: str
    feature_size: int | None
    detail: str | None = None


class EnrolmentWarning(Record):
    """Something amiss that did not keep the photo from being enrolled."""

    code: str
    message: str
    value: float
    """What was found; a score 0…1 for the conflict codes."""
    limit: float
    """In the same unit."""
    person_id: str | None = None
    """Whom the face looks like."""
    name: str | None = None


class Enrolment(Record):
    request_id: str
    person: Person
    image: PersonImage
    generated_embeddings: tuple[GeneratedEmbedding, ...]
    warnings: tuple[EnrolmentWarning, ...]
    """What is amiss with the photo; empty when nothing is."""


class PersonDetail(Record):
    request_id: str
    person: Person
    images: tuple[PersonImage, ...]


class DeletionReceipt(Record):
    """What is gone. It holds no name and no image, so that it can be kept."""

    receipt_id: str
    person_id: str
    deleted_at: datetime
    images: int
    embeddings: dict[str, int]
    """How many by pack."""
    files: int
    remaining_files: int
    """Held by another program; they are tried again every hour and at every start."""
    verified: bool
    """Database, files and indexes were looked at afterwards: nothing is left."""


class DeletionOutcome(Record):
    person_id: str
    status: str
    receipt: DeletionReceipt | None


class Deletions(Record):
    request_id: str
    deleted: int
    items: tuple[DeletionOutcome, ...]


class MetadataConflict(Record):
    key: str
    kept: Any
    dropped: Any


class Merge(Record):
    request_id: str
    person: Person
    images_moved: int
    duplicates_dropped: int
    """Images that the person had already, byte for byte."""
    persons_removed: tuple[str, ...]
    metadata_conflicts: tuple[MetadataConflict, ...]
    """Keys of which the person's own value stays."""


class Move(Record):
    request_id: str
    person: Person
    """Who has the image now."""
    image: PersonImage
    person_removed: bool
    """The person it came from had no other image and is gone."""
