"""What is wrong in a gallery as its embeddings show it: images in the wrong place, persons too close to one another."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lianpu.gallery.insights.look_alikes import NEAR, closest_pairs, score_matrix
from lianpu.gallery.insights.pair_scan import GalleryVectors
from lianpu.packs.metric import Metric
from lianpu.vectors.pairs import PairScores

MOST_PAIRS = 5000
SAME_PHOTO_SCORE = 0.99
"""A photo and its re-encoded or resized copy score more; two photos of a person hardly ever do."""
FAR_ABOVE = 1 / 3
"""From this share of the way from the threshold to 1 on, two images show one person: of LFW's 9 million pairs of people
ten lie above it, and by their names these are people listed twice, twins and misfiled photos."""
CLEARLY_ABOVE = 1 / 6
"""The same where more speaks for it than one best score: for the mean of two persons' images, and for an image that its
own person disowns."""
CLEARLY_UNLIKE = 0.05
"""So far below the threshold an image is no near miss any more."""
MOST_OWN_IMAGES = 2000
"""Persons with more images are not looked through."""


class FindingKind(StrEnum):
    MISFILED_IMAGE = "misfiled_image"
    DUPLICATE_PERSONS = "duplicate_persons"
    OUTLIER_IMAGE = "outlier_image"
    LOOK_ALIKES = "look_alikes"
    DUPLICATE_IMAGES = "duplicate_images"
    NO_EMBEDDING = "no_embedding"
    SINGLE_POOR_IMAGE = "single_poor_image"


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing wrong. The first person is the one whom it is about."""

    kind: FindingKind
    severity: Severity
    person_ids: tuple[str, ...]
    images: tuple[tuple[str, str], ...] = ()
    """(person id, image id)."""
    score: float | None = None
    limit: float | None = None
    """The score from which it would match, or the least quality."""
    scope: str = ""
    """What else tells it from another finding: the pack that finds nothing."""
    detail: str = ""

    @property
    def finding_id(self) -> str:
        """The same whenever the same thing is found again."""
        # Which images make two persons look alike may change; that they do is one finding.
        of_persons = self.kind in {FindingKind.LOOK_ALIKES, FindingKind.DUPLICATE_PERSONS}
        images = () if of_persons else sorted(image_id for _, image_id in self.images)
        text = "\n".join([self.kind, self.scope, *sorted(self.person_ids), "", *images])
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Limits:
    """[persons] least score that matches each person, and whether that is the person's own threshold."""

    scores: NDArray[np.float64]
    are_own: NDArray[np.bool_]

    @classmethod
    def of(cls, person_ids: list[str], own: dict[str, float], otherwise: float) -> "Limits":
        values = [own.get(person_id) for person_id in person_ids]
        return cls(
            np.array([otherwise if value is None else value for value in values], np.float64),
            np.array([value is not None for value in values], np.bool_),
        )


def find(gallery: GalleryVectors, scores: PairScores | None, limits: Limits, metric: Metric) -> list[Found]:
    """Everything that embeddings show. `scores` is None where there is one person alone."""
    search = _Search(gallery, scores, limits, metric)
    own = list(search.strays())
    return own if scores is None else own + list(search.close_pairs(scores))


