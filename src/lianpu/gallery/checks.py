"""What is found amiss at enrolment: poor quality, a face like somebody else's, a face unlike its own person's."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.quality import FaceQuality, QualityLimits, shortfalls
from lianpu.errors import EnrolmentConflictError, FieldError, QualityTooLowError
from lianpu.gallery.changes import GalleryChange
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import Person
from lianpu.gallery.thresholds import GalleryThresholds, applied_threshold
from lianpu.packs.metric import raw_value, score_of
from lianpu.settings import CheckMode

LOOKS_LIKE_ANOTHER_PERSON = "looks_like_another_person"
UNLIKE_OWN_PERSON = "unlike_own_person"
PERSONS_NAMED = 5
"""Most persons named whom a face looks like."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing amiss; `value` and `limit` are in the same unit, scores 0…1 for conflicts."""

    code: str
    message: str
    value: float
    limit: float
    person_id: str | None = None
    """Whom the face looks like."""
    name: str | None = None

    def figures(self) -> dict[str, object]:
        """What the API shows."""
        shown: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "value": round(self.value, 4),
            "limit": round(self.limit, 4),
        }
        return shown | ({} if self.person_id is None else {"person_id": self.person_id, "name": self.name})


def check_quality(quality: FaceQuality, limits: QualityLimits, mode: CheckMode) -> tuple[Finding, ...]:
    """
    Raises:
        QualityTooLowError: something falls short and the mode is `reject`.
    """
    if mode is CheckMode.OFF:
        return ()
    found = tuple(
        Finding(
            item.issue.value,
            f"{item.measure} is {item.value:.4g}, the limit {item.limit:g}",
            item.value,
            item.limit,
        )
        for item in shortfalls(quality, limits)
    )
    if found and mode is CheckMode.REJECT:
        raise QualityTooLowError(
            f"The face is not good enough: {'; '.join(item.message for item in found)}.",
            errors=_errors(found),
            context={"warnings": [item.figures() for item in found]},
        )
    return found


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face about to be enrolled, as the first of the wanted packs embeds it. `vector`: [dimension] float32."""

    analyzer: FaceAnalyzer
    vector: NDArray[np.float32]


class ConflictCheck:
    """Compares a new face with the gallery inside the change that enrols it, so that none before it is missed.

    Of what the same change added before, only the person's own images are seen: enrol one image in a change.
    """

    def __init__(self, indexes: GalleryIndexes, thresholds: GalleryThresholds) -> None:
        self._indexes = indexes
        self._thresholds = thresholds

    async def check(self, change: GalleryChange, person: Person, face: NewFace, mode: CheckMode) -> tuple[Finding, ...]:
        """
        Raises:
            EnrolmentConflictError: something is found and the mode is `reject`.
        """
        if mode is CheckMode.OFF:
            return ()
        own = await self._unlike_own(change, person, face)
        others = await self._like_others(change, person, face)
        found = (*others, *own)
        if found and mode is CheckMode.REJECT:
            raise EnrolmentConflictError(
                f"The face does not fit person {person.id!r}: {'; '.join(item.message for item in found)}.",
                errors=_errors(found),
                context={
                    "warnings": [item.figures() for item in found],
                    "persons": [
                        {"person_id": item.person_id, "name": item.name, "score": round(item.value, 4)}
                        for item in others
                    ],
                },
            )
        return found

    async def _like_others(self, change: GalleryChange, person: Person, face: NewFace) -> list[Finding]:
        """By the thresholds that a search would apply, so that it warns of whom a search would name."""
        pack = face.analyzer
        key = (pack.pack_name, pack.pack_version)
        index = await self._indexes.index_of(key, pack.dimension, pack.metric)
        hits = (await asyncio.to_thread(index.search, face.vector[None], PERSONS_NAMED + 1))[0]
        others = [hit for hit in hits if hit.person_id != person.id][:PERSONS_NAMED]
        rows = await change.repository.matches([hit.embedding_id for hit in others])
        found: list[Finding] = []
        for hit in others:
            row = rows.get(hit.embedding_id)
            if row is None:
                continue
            score = score_of(pack.metric, hit.raw_value)
            limit = applied_threshold(
                request=None,
                embedding=row.embedding_threshold,
                person=row.person_threshold,
                gallery=self._thresholds.of(key),
                pack=pack.threshold,
            ).value
            if score >= limit:
                message = (
                    f"looks like {row.name!r} ({row.person_id}) with a score of {score:.3f}, a match from {limit:.3f}"
                )
                found.append(Finding(LOOKS_LIKE_ANOTHER_PERSON, message, score, limit, row.person_id, row.name))
        return found

    async def _unlike_own(self, change: GalleryChange, person: Person, face: NewFace) -> list[Finding]:
        pack = face.analyzer
        own = await change.repository.vectors_of_person(person.id, pack.pack_name, pack.pack_version)
        if not own:
            return []
        score = max(score_of(pack.metric, raw_value(pack.metric, face.vector, vector)) for vector in own)
        of_gallery = self._thresholds.of((pack.pack_name, pack.pack_version))
        limit = applied_threshold(
            request=None, embedding=None, person=person.threshold, gallery=of_gallery, pack=pack.threshold
        ).value
        if score >= limit:
            return []
        message = f"the nearest of the person's own images has a score of {score:.3f}, a match from {limit:.3f}"
        return [Finding(UNLIKE_OWN_PERSON, message, score, limit)]


def _errors(found: Sequence[Finding]) -> list[FieldError]:
    return [FieldError("image", item.message, item.code) for item in found]
