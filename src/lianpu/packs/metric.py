"""How two embeddings of a pack are compared, and the map between a pack's own metric and the score everyone sees.

| metric    | raw value            | better  | score 0…1     | inverse      |
|-----------|----------------------|---------|---------------|--------------|
| cosine    | cosine, -1…1         | greater | (1 + c) / 2   | 2 s - 1      |
| euclidean | distance d, 0…       | smaller | exp(-d²)      | sqrt(-ln s)  |

Both maps are strictly monotone, so ranking by score and ranking by the raw value agree, and a threshold may be given
in either. A score is comparable within one pack only: it is no probability.
"""

from enum import StrEnum
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Metric(StrEnum):
    """How two embeddings of a pack are compared."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"

    @property
    def greater_is_closer(self) -> bool:
        """Whether a greater raw value means more alike."""
        return self is Metric.COSINE


@overload
def score_of(metric: Metric, raw: float) -> float: ...
@overload
def score_of(metric: Metric, raw: NDArray[np.floating]) -> Floats: ...
def score_of(metric: Metric, raw: ArrayLike) -> float | Floats:
    """Map raw values to scores 0…1 (float64, same shape); greater is more alike, whatever the metric.

    Raw values outside the metric's range, as rounding leaves them (a cosine of 1.0000001), count as its nearest end.
    Distances above 27 all give 0: their score is below the smallest float.
    """
    values = np.asarray(raw, dtype=np.float64)
    if metric is Metric.COSINE:
        scores = (1.0 + np.clip(values, -1.0, 1.0)) / 2.0
    else:
        scores = np.exp(-np.square(np.minimum(np.maximum(values, 0.0), 1e3)))
    return _like(raw, scores)


@overload
def raw_of(metric: Metric, score: float) -> float: ...
@overload
def raw_of(metric: Metric, score: NDArray[np.floating]) -> Floats: ...
def raw_of(metric: Metric, score: ArrayLike) -> float | Floats:
    """Map scores 0…1 back to raw values (float64, same shape); the inverse of `score_of`.

    A Euclidean score of 0 gives infinity: no distance is too large. Scores outside 0…1 count as the nearest end.
    """
    scores = np.clip(np.asarray(score, dtype=np.float64), 0.0, 1.0)
    if metric is Metric.COSINE:
        raw = 2.0 * scores - 1.0
    else:
        with np.errstate(divide="ignore"):
            # abs: -log(1) is -0.0.
            raw = np.sqrt(np.abs(np.log(scores)))
    return _like(score, raw)


def raw_value(metric: Metric, first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """How alike two embeddings ([dimension] each) are, in the metric; a vector of zeros has a cosine of 0 to any."""
    one, other = first.astype(np.float64), second.astype(np.float64)
    if metric is Metric.EUCLIDEAN:
        return float(np.linalg.norm(one - other))
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / norms if norms > 0 else 0.0


def _like(given: ArrayLike, result: Floats) -> float | Floats:
    return result if isinstance(given, np.ndarray) else float(result)
