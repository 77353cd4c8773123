"""Pairs of images to compare, and which of all possible ones are taken."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """[n] pairs of images, each by the images' places."""

    first: Numbers
    second: Numbers
    same: Flags
    folds: Numbers | None
    """[n] from 0; None where the data set has none."""

    def __len__(self) -> int:
        return len(self.same)

    def taken(self, places: Numbers | Flags) -> "Pairs":
        folds = None if self.folds is None else self.folds[places]
        return Pairs(self.first[places], self.second[places], self.same[places], folds)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How much of a data set is taken; what is drawn is the same for the same seed."""

    limit: int | None = None
    """At most so many pairs (LFW, tables) or persons (folders)."""
    max_pairs: int = 1_000_000
    """Of a folder: at most so many impostor pairs, and as many genuine ones."""
    seed: int = 0


def spread(same: Flags, folds: Numbers | None, sampling: Sampling) -> Numbers:
    """Places of at most `limit` pairs, drawn evenly from every fold and both kinds, in their order."""
    if sampling.limit is None or sampling.limit >= len(same):
        return np.arange(len(same))
    random = np.random.default_rng(sampling.seed)
    strata = same.astype(np.int64) if folds is None else folds * 2 + same
    shuffled = random.permutation(len(same))
    # The n-th of its stratum, for every pair; then the first ones of all strata.
    order = np.argsort(strata[shuffled], kind="stable")
    _, starts, counts = np.unique(strata[shuffled][order], return_index=True, return_counts=True)
    ranks = np.empty(len(same), np.int64)
    ranks[order] = np.arange(len(same)) - np.repeat(starts, counts)
    return np.sort(shuffled[np.argsort(ranks, kind="stable")[: sampling.limit]])


def all_pairs(persons: Numbers, sampling: Sampling) -> Pairs:
    """All pairs of images, or as many of each kind as `max_pairs` allows, drawn evenly."""
    random = np.random.default_rng(sampling.seed)
    starts, counts = np.unique(persons, return_index=True, return_counts=True)[1:]
    genuine_total = int((counts * (counts - 1) // 2).sum())
    impostor_total = len(persons) * (len(persons) - 1) // 2 - genuine_total
    if genuine_total <= sampling.max_pairs:
        within = [np.stack(np.triu_indices(count, 1)) + start for start, count in zip(starts, counts, strict=True)]
        genuine = np.concatenate(within, axis=1)
    else:
        genuine = _drawn_within(starts, counts, sampling.max_pairs, random)
    if impostor_total <= 2 * sampling.max_pairs:
        every = np.stack(np.triu_indices(len(persons), 1))
        impostor = every[:, persons[every[0]] != persons[every[1]]]
        if impostor_total > sampling.max_pairs:
            impostor = impostor[:, np.sort(random.permutation(impostor_total)[: sampling.max_pairs])]
    else:
        impostor = _drawn_across(persons, sampling.max_pairs, random)
    both = np.concatenate([genuine, impostor], axis=1).astype(np.int64)
    same = np.zeros(both.shape[1], np.bool_)
    same[: genuine.shape[1]] = True
    return Pairs(both[0], both[1], same, None)


def _drawn_within(starts: Numbers, counts: Numbers, wanted: int, random: np.random.Generator) -> Numbers:
    """[2, wanted] different genuine pairs: a number among all of them, then the pair that has this number."""
    of_person = counts * (counts - 1) // 2
    ends = np.cumsum(of_person)
    numbers = np.sort(random.choice(int(ends[-1]), wanted, replace=False))
    person = np.searchsorted(ends, numbers, side="right")
    number = numbers - (ends - of_person)[person]
    # Pair number k of a triangle is (j, i), i < j, with j (j - 1) / 2 <= k.
    second = np.floor((1 + np.sqrt(1 + 8 * number.astype(np.float64))) / 2).astype(np.int64)
    second -= second * (second - 1) // 2 > number
    first = number - second * (second - 1) // 2
    return np.stack([first, second]) + starts[person]


def _drawn_across(persons: Numbers, wanted: int, random: np.random.Generator) -> Numbers:
    """[2, wanted] different impostor pairs, by drawing pairs until there are enough; more than twice as many exist."""
    total = len(persons)
    keys = np.empty(0, np.int64)
    while len(keys) < wanted:
        first, second = np.sort(random.integers(0, total, (2, wanted)), axis=0)
        drawn = (first * total + second)[persons[first] != persons[second]]
        keys = np.unique(np.concatenate([keys, drawn]))
    keys = np.sort(random.permutation(keys)[:wanted])
    return np.stack([keys // total, keys % total])
