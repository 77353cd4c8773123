"""Pairs of persons whom a search can confuse, from a scan of everybody against everybody."""

import numpy as np
from numpy.typing import NDArray

from lianpu.gallery.insights.calibration_schemas import LookAlike
from lianpu.gallery.insights.pair_scan import GalleryVectors
from lianpu.gallery.insights.repository import PersonFigures
from lianpu.packs.metric import Metric, raw_value, score_of
from lianpu.vectors.pairs import PairScores

NEAR = 0.02
"""A score this little below the threshold is worth a look."""
KEPT_APART = 0.01
"""So much above their best score does an own threshold keep two persons apart."""
MOST_LISTED = 50


def own_threshold_for(score: float) -> float:
    """A threshold that a score does not reach, with some room; at most 1."""
    return min(1.0, round(score + KEPT_APART, 4))


def closest_pairs(scores: PairScores, persons: NDArray[np.int64], least: float, most: int) -> list[tuple[int, int]]:
    """Pairs of person numbers that score at least so much, the closest first."""
    tail = scores.tail
    kept = int(np.searchsorted(-tail.scores, -least, "right"))
    found: dict[tuple[int, int], None] = {}
    for probe, person in zip(persons[tail.probes[:kept]].tolist(), tail.persons[:kept].tolist(), strict=True):
        found.setdefault((min(probe, person), max(probe, person)))
        if len(found) == most:
            break
    return list(found)


def score_matrix(metric: Metric, first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """[n, m] scores of all pairs of rows, in float64."""
    one, other = first.astype(np.float64), second.astype(np.float64)
    products: NDArray[np.float64] = one @ other.T
    if metric is Metric.EUCLIDEAN:
        squares = np.vecdot(one, one)[:, None] + np.vecdot(other, other)[None] - 2 * products
        distances: NDArray[np.float64] = np.sqrt(np.maximum(squares, 0.0))
        return score_of(metric, distances)
    norms = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)[None]
    norms[norms == 0] = 1.0  # a vector of zeros has a cosine of 0 to any
    cosines: NDArray[np.float64] = products / norms
    return score_of(metric, cosines)


def look_alikes(
    gallery: GalleryVectors, scores: PairScores, metric: Metric, threshold: float, names: dict[str, PersonFigures]
) -> list[LookAlike]:
    """At or near the threshold, the closest first."""
    rows_of = gallery.rows_of()
    found: list[LookAlike] = []
    for first, second in closest_pairs(scores, gallery.persons, threshold - NEAR, MOST_LISTED):
        ids = gallery.person_ids[first], gallery.person_ids[second]
        if not all(person_id in names for person_id in ids):
            continue
        images = gallery.vectors[rows_of[first]], gallery.vectors[rows_of[second]]
        matrix = score_matrix(metric, *images)
        row, column = divmod(int(matrix.argmax()), matrix.shape[1])
        score = float(matrix[row, column])
        found.append(
            LookAlike(
                person_ids=ids,
                names=(names[ids[0]].name, names[ids[1]].name),
                image_ids=(
                    gallery.image_ids[int(rows_of[first][row])],
                    gallery.image_ids[int(rows_of[second][column])],
                ),
                score=score,
                raw_value=raw_value(metric, images[0][row], images[1][column]),
                is_match=score >= threshold,
                suggested_threshold=own_threshold_for(score),
            )
        )
    return found
