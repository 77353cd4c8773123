"""What taking in an archive would do to this gallery, person by person, and the report of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lianpu.errors import LianpuError
from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.models import Person
from lianpu.gallery.transfer.archive_format import ArchiveManifest, PackEntry, PersonLine
from lianpu.gallery.transfer.reading import ArchivedImage, ArchivedPerson
from lianpu.gallery.transfer.repository import TransferRepository
from lianpu.gallery.transfer.weights import InstalledWeights
from lianpu.packs.folder import folder_name

REPORTED_CONFLICTS = 100


class OnConflict(StrEnum):
    """What becomes of a person who is in the gallery already."""

    FAIL = "fail"
    """With another name, metadata or threshold: nothing at all is taken in. Else as merged."""
    SKIP = "skip"
    """Left as it is here."""
    MERGE = "merge"
    """Gets the photos and embeddings that it lacks; name, metadata and threshold stay those of here."""


class Outcome(StrEnum):
    """What becomes of a person of the archive; also the status of its item."""

    ADDED = "added"
    MERGED = "merged"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class PersonPlan:
    archived: ArchivedPerson
    outcome: Outcome
    differing: tuple[str, ...]
    """Of name, metadata and threshold."""
    new_images: tuple[ArchivedImage, ...]
    known_images: Mapping[str, str]
    """Image id in the archive -> here, of photos that the person has already."""
    new_embeddings: int
    """That would be added, those of new images included."""


@dataclass(frozen=True, slots=True)
class PackVerdict:
    """Whether the embeddings of a pack are taken in, or the reason why not."""

    pack: PackEntry
    reason: str | None

    @property
    def is_taken(self) -> bool:
        return self.reason is None


def judge_packs(packs: Iterable[PackEntry], installed: InstalledWeights, analyzers: Analyzers) -> list[PackVerdict]:
    """Embeddings are taken in only where the pack of here would make the very same ones. Blocks: packs are loaded."""
    return [PackVerdict(pack, _refusal(pack, installed, analyzers)) for pack in packs]


def _refusal(pack: PackEntry, installed: InstalledWeights, analyzers: Analyzers) -> str | None:
    here = installed.of(pack.key)
    if here is None:
        return "the pack is not installed here"
    if pack.weights is None:
        return "the exporting server no longer had the pack, so its weights cannot be compared"
    if pack.weights != here[1]:
        return "the pack of this name and version has other weights here"
    try:
        dimension = analyzers.get(folder_name(*pack.key)).dimension
    except LianpuError as error:
        return error.detail
    return None if dimension == pack.dimension else f"the pack's embeddings have {dimension} numbers here"


async def plan_people(
    repository: TransferRepository, people: Sequence[ArchivedPerson], on_conflict: OnConflict, taken: set[PackKey]
) -> list[PersonPlan]:
    """What would become of some hundreds of persons at most."""
    existing = await repository.existing([person.line.person_id for person in people])
    images = await repository.image_ids_by_hash(list(existing))
    known = {(pid, sha256): image_id for (pid, sha256), image_id in images.items()}
    candidates = [known[key] for person in people for image in person.images if (key := _key(person, image)) in known]
    embedded = await repository.embedded(candidates) if candidates else set[tuple[str, str, str]]()
    return [_plan(person, existing, known, embedded, on_conflict, taken) for person in people]


def _plan(
    archived: ArchivedPerson,
    existing: Mapping[str, Person],
    known: Mapping[tuple[str, str], str],
    embedded: set[tuple[str, str, str]],
    on_conflict: OnConflict,
    taken: set[PackKey],
) -> PersonPlan:
    person = existing.get(archived.line.person_id)
    differing = () if person is None else _differing(archived.line, person)
    if person is not None and (on_conflict is OnConflict.SKIP or (differing and on_conflict is OnConflict.FAIL)):
        outcome = Outcome.SKIPPED if on_conflict is OnConflict.SKIP else Outcome.CONFLICT
        return PersonPlan(archived, outcome, differing, (), {}, 0)
    here = {image.line.image_id: known.get(_key(archived, image)) for image in archived.images}
    new = tuple(image for image in archived.images if here[image.line.image_id] is None)
    count = sum(
        (here[image.line.image_id], *embedding.pack.key) not in embedded
        for image in archived.images
        for embedding in image.embeddings
        if embedding.pack.key in taken
    )
    outcome = Outcome.ADDED if person is None else Outcome.MERGED if new or count else Outcome.UNCHANGED
    found = {archived_id: image_id for archived_id, image_id in here.items() if image_id is not None}
    return PersonPlan(archived, outcome, differing, new, found, count)


@dataclass
class Report:
    """Of a dry run, or of what was examined before anything is taken in."""

    manifest: ArchiveManifest
    signed_by: str
    verdicts: Sequence[PackVerdict]
    outcomes: Counter[Outcome] = field(default_factory=Counter[Outcome])
    conflicts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    new_images: int = 0
    known_images: int = 0
    new_embeddings: int = 0
    images_without_embedding: int = 0
    differing: int = 0

    def add(self, plan: PersonPlan) -> None:
        taken = {verdict.pack.key for verdict in self.verdicts if verdict.is_taken}
        self.outcomes[plan.outcome] += 1
        self.new_images += len(plan.new_images)
        self.known_images += len(plan.known_images)
        self.new_embeddings += plan.new_embeddings
        self.images_without_embedding += sum(
            not any(embedding.pack.key in taken for embedding in image.embeddings) for image in plan.new_images
        )
        if plan.differing:
            self.differing += 1
            if len(self.conflicts) < REPORTED_CONFLICTS:
                person_id = plan.archived.line.person_id
                self.conflicts.append({"person_id": person_id, "fields": list(plan.differing)})

    def content(self) -> dict[str, Any]:
        """As the job's result has it (JSON)."""
        return {
            "archive": {
                "signed_by": self.signed_by,
                "created_at": self.manifest.created_at.isoformat(),
                "product_version": self.manifest.product_version,
                "has_images": self.manifest.has_images,
                "persons": self.manifest.persons,
                "images": self.manifest.images,
                "embeddings": self.manifest.embeddings,
            },
            "persons": {outcome.value: self.outcomes[outcome] for outcome in Outcome},
            "images": {"new": self.new_images, "known": self.known_images},
            "embeddings": {"new": self.new_embeddings},
            "packs": [
                {
                    "name": verdict.pack.name,
                    "version": verdict.pack.version,
                    "embeddings": verdict.pack.embeddings,
                    "is_taken": verdict.is_taken,
                    "reason": verdict.reason,
                }
                for verdict in self.verdicts
            ],
            "differing_persons": self.differing,
            "conflicts": self.conflicts,
            "notes": self._notes(),
        }

    def _notes(self) -> list[str]:
        notes: list[str] = []
        if not self.manifest.has_images and self.manifest.images:
            notes.append("The archive has no photos: persons are taken in without images and embeddings.")
        elif self.images_without_embedding:
            notes.append(
                f"{self.images_without_embedding} images get no embedding and cannot be found: make them with "
                "`lianpu gallery reembed PACK`."
            )
        return notes


def _key(person: ArchivedPerson, image: ArchivedImage) -> tuple[str, str]:
    return person.line.person_id, image.line.sha256


def _differing(line: PersonLine, person: Person) -> tuple[str, ...]:
    pairs = (
        ("name", line.name, person.name),
        ("metadata", line.metadata, person.details),
        ("threshold", line.threshold, person.threshold),
    )
    return tuple(field for field, archived, here in pairs if archived != here)
