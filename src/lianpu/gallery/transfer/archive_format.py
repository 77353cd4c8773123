"""What an archive holds: its entries, their lines, and what each of them may say (docs/transfer.md)."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from lianpu.engines.image import ImageFormat
from lianpu.gallery.identity import checked_metadata, checked_name, checked_person_id
from lianpu.gallery.schemas import LivenessAnswer, Quality
from lianpu.packs.folder import folder_name
from lianpu.packs.manifest import PACK_NAME_PATTERN, PACK_VERSION_PATTERN
from lianpu.packs.metric import Metric

FORMAT = "lianpu-gallery"
FORMAT_VERSION = 1
MANIFEST, PERSONS, IMAGES, CHECKSUMS = "manifest.json", "persons.jsonl", "images.jsonl", "checksums.sha256"
MAX_MANIFEST_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 18
MAX_DIMENSION = 1 << 16
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
IMAGE_ENTRY = re.compile(rf"images/(?P<image_id>{UUID})\.(?P<format>[a-z]+)")
SHA256 = r"^[0-9a-f]{64}$"

Uuid = Annotated[str, Field(pattern=f"^{UUID}$")]
Digest = Annotated[str, Field(pattern=SHA256)]
Threshold = Annotated[float, Field(ge=0, le=1)]
Model = TypeVar("Model", bound=BaseModel)

Count = Annotated[int, Field(ge=0)]


def _same_as_checked(value: str) -> str:
    # What a gallery stores went through the check before, so the check changes nothing.
    if checked_person_id(value) != value:
        raise ValueError("is not in Unicode form NFC")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies beyond the calendar") from error


def _storable(value: Model) -> Model:
    # Other models let NaN pass, which JSON does not know.
    checked_metadata(value.model_dump(mode="json"))
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PackEntry(_Line):
    """A pack version with embeddings in the archive."""

    name: Annotated[str, Field(pattern=PACK_NAME_PATTERN)]
    version: Annotated[str, Field(pattern=PACK_VERSION_PATTERN)]
    dimension: Annotated[int, Field(ge=1, le=MAX_DIMENSION)]
    metric: Metric | None
    """None: the pack was not installed any more."""
    weights: Digest | None
    """`weights_digest` of the pack; None as with `metric`."""
    embeddings: Count

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.version

    @property
    def vectors_entry(self) -> str:
        return f"embeddings/{folder_name(*self.key)}.f32"

    @property
    def lines_entry(self) -> str:
        return f"embeddings/{folder_name(*self.key)}.jsonl"


class ArchiveManifest(_Line):
    format: Literal["lianpu-gallery"]
    format_version: Literal[1]
    product_version: Annotated[str, Field(max_length=64)]
    created_at: Moment
    gallery_id: Digest
    """Fingerprint of the key that the exporting installation signs with."""
    has_images: bool
    has_embeddings: bool
    persons: Count
    images: Count
    embeddings: Count
    left_out: Count
    """Images whose file was gone or damaged when it was to be exported."""
    packs: Annotated[tuple[PackEntry, ...], Field(max_length=1000)]


class PersonLine(_Line):
    person_id: Annotated[str, AfterValidator(_same_as_checked)]
    name: Annotated[str, AfterValidator(checked_name)]
    metadata: Annotated[dict[str, Any], AfterValidator(checked_metadata)]
    threshold: Threshold | None
    created_at: Moment
    updated_at: Moment


class ImageLine(_Line):
    image_id: Uuid
    person_id: str
    sha256: Digest
    is_primary: bool
    format: ImageFormat
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    size_bytes: Annotated[int, Field(ge=1)]
    box: tuple[float, float, float, float]
    quality: Annotated[Quality, AfterValidator(_storable)]
    liveness: Annotated[LivenessAnswer, AfterValidator(_storable)] | None
    uploaded_at: Moment

    @property
    def entry(self) -> str:
        return f"images/{self.image_id}.{self.format}"


class EmbeddingLine(_Line):
    """The vector is the row of the pack's `.f32` that has the line's number."""

    embedding_id: Uuid
    image_id: Uuid
    threshold: Threshold | None
    created_at: Moment
