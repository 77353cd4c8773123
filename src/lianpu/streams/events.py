"""From what the pipeline notices to events worth keeping: each arrival once, with a pause for each identity."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lianpu.streams.pipeline import Person
from lianpu.streams.runner import Sighting


class EventKind(StrEnum):
    PERSON_APPEARED = "person_appeared"
    PERSON_LEFT = "person_left"
    UNKNOWN_APPEARED = "unknown_appeared"
    UNKNOWN_LEFT = "unknown_left"


@dataclass(frozen=True, slots=True)
class Noticed:
    kind: EventKind
    person_id: str | None
    person_name: str | None
    track: int
    score: float | None
    quality: float
    is_live: bool | None
    crop: bytes | None
    """JPEG of the face at its best."""


class EventFilter:
    """Of one stream. A face that flickers at the edge of the picture would otherwise come and go all the time."""

    def __init__(self, cooldown_s: float, unknown_of: Callable[[Person], str | None] | None = None) -> None:
        """
        Args:
            unknown_of: which of the unknown persons that were seen before somebody is; None where that is not known,
                and then each track of an unknown one is somebody new.
        """
        self._cooldown_s = cooldown_s
        self._unknown_of = unknown_of or _nobody
        self._announced: dict[int, str | None] = {}
        """Track -> who it was announced as; None: an unknown one."""
        self._told_s: dict[str, float] = {}
        """Person -> when it was last announced or last seen."""
        self._unknown_told_s: dict[str, float] = {}
        """Unknown person -> likewise."""

    def of(self, sighting: Sighting) -> list[Noticed]:
        now = time.monotonic()
        events: list[Noticed] = []
        for person in sighting.changed:
            events += self._arrival(person, now)
        for person in sighting.ended:
            events += self._departure(person, now)
        return events

    def _arrival(self, person: Person, now: float) -> list[Noticed]:
        track, person_id = person.track.id, person.voting.name
        if person_id is None:
            if not person.voting.is_unknown or track in self._announced:
                return []
            self._announced[track] = None
            unknown_id = self._unknown_of(person)
            if unknown_id is not None and self._is_back(self._unknown_told_s, unknown_id, now):
                return []
            return [_noticed(EventKind.UNKNOWN_APPEARED, person)]
        if self._announced.get(track) == person_id:
            return []
        self._announced[track] = person_id
        if self._is_back(self._told_s, person_id, now):
            return []
        return [_noticed(EventKind.PERSON_APPEARED, person)]

    def _departure(self, person: Person, now: float) -> list[Noticed]:
        track = person.track.id
        if track not in self._announced:
            return []
        announced = self._announced.pop(track)
        if announced is None:
            unknown_id = self._unknown_of(person)
            if unknown_id is not None:
                self._unknown_told_s = self._recent(self._unknown_told_s, now) | {unknown_id: now}
            return [_noticed(EventKind.UNKNOWN_LEFT, person)]
        if announced in self._announced.values():
            return []  # there is another track of the same person
        self._told_s = self._recent(self._told_s, now) | {announced: now}
        return [_noticed(EventKind.PERSON_LEFT, person)]

    def _is_back(self, told_s: dict[str, float], identity: str, now: float) -> bool:
        """Whether somebody is here again so soon that it is not told; notes that they are here."""
        last_s = told_s.get(identity)
        told_s[identity] = now
        return last_s is not None and now - last_s < self._cooldown_s

    def _recent(self, told_s: dict[str, float], now: float) -> dict[str, float]:
        return {identity: moment_s for identity, moment_s in told_s.items() if now - moment_s < self._cooldown_s}


def _nobody(_: Person) -> None:
    return None


def _noticed(kind: EventKind, person: Person) -> Noticed:
    return Noticed(
        kind,
        person.voting.name,
        person.name if person.voting.name is not None else None,
        person.track.id,
        person.voting.score,
        person.quality,
        person.is_live,
        person.crop,
    )
