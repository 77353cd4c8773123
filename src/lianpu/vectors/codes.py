"""Vectors rounded to int8, with certain bounds of what that changes.

For a vector x = x̂ + (x - x̂) and a probe p = p̂ + (p - p̂), with the rounded ones x̂ and p̂, Cauchy and Schwarz give

    |p·x - p̂·x̂| = |(p - p̂)·x + p̂·(x - x̂)| ≤ |p - p̂| |x| + |p̂| |x - x̂|

All lengths are known beforehand. What float32 rounds is added: a product of n numbers is wrong by at most γ times the
lengths, γ = nu / (1 - nu) with u = 2⁻²⁴, in whatever order it is summed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.packs.metric import Metric

LARGEST_CODE = 127
SHORTEST, LONGEST = 1e-12, 1e12
"""Lengths that float32 can square and multiply without running out of its range."""
UNIT_ROUNDOFF = 2.0**-24
EXTRA_OPERATIONS = 16
"""More than are made beside the sum of a product, each rounding by u at most."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Codes:
    """n vectors in int8: steps · values, wrong by at most `errors`."""

    values: NDArray[np.int8]
    """[n, dimension] -127…127."""
    steps: Vectors
    """[n] what 1 of `values` stands for."""
    errors: Vectors
    """[n] length of what was rounded away, or more; infinite: there is no code, and `values` say nothing."""
    lengths: Vectors
    """[n] length of the vector, or more; infinite where there is no code."""


def encoded(vectors: Vectors) -> Codes:
    """Codes of [n, dimension] float32. What is of unusable length, infinite or no number gets errors without bound."""
    slop = 1.0 + 2.0 * _gamma(vectors.shape[1])
    with np.errstate(all="ignore"):
        lengths = np.sqrt(np.vecdot(vectors, vectors)) * np.float32(slop)
        peaks = np.abs(vectors).max(axis=1, initial=0.0)
        is_codable = ((lengths > SHORTEST) & (lengths < LONGEST)) | (peaks == 0.0)
    if not is_codable.all():
        vectors = np.where(is_codable[:, None], vectors, np.float32(0.0))
        peaks[~is_codable] = 0.0
    steps = peaks / np.float32(LARGEST_CODE)
    rounded = vectors / np.where(steps > 0.0, steps, np.float32(1.0))[:, None]
    np.rint(rounded, out=rounded)
    np.clip(rounded, -LARGEST_CODE, LARGEST_CODE, out=rounded)
    values = rounded.astype(np.int8)
    rounded *= steps[:, None]
    np.subtract(vectors, rounded, out=rounded)
    # The difference itself is wrong by no more than u of each number it is made of.
    errors = np.sqrt(np.vecdot(rounded, rounded)) * np.float32(slop) + lengths * np.float32(4.0 * UNIT_ROUNDOFF)
    errors[~is_codable] = lengths[~is_codable] = np.inf
    return Codes(values, steps, errors, lengths)


class ProbeBounds:
    """How far the distances of probes, measured in float32, can be from those of their codes."""

    def __init__(self, codes: Codes, metric: Metric) -> None:
        """`codes`: of the probes, [n]."""
        dimension = codes.values.shape[1]
        gamma = _gamma(dimension)
        whole = codes.values.astype(np.float64)
        rounded_lengths = codes.steps * np.sqrt(np.vecdot(whole, whole)) * (1.0 + gamma)
        times = 2.0 if metric is Metric.EUCLIDEAN else 1.0
        self._by_length = times * (codes.errors + gamma * (codes.lengths.astype(np.float64) + rounded_lengths))
        self._by_error = times * (1.0 + gamma) * rounded_lengths
        self._by_square = 8.0 * UNIT_ROUNDOFF if metric is Metric.EUCLIDEAN else 0.0

    def of_all(self, largest_error: float, largest_length: float) -> NDArray[np.float64]:
        """[n] for rows of any error and length up to these; NaN is no bound."""
        with np.errstate(invalid="ignore"):
            by_length = (self._by_length + self._by_square * largest_length) * largest_length
            return by_length + self._by_error * largest_error

    def of_pairs(self, at: NDArray[np.intp], errors: Vectors, lengths: Vectors) -> NDArray[np.float64]:
        """[m] for pairs of a probe, by its number, and a row."""
        with np.errstate(invalid="ignore"):
            return (self._by_length[at] + self._by_square * lengths) * lengths + self._by_error[at] * errors


def _gamma(dimension: int) -> float:
    rounding = (dimension + EXTRA_OPERATIONS) * UNIT_ROUNDOFF
    return rounding / (1.0 - rounding)
