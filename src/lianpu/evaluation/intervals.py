"""Confidence intervals of rates that are measured by counting."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
People = NDArray[np.integer]
"""[n, 2] integers: the two persons of each of n pairs."""

_CONVERGED = 1e-14
_TINY = 1e-300
_MOST_STEPS = 200_000
_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a rate, both ends within 0…1."""

    low: float
    high: float

    def __contains__(self, rate: float) -> bool:
        return self.low <= rate <= self.high


def wilson(hits: float, trials: float, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927, https://doi.org/10.2307/2276774); 0…1 without trials."""
    _check(hits, trials, confidence)
    if trials == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = hits / trials
    centre = rate + z * z / (2 * trials)
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # At the ends the exact value is 0 or 1; rounding leaves 1e-19.
    low = 0.0 if hits == 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if hits == trials else min(1.0, (centre + spread) / scale)
    return Interval(low, high)


def clopper_pearson(hits: float, trials: float, confidence: float = 0.95) -> Interval:
    """The exact binomial interval (Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404).

    Args:
        hits: 0…trials; need not be whole, as effective counts are not.
        trials: 0 gives 0…1.
        confidence: 0…1; the interval covers the true rate at least so often, if the trials are independent.
    """
    _check(hits, trials, confidence)
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else beta_quantile(tail, hits, trials - hits + 1)
    high = 1.0 if hits == trials else beta_quantile(1 - tail, hits + 1, trials - hits)
    return Interval(low, high)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Where the distribution function of Beta(a, b) reaches a probability, by bisection of the logarithm."""
    # Rates span many powers of ten: halving exponents finds 1e-9 as fast as 0.1.
    low, high = -700.0, 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if beta_probability(math.exp(middle), a, b) < probability:
            low = middle
        else:
            high = middle
        if high - low < _CONVERGED:
            break
    return math.exp((low + high) / 2)


def beta_probability(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, Lentz's method)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    # The fraction converges fast below the mean; above it the mirror image does.
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_probability(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(log_front) / a
    if front == 0:
        return 0.0
    numerator, denominator = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1))
    value = denominator
    for step in range(1, _MOST_STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        denominator = 1 / _nonzero(1 + even * denominator)
        numerator = _nonzero(1 + even / numerator)
        value *= denominator * numerator
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        denominator = 1 / _nonzero(1 + odd * denominator)
        numerator = _nonzero(1 + odd / numerator)
        change = denominator * numerator
        value *= change
        if abs(change - 1) < _CONVERGED:
            break
    return front * value


def effective_pairs(accepted: Flags, people: People) -> float:
    """To how many independent pairs n pairs amount that share persons, for the rate of the accepted: 1…n.

    Pairs that share a person are correlated: somebody with a common face is confused with many. The variance of the
    rate is estimated robustly for dyads (Aronow, Samii and Assenova 2015, https://doi.org/10.1093/pan/mpv018): by the
    products of the residuals of all pairs that share a person, which takes one sum a person. The effective number is
    that of independent pairs with this variance, as for surveys (Korn and Graubard 1998). With few people, some with
    very common faces, an interval made from it holds a little less often than it says: 93 % instead of 95 % of 80
    people, where one from the plain number of pairs holds 62 %.

    Args:
        accepted: [n] bool.
        people: [n, 2] integers; the two of a pair differ.
    """
    total = len(accepted)
    rate = float(accepted.mean()) if total else 0.0
    if rate in {0.0, 1.0}:
        return float(total)
    residuals = accepted.astype(np.float64) - rate
    _, numbers = np.unique(people, return_inverse=True)
    numbers = numbers.reshape(total, 2)
    by_person = sum(np.bincount(numbers[:, side], residuals, minlength=numbers.max() + 1) for side in (0, 1))
    ordered = np.sort(numbers, axis=1).astype(np.int64)
    _, dyads = np.unique(ordered[:, 0] * (int(numbers.max()) + 1) + ordered[:, 1], return_inverse=True)
    by_dyad = np.bincount(dyads, residuals)
    # Two pairs of the same two persons share both, and were counted once for each.
    variance = (float(np.square(by_person).sum()) - float(np.square(by_dyad).sum())) / total**2
    if variance <= 0:
        return float(total)
    return min(float(total), max(1.0, rate * (1 - rate) / variance))


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _check(hits: float, trials: float, confidence: float) -> None:
    if not 0 <= hits <= trials or not 0 < confidence < 1:
        raise ValueError(f"no interval of {hits} in {trials} at confidence {confidence}")
