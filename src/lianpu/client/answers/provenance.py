"""Labels read back from a file."""

from datetime import datetime

from lianpu.client.answers.record import Record


class VisibleLabel(Record):
    found: bool
    score: float
    """Correlation with the label's shape, 0…1."""


class LabelMetadata(Record):
    digital_source_type: str | None
    """IPTC's URI."""
    aigc: dict[str, str] | None
    """The field AIGC of GB 45438-2025."""


class SignedManifest(Record):
    valid: bool
    """The signature is whole, and the file is the one that was signed."""
    trusted: bool
    """And it was signed by this installation, or by one that it trusts."""
    issuer: str | None
    generator: str | None
    digital_source_type: str | None
    problems: tuple[str, ...]
    """C2PA's codes."""


class Watermark(Record):
    mark: str
    """64 bits in hexadecimal."""
    sureness: float
    """Standard deviations by which its pattern stands out."""
    scale: float
    """1 unless the picture was cropped or got a border."""


class LabelledOutput(Record):
    """What the operator's records say."""

    kind: str
    job_id: str
    owner_id: str | None
    engine: str
    consent_id: str | None
    labels: tuple[str, ...]
    sha256: str
    """Of the file as it was given out; empty: it was a live stream."""
    created_at: datetime


class ProvenanceMark(Record):
    mark: str
    is_own: bool
    """This installation has given it out."""
    output: LabelledOutput | None
    """For those who may read the audit log (`audit:read`)."""


class Provenance(Record):
    media: str
    conclusion: str
    """`intact`: signed by somebody trusted, and not a bit was changed. `signed`: the same by somebody else. `altered`:
    labelled, and changed or saved anew. `unlabelled`: nothing was found, which proves nothing."""
    survived: tuple[str, ...]
    """Of `visible`, `xmp`, `aigc`, `c2pa` (valid), `watermark`."""
    visible: VisibleLabel
    metadata: LabelMetadata
    manifest: SignedManifest | None
    watermark: Watermark | None
    marks: tuple[ProvenanceMark, ...]
    """Every id that was read."""
    request_id: str