class _Search:
    def __init__(self, gallery: GalleryVectors, scores: PairScores | None, limits: Limits, metric: Metric) -> None:
        self._gallery = gallery
        self._scores = scores
        self._limits = limits
        self._metric = metric
        self._rows_of = gallery.rows_of()
        self._strayed: set[int] = set()
        """Rows of images that do not belong to their person."""

    def strays(self) -> Iterator[Found]:
        for person, rows in enumerate(self._rows_of):
            if 1 < len(rows) <= MOST_OWN_IMAGES and self._may_fall_apart(person, rows):
                yield from self._strays_of(person, rows)

    def _may_fall_apart(self, person: int, rows: NDArray[np.intp]) -> bool:
        if self._scores is None or len(rows) > 3:
            return True
        own = self._scores.own[rows]
        return bool(np.isnan(own).any() or (own < self._limits.scores[person]).any())

    def _strays_of(self, person: int, rows: NDArray[np.intp]) -> Iterator[Found]:
        limit = float(self._limits.scores[person])
        vectors = self._gallery.vectors[rows]
        matrix = score_matrix(self._metric, vectors, vectors)
        np.fill_diagonal(matrix, -np.inf)
        groups = _connected(matrix >= limit)
        sizes = np.bincount(groups)
        if len(sizes) == 1:
            return
        has_core = 2 * int(sizes.max()) > len(rows)
        strays = np.flatnonzero(groups != sizes.argmax()) if has_core else np.arange(len(rows))
        unexplained: list[int] = []
        for stray in strays.tolist():
            misfiled = self._misfiled_to(person, int(rows[stray]), float(matrix[stray].max()))
            if misfiled is None:
                unexplained.append(stray)
            else:
                yield misfiled
        if has_core:
            core = groups == sizes.argmax()
            for stray in unexplained:
                self._strayed.add(int(rows[stray]))
                yield self._outlier(person, [int(rows[stray])], float(matrix[stray][core].max()), limit)
        elif len(unexplained) == len(rows):
            yield self._outlier(person, rows.tolist(), float(matrix.max()), limit)

    def _misfiled_to(self, person: int, row: int, own: float) -> Found | None:
        """Whether the image clearly belongs to somebody else."""
        if self._scores is None or np.isnan(self._scores.other[row]):
            return None
        score, other = float(self._scores.other[row]), int(self._scores.other_person[row])
        if score < _above(float(self._limits.scores[other]), CLEARLY_ABOVE) or score <= own:
            return None
        self._strayed.add(row)
        ids = self._gallery.person_ids
        return Found(
            FindingKind.MISFILED_IMAGE,
            Severity.HIGH,
            (ids[person], ids[other]),
            (self._image(row),),
            score,
            float(self._limits.scores[other]),
        )

    def _outlier(self, person: int, rows: list[int], score: float, limit: float) -> Found:
        return Found(
            FindingKind.OUTLIER_IMAGE,
            Severity.MEDIUM if score < limit - CLEARLY_UNLIKE else Severity.LOW,
            (self._gallery.person_ids[person],),
            tuple(self._image(row) for row in rows),
            score,
            limit,
        )

    def close_pairs(self, scores: PairScores) -> Iterator[Found]:
        least = float(self._limits.scores.min()) - NEAR
        for first, second in closest_pairs(scores, self._gallery.persons, least, MOST_PAIRS):
            yield from self._close(first, second)

    def _close(self, first: int, second: int) -> Iterator[Found]:
        """Images that do not belong to their person say nothing about how alike the two are."""
        one, other = self._kept(first), self._kept(second)
        if not len(one) or not len(other):
            return
        matrix = score_matrix(self._metric, self._gallery.vectors[one], self._gallery.vectors[other])
        same = matrix >= SAME_PHOTO_SCORE
        for row, column in np.argwhere(same).tolist():
            yield self._same_photo(int(one[row]), int(other[column]), float(matrix[row, column]))
        left = matrix[np.ix_(~same.any(axis=1), ~same.any(axis=0))]
        found = self._alike(first, second, one, other, left if left.size else matrix, matrix)
        if found is not None:
            yield found

    def _alike(
        self,
        first: int,
        second: int,
        one: NDArray[np.intp],
        other: NDArray[np.intp],
        judged: NDArray[np.float64],
        matrix: NDArray[np.float64],
    ) -> Found | None:
        score = float(judged.max())
        limits = self._limits.scores[[first, second]]
        margins = np.where(self._limits.are_own[[first, second]], 0.0, NEAR)
        if (score < limits - margins).all():
            return None
        limit = float(limits.min())
        agree = min(judged.shape) > 1 and float(judged.mean()) >= _above(limit, CLEARLY_ABOVE)
        is_one = agree or score >= _above(limit, FAR_ABOVE)
        row, column = np.argwhere(matrix == score)[0].tolist()
        severity = Severity.LOW if score < limit else Severity.MEDIUM
        return Found(
            FindingKind.DUPLICATE_PERSONS if is_one else FindingKind.LOOK_ALIKES,
            Severity.HIGH if is_one else severity,
            self._longer_first(first, second),
            (self._image(int(one[row])), self._image(int(other[column]))),
            score,
            limit,
        )

    def _longer_first(self, first: int, second: int) -> tuple[str, str]:
        """Who has more images is the one to keep."""
        ids = self._gallery.person_ids
        more = len(self._rows_of[second]) > len(self._rows_of[first])
        return (ids[second], ids[first]) if more else (ids[first], ids[second])

    def _same_photo(self, row: int, other: int, score: float) -> Found:
        images = self._image(row), self._image(other)
        return same_photo(images, score)

    def _kept(self, person: int) -> NDArray[np.intp]:
        rows = self._rows_of[person].tolist()
        return np.array([row for row in rows if row not in self._strayed], np.intp)

    def _image(self, row: int) -> tuple[str, str]:
        return self._gallery.person_ids[int(self._gallery.persons[row])], self._gallery.image_ids[row]


def _above(limit: float, share: float) -> float:
    return limit + share * (1 - limit)


def same_photo(images: tuple[tuple[str, str], ...], score: float | None) -> Found:
    """One photo under several persons; `score` is None where the files are the same, byte by byte."""
    ordered = tuple(sorted(images))
    persons = tuple(dict.fromkeys(person_id for person_id, _ in ordered))
    limit = None if score is None else SAME_PHOTO_SCORE
    return Found(FindingKind.DUPLICATE_IMAGES, Severity.MEDIUM, persons, ordered, score, limit)


def _connected(links: NDArray[np.bool_]) -> NDArray[np.intp]:
    """[n] number of the connected group of each node."""
    groups = np.full(len(links), -1, np.intp)
    count = 0
    for start in range(len(links)):
        if groups[start] >= 0:
            continue
        reached = np.zeros(len(links), np.bool_)
        reached[start] = True
        edge = reached
        while edge.any():
            following = links[edge].any(axis=0) & ~reached
            reached = reached | following
            edge = following
        groups[reached] = count
        count += 1
    return groups
