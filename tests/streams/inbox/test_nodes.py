"""R-OPS 2: one inbox of several nodes: what one keeps another knows, and who lost his stream keeps nothing."""

import asyncio

import pytest

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.errors import LeaseLostError
from lianpu.leases.leases import Leases
from lianpu.leases.models import Lease
from lianpu.storage.local import LocalStorage
from lianpu.streams.event_log import EventLog
from lianpu.streams.events import EventKind, Noticed
from lianpu.streams.inbox import inbox as inbox_module
from lianpu.streams.models import Stream
from lianpu.streams.pipeline import Person
from tests.streams.inbox.conftest import MakeInbox
from tests.streams.inbox.test_keeping import STREAM, agrees, kept, unknowns

pytestmark = pytest.mark.anyio


async def test_R_OPS_2_whom_one_node_has_kept_is_the_same_unknown_person_on_another(
    make_inbox: MakeInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    nodes = [make_inbox(), make_inbox()]
    # Both have their memory of an empty inbox.
    for node in nodes:
        await node.keep(STREAM, dlib, [])
    await asyncio.gather(*(nodes[place % 2].keep(STREAM, dlib, seen[:1]) for place, seen in enumerate(people)))
    await asyncio.gather(*(nodes[place % 2].keep(STREAM, dlib, seen[1:2]) for place, seen in enumerate(people, 1)))
    assert sorted(len(faces) for faces in (await kept(database)).values()) == [2, 2, 2, 2]
    # What somebody takes out by hand on one is gone on the other.
    async with nodes[0].change() as repository:
        await repository.delete_unknown(next(iter(await unknowns(database))))
    await nodes[1].keep(STREAM, dlib, [seen[2] for seen in people])
    assert sorted(len(faces) for faces in (await kept(database)).values()) == [1, 3, 3, 3]


async def test_R_OPS_2_what_another_node_keeps_is_known_without_keeping_anything(
    make_inbox: MakeInbox,
    database: Database,
    dlib: FaceAnalyzer,
    people: list[list[Person]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox_module, "FOLLOWING_S", 0.02)
    one, other = make_inbox(), make_inbox()
    await other.keep(STREAM, dlib, [])
    following = asyncio.create_task(other.run_following())
    await one.keep(STREAM, dlib, people[0][:1])
    probe = people[0][1].embedding
    assert probe is not None
    async with asyncio.timeout(10):
        while other.cluster_of(dlib, probe) is None:
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_R_OPS_2_under_a_lost_lease_neither_faces_nor_events_nor_files_are_kept(
    make_inbox: MakeInbox, database: Database, files: LocalStorage, dlib: FaceAnalyzer, people: list[list[Person]]
) -> None:
    leases = Leases(database, node="one")
    async with database.session() as session:
        session.add(Stream(id=STREAM, owner_id="u", name="", source=b"", shown="", options={}, lifetime_minutes=1.0))
        leases.add(session, STREAM)
        await session.commit()
    lease = await leases.take(STREAM)
    assert lease is not None
    inbox = make_inbox()
    crops = files.root / "crops"
    events = EventLog(database, crops, retention_days=1, keeps_crops=True)
    seen = Noticed(EventKind.UNKNOWN_APPEARED, None, None, 1, None, 0.5, None, b"a picture")
    await inbox.keep(STREAM, dlib, people[0][:1], lease)
    assert len(await events.keep(STREAM, [seen], lease)) == 1
    # As if another node had taken it over, and this one had not heard of it.
    async with database.session() as session:
        row = await session.get_one(Lease, STREAM)
        row.holder, row.epoch = "another", lease.epoch + 1
        await session.commit()
    assert lease.is_held
    with pytest.raises(LeaseLostError):
        await inbox.keep(STREAM, dlib, people[1][:1], lease)
    with pytest.raises(LeaseLostError):
        await events.keep(STREAM, [seen], lease)
    lease.close()
    assert len(await unknowns(database)) == 1
    assert await agrees(database, files)
    page, _ = await events.page(STREAM, None, None, None, 10)
    assert len(page) == 1
    assert len(list(crops.rglob("*.jpg"))) == 1
