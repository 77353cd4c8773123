"""The health of a gallery."""

from datetime import datetime
from typing import Any

from lianpu.client.answers.record import Record


class FindingPerson(Record):
    person_id: str
    name: str


class FindingImage(Record):
    person_id: str
    image_id: str


class FindingAction(Record):
    """One way to mend it: an API call, also made by `POST …/findings/{finding_id}/apply`."""

    action: str
    """What to name in `apply`; unique in the finding."""
    label_code: str
    label: str
    method: str
    path: str
    body: dict[str, Any] | None = None


class HealthFinding(Record):
    finding_id: str
    """The same as long as the same thing is wrong."""
    kind: str
    severity: str
    persons: tuple[FindingPerson, ...]
    """The first one is the one whom it is about."""
    images: tuple[FindingImage, ...]
    score: float | None
    """A score 0…1, or the quality for `single_poor_image`."""
    limit: float | None
    """In the same unit: from there on it would match, or be good enough."""
    explanation: str
    actions: tuple[FindingAction, ...]


class HealthReport(Record):
    """What a job of the kind gallery.health found."""

    pack: str
    pack_version: str
    threshold: float
    """That applied to persons without one of their own."""
    people: int
    """Whom the pack can find."""
    images: int
    compared_people: int
    """Fewer than people: the gallery is too large to compare all with all."""
    counts: dict[str, int]
    """All that was found, dismissed findings included."""
    findings: tuple[HealthFinding, ...]
    """The worst of each kind; not more than 200 each."""


class HealthCheck(Record):
    request_id: str
    job_id: str
    checked_at: datetime
    report: HealthReport
    dismissed: int
    """Findings that were left out because somebody called them fine."""
    outdated: int
    """Findings that were left out because the persons or images have changed since."""


class AppliedFinding(Record):
    request_id: str
    finding_id: str
    action: str


class DismissedFinding(Record):
    request_id: str
    finding_id: str
    dismissed: bool


class SigningKey(Record):
    request_id: str
    fingerprint: str
    """SHA-256 of the public key. Another installation takes archives of this one once it trusts it."""
