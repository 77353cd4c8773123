"""Who a track is: every recognition of its face is a vote, and a name that stands is not given up lightly."""

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recognised:
    """The outcome of one search for a track's face."""

    person_id: str | None
    """None: nobody reached the threshold."""
    score: float
    """Of the best person, whether a match or not."""
    margin: float
    """How far the score lies above the threshold, or below it (negative)."""
    quality: float
    """0…1, of the face that was searched."""


@dataclass(frozen=True, slots=True)
class VotingOptions:
    votes_to_name: int = 2
    sure_margin: float = 0.08
    """A first recognition so far above the threshold names at once."""
    votes_to_rename: int = 4
    rename_ratio: float = 2.0
    """So many times the standing name's weight another one needs."""
    max_renames: int = 1
    """A name that changed so often stays: a track that wavers between people is told once, not all the time."""
    votes_for_unknown: int = 3
    """So many recognitions without a match make a track an unknown one, rather than one not recognised yet."""


class Voting:
    """Of one track. `name` is None until votes agree; `is_unknown` when they agree that it is nobody of the gallery."""

    def __init__(self, options: VotingOptions | None = None) -> None:
        self._options = options or VotingOptions()
        self._weights: dict[str, float] = defaultdict(float)
        self._votes: dict[str, int] = defaultdict(int)
        self._scores: dict[str, float] = defaultdict(float)
        self._misses = 0
        self.name: str | None = None
        self.renamed = 0
        """How often one name gave way to another."""

    @property
    def is_unknown(self) -> bool:
        return self.name is None and self._misses >= self._options.votes_for_unknown

    @property
    def score(self) -> float | None:
        """The best score of the name that stands."""
        return None if self.name is None else self._scores[self.name]

    def vote(self, recognised: Recognised) -> bool:
        """Count one recognition; returns whether the name changed."""
        person_id = recognised.person_id
        if person_id is None:
            # Somebody who is known turns away now and then: a miss never takes a name back.
            self._misses += 1
            return False
        self._weights[person_id] += max(recognised.quality, 0.05) * (1.0 + recognised.margin)
        self._votes[person_id] += 1
        self._scores[person_id] = max(self._scores[person_id], recognised.score)
        if person_id == self.name or not self._may_stand(person_id, recognised):
            return False
        self.renamed += self.name is not None
        self.name = person_id
        return True

    def forget(self, person_id: str) -> bool:
        """The person was deleted, or somebody said that it is not them; returns whether the name changed."""
        for kept in (self._weights, self._votes, self._scores):
            kept.pop(person_id, None)
        if self.name != person_id:
            return False
        self.name = None
        return True

    def _may_stand(self, person_id: str, recognised: Recognised) -> bool:
        votes, options = self._votes[person_id], self._options
        if self.name is not None:
            stronger = self._weights[person_id] >= options.rename_ratio * self._weights[self.name]
            return self.renamed < options.max_renames and votes >= options.votes_to_rename and stronger
        ahead = all(self._weights[person_id] >= weight for weight in self._weights.values())
        return ahead and (votes >= options.votes_to_name or recognised.margin >= options.sure_margin)
