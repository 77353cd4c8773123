"""What the health report says and takes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from lianpu.gallery.insights.health_findings import FindingKind, Severity
from lianpu.gallery.schemas import Answer, PackName, Strict


class HealthFields(Strict):
    pack: PackName | None = None


class FindingPerson(BaseModel):
    person_id: str
    name: str


class FindingImage(BaseModel):
    person_id: str
    image_id: str


class FindingAction(BaseModel):
    """One way to mend it: an API call, also made by `POST …/findings/{finding_id}/apply`."""

    action: str = Field(examples=["move_image"], description="What to name in `apply`; unique in the finding.")
    label_code: str = Field(examples=["health.move_image"])
    label: str = Field(examples=["Move the image to Ben"])
    method: Literal["POST", "PATCH", "DELETE"]
    path: str
    body: dict[str, Any] | None = None


class HealthFinding(BaseModel):
    finding_id: str = Field(description="The same as long as the same thing is wrong.")
    kind: FindingKind
    severity: Severity
    persons: list[FindingPerson] = Field(description="The first one is the one whom it is about.")
    images: list[FindingImage]
    score: float | None = Field(description="A score 0…1, or the quality for `single_poor_image`.")
    limit: float | None = Field(description="In the same unit: from there on it would match, or be good enough.")
    explanation: str
    actions: list[FindingAction]


class HealthReport(BaseModel):
    """What a job of the kind gallery.health found."""

    pack: str
    pack_version: str
    threshold: float = Field(description="That applied to persons without one of their own.")
    people: int = Field(description="Whom the pack can find.")
    images: int
    compared_people: int = Field(description="Fewer than people: the gallery is too large to compare all with all.")
    counts: dict[FindingKind, int] = Field(description="All that was found, dismissed findings included.")
    findings: list[HealthFinding] = Field(description="The worst of each kind; not more than 200 each.")


class HealthReportAnswer(Answer):
    job_id: str
    checked_at: datetime
    report: HealthReport
    dismissed: int = Field(description="Findings that were left out because somebody called them fine.")
    outdated: int = Field(description="Findings that were left out because the persons or images have changed since.")


class ApplyFields(Strict):
    action: str = Field(examples=["move_image"])


class AppliedAnswer(Answer):
    finding_id: str
    action: str


class DismissedAnswer(Answer):
    finding_id: str
    dismissed: bool
