"""R-STR 8 and R-LIB 13 together: what a stream tells of people whom the inbox has seen before."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.gallery.models import Person as GalleryPerson
from lianpu.streams.event_log import EventLog
from lianpu.streams.inbox.inbox import UnknownInbox
from lianpu.streams.models import Stream
from lianpu.streams.noticing import Noticing, StreamNoticing
from lianpu.streams.pipeline import Person, Probe
from lianpu.streams.repository import StreamRepository
from lianpu.streams.runner import Sighting
from lianpu.streams.tracker import Track
from lianpu.streams.voting import Recognised
from tests.streams.inbox.conftest import RULES, MakeInbox

pytestmark = pytest.mark.anyio
STREAM = "018f6d3a-6c1e-7c3b-9d0e-2f4b8a1c5e77"
Answer = tuple[int, Recognised, str | None]


@pytest.fixture
async def log(database: Database, tmp_path: Path) -> EventLog:
    row = Stream(
        id=STREAM,
        owner_id="somebody",
        source=b"",
        shown="clip",
        options={},
        lifetime_minutes=-1,
        started_at=now_utc(),
    )
    async with database.session() as session:
        StreamRepository(session).add(row)
        await session.commit()
    return EventLog(database, tmp_path / "crops", retention_days=1, keeps_crops=True)


def track(number: int, seen: Person) -> Person:
    """The same face as another track."""
    return replace(seen, track=Track(number, np.zeros(4, np.float32), 0.0, 0.0, 0.9))


async def told(noticing: StreamNoticing, log: EventLog, *, came: Sequence[Person] = (), left: Sequence[Person] = ()):
    """What became of it: kinds of events, oldest first."""
    before, _ = await log.page(STREAM, None, None, None, 200)
    await noticing.keep(Sighting(list(came), list(left)))
    after, _ = await log.page(STREAM, None, None, None, 200)
    return [event.kind for event in after[: len(after) - len(before)]][::-1]


async def test_R_STR_8_an_unknown_person_who_comes_back_is_told_once_while_the_inbox_is_on(
    inbox: UnknownInbox, log: EventLog, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    noticing = Noticing(log, inbox, cooldown_s=600).of(STREAM, dlib)
    first, again, later = (track(number, seen) for number, seen in enumerate(people[0]))
    other = track(9, people[1][0])
    assert await told(noticing, log, came=[first]) == ["unknown_appeared"]
    assert await told(noticing, log, left=[first]) == ["unknown_left"]
    assert await told(noticing, log, came=[again, other]) == ["unknown_appeared"]
    assert await told(noticing, log, left=[again, other]) == ["unknown_left", "unknown_left"]
    assert await told(noticing, log, came=[later]) == []


async def test_R_STR_8_while_the_inbox_is_off_each_track_of_an_unknown_person_is_told(
    make_inbox: MakeInbox, log: EventLog, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    noticing = Noticing(log, make_inbox(replace(RULES, enabled=False)), cooldown_s=600).of(STREAM, dlib)
    for number, seen in enumerate(people[0]):
        one = track(number, seen)
        assert await told(noticing, log, came=[one]) == ["unknown_appeared"]
        assert await told(noticing, log, left=[one]) == ["unknown_left"]


def probe(seen: Person, number: int = 1) -> Probe:
    assert seen.embedding is not None
    return Probe(number, seen.embedding, seen.quality)


async def test_R_LIB_13_who_is_not_a_person_as_somebody_said_is_not_recognised_as_that_person(
    inbox: UnknownInbox, database: Database, log: EventLog, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    async with database.session() as session:
        session.add(GalleryPerson(id="ben", name="Ben", details={}))
        await session.commit()
    noticing = Noticing(log, inbox, cooldown_s=0).of(STREAM, dlib)
    await inbox.keep(STREAM, dlib, [people[0][0], people[1][0]])
    mine, other = probe(people[0][1], 1), probe(people[1][1], 2)
    near = inbox.cluster_of(dlib, mine.embedding)
    assert near is not None
    score = near.score - 0.01

    async def gallery(probes: Sequence[Probe]) -> list[Answer]:
        """It takes everybody for Ben."""
        return [(one.track_id, Recognised("ben", score, 0.1, one.quality), "Ben") for one in probes]

    async def names(*probes: Probe) -> list[str | None]:
        return [found.person_id for _, found, _ in await noticing.ask(gallery, probes)]

    assert await names(mine, other) == ["ben", "ben"]
    async with inbox.change() as repository:
        await repository.put_vetoes(near.cluster_id, ["ben"])
    assert await names(mine, other) == [None, "ben"]
    [(_, found, name)] = await noticing.ask(gallery, [mine])
    assert (found.score, found.margin, name) == (score, -0.1, None)
    # Whom the face is even more like than the unknown one, it may be after all.
    score = near.score + 0.01
    assert await names(mine, other) == ["ben", "ben"]
