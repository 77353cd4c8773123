"""Closed-set identification by leave-one-out: whose is the most similar other image?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.evaluation.intervals import Interval, wilson
from lianpu.packs.metric import Metric

RANKS = (1, 5)
_BLOCK_ROWS = 512


@dataclass(frozen=True, slots=True)
class Identification:
    """How often a person is among the best `rank` of all persons."""

    rank: int
    rate: float
    interval: Interval
    rate_with_misses: float
    """Images without a found face count as not identified."""
    probes: int
    """Images of persons with another image in which a face was found, too."""


def identify(
    embeddings: NDArray[np.float32], found: NDArray[np.bool_], persons: NDArray[np.int64], metric: Metric
) -> list[Identification]:
    """Compare each image with all others; a person's score is that of the best image. Ties count against the pack.

    Args:
        embeddings: [n, dimension].
        found: [n]; rows without a face are left out.
        persons: [n].

    Returns:
        One for each of RANKS; empty where nobody has two images.
    """
    possible = int((np.bincount(persons)[persons] > 1).sum())
    places = np.flatnonzero(found)
    places = places[np.argsort(persons[places], kind="stable")]
    vectors, owners = prepared(embeddings[places], metric), persons[places]
    if not len(owners):
        return []
    starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    counts = np.diff(np.append(starts, len(owners)))
    columns = np.repeat(np.arange(len(starts)), counts)
    ranks = [
        _ranks(vectors, slice(start, min(start + _BLOCK_ROWS, len(owners))), starts, columns, metric)
        for start in range(0, len(owners), _BLOCK_ROWS)
    ]
    probing = np.repeat(counts, counts) > 1
    rank_of_probes = np.concatenate(ranks)[probing]
    if not len(rank_of_probes):
        return []
    results: list[Identification] = []
    for rank in RANKS:
        hits = int((rank_of_probes <= rank).sum())
        trials = len(rank_of_probes)
        results.append(Identification(rank, hits / trials, wilson(hits, trials), hits / possible, trials))
    return results


def _ranks(
    vectors: NDArray[np.float64], rows: slice, starts: NDArray[np.intp], columns: NDArray[np.intp], metric: Metric
) -> NDArray[np.int64]:
    """1 + the number of other persons who score as much as the own one or more."""
    closeness = vectors[rows] @ vectors.T
    if metric is Metric.EUCLIDEAN:
        closeness = 2 * closeness - np.square(vectors).sum(axis=1)
    here = np.arange(rows.stop - rows.start, dtype=np.int64)
    closeness[here, np.arange(rows.start, rows.stop)] = -np.inf
    best = np.maximum.reduceat(closeness, starts, axis=1)
    own = best[here, columns[rows]].copy()
    best[here, columns[rows]] = -np.inf
    return 1 + (best >= own[:, None]).sum(axis=1)


def prepared(embeddings: NDArray[np.float32], metric: Metric) -> NDArray[np.float64]:
    """Float64, and of length 1 where only the direction counts; a vector of zeros stays one."""
    vectors = embeddings.astype(np.float64)
    if metric is Metric.COSINE:
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(norms > 0, norms, 1.0)
    return vectors
