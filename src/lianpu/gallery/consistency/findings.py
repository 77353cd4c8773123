"""What a check can find, and what it makes of it."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

REPORTED_FINDINGS = 1000


class Problem(StrEnum):
    FILE_MISSING = "file_missing"
    """An image's photo is not there. Nothing can bring it back but a backup."""
    FILE_DAMAGED = "file_damaged"
    """An image's photo has other bytes than were enrolled."""
    THUMBNAIL_MISSING = "thumbnail_missing"
    THUMBNAIL_DAMAGED = "thumbnail_damaged"
    FILE_ORPHAN = "file_orphan"
    """A file that no image names."""
    IMAGE_ORPHAN = "image_orphan"
    """An image of a person that there is not."""
    PRIMARY_WRONG = "primary_wrong"
    """A person with images of which none is primary, or several are."""
    EMBEDDING_ORPHAN = "embedding_orphan"
    """An embedding of an image that there is not."""
    EMBEDDING_PERSON_DIFFERS = "embedding_person_differs"
    """An embedding that names another person than its image does."""
    EMBEDDING_DAMAGED = "embedding_damaged"
    """An embedding with numbers that are none, or not as many as its pack's others."""
    INDEX_DIFFERS = "index_differs"
    """The index in memory does not hold the embeddings of the database."""
    JOB_FOLDER_ORPHAN = "job_folder_orphan"
    """A folder of files of a job that there is not."""


@dataclass(frozen=True, slots=True)
class Finding:
    problem: Problem
    subject: str
    """The id, file or pack that it is about."""
    message: str
    person_id: str | None = None


@dataclass
class Findings:
    """Counts of all, and the first thousand themselves."""

    counts: Counter[Problem] = field(default_factory=Counter[Problem])
    repaired: Counter[Problem] = field(default_factory=Counter[Problem])
    listed: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(self, finding: Finding, *, repaired: bool) -> None:
        self.counts[finding.problem] += 1
        self.repaired[finding.problem] += repaired
        if len(self.listed) < REPORTED_FINDINGS:
            self.listed.append(
                {
                    "problem": finding.problem.value,
                    "subject": finding.subject,
                    "person_id": finding.person_id,
                    "message": finding.message,
                    "repaired": repaired,
                }
            )

    def content(self) -> dict[str, Any]:
        """As the job's result has it (JSON)."""
        found, repaired = sum(self.counts.values()), sum(self.repaired.values())
        return {
            "is_clean": found == 0,
            "found": found,
            "repaired": repaired,
            "remaining": found - repaired,
            "counts": {problem.value: count for problem, count in sorted(self.counts.items())},
            "findings": self.listed,
        }
