"""Events: who appeared and left, each once, however much a face flickers."""

import numpy as np
import pytest

from lianpu.streams import events as events_module
from lianpu.streams.events import EventFilter, EventKind
from lianpu.streams.pipeline import Person
from lianpu.streams.runner import Sighting
from lianpu.streams.tracker import Track
from lianpu.streams.voting import Recognised, Voting


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(events_module.time, "monotonic", lambda: now[0])
    return now


def person(track: int, name: str | None) -> Person:
    one = Person(Track(track, np.zeros(4, np.float32), 0.0, 0.0, 0.9), Voting())
    for _ in range(3):
        one.voting.vote(Recognised(name, 0.9 if name else 0.4, 0.2 if name else -0.3, 0.5))
    one.name = name and name.title()
    return one


def kinds(events: EventFilter, changed: list[Person], ended: list[Person]) -> list[tuple[EventKind, str | None]]:
    return [(event.kind, event.person_name) for event in events.of(Sighting(changed, ended))]


def test_R_STR_8_somebody_appears_and_leaves(clock: list[float]) -> None:
    events, ann, stranger = EventFilter(30), person(1, "ann"), person(2, None)
    assert kinds(events, [ann, stranger], []) == [
        (EventKind.PERSON_APPEARED, "Ann"),
        (EventKind.UNKNOWN_APPEARED, None),
    ]
    assert kinds(events, [ann, stranger], []) == []
    assert kinds(events, [], [ann, stranger]) == [(EventKind.PERSON_LEFT, "Ann"), (EventKind.UNKNOWN_LEFT, None)]


def test_R_STR_8_who_comes_back_at_once_is_not_announced_again(clock: list[float]) -> None:
    events = EventFilter(30)
    kinds(events, [person(1, "ann")], [])
    clock[0] = 10
    kinds(events, [], [person(1, "ann")])
    clock[0] = 20
    assert kinds(events, [person(2, "ann")], []) == []
    clock[0] = 100
    kinds(events, [], [person(2, "ann")])
    clock[0] = 200
    assert kinds(events, [person(3, "ann")], []) == [(EventKind.PERSON_APPEARED, "Ann")]


def test_R_STR_8_two_tracks_of_one_person_are_one_arrival_and_one_departure(clock: list[float]) -> None:
    events = EventFilter(30)
    assert len(kinds(events, [person(1, "ann"), person(2, "ann")], [])) == 1
    assert kinds(events, [], [person(1, "ann")]) == []
    assert kinds(events, [], [person(2, "ann")]) == [(EventKind.PERSON_LEFT, "Ann")]


def test_R_STR_8_an_unknown_one_who_is_recognised_later_appears_by_name(clock: list[float]) -> None:
    events, stranger = EventFilter(30), person(1, None)
    assert kinds(events, [stranger], []) == [(EventKind.UNKNOWN_APPEARED, None)]
    known = person(1, "ann")
    assert kinds(events, [known], []) == [(EventKind.PERSON_APPEARED, "Ann")]
    assert kinds(events, [], [known]) == [(EventKind.PERSON_LEFT, "Ann")]


def test_R_STR_8_who_was_never_believed_in_never_left(clock: list[float]) -> None:
    assert kinds(EventFilter(30), [], [person(1, "ann")]) == []


def test_R_STR_8_an_unknown_one_who_was_seen_before_is_not_announced_again_so_soon(clock: list[float]) -> None:
    """Each track of his is another one; the inbox knows that they are the same."""
    known: dict[int, str] = {}
    events = EventFilter(30, lambda one: known.get(one.track.id))
    assert kinds(events, [person(1, None)], []) == [(EventKind.UNKNOWN_APPEARED, None)]
    clock[0] = 10
    known |= {1: "he", 2: "he", 3: "she", 4: "he"}  # he left, and is in the inbox by now
    assert kinds(events, [], [person(1, None)]) == [(EventKind.UNKNOWN_LEFT, None)]
    clock[0] = 39
    assert kinds(events, [person(2, None)], []) == []
    assert kinds(events, [person(3, None)], []) == [(EventKind.UNKNOWN_APPEARED, None)]
    clock[0] = 50
    assert kinds(events, [], [person(2, None)]) == [(EventKind.UNKNOWN_LEFT, None)]
    clock[0] = 80
    assert kinds(events, [person(4, None)], []) == [(EventKind.UNKNOWN_APPEARED, None)]


def test_R_STR_8_who_is_not_in_the_inbox_is_somebody_new_each_time(clock: list[float]) -> None:
    events = EventFilter(30)
    for track in (1, 2):
        assert kinds(events, [person(track, None)], []) == [(EventKind.UNKNOWN_APPEARED, None)]
        assert kinds(events, [], [person(track, None)]) == [(EventKind.UNKNOWN_LEFT, None)]
