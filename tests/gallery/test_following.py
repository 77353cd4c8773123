"""R-OPS 2: several nodes on one database change one gallery, and each one's indexes show what all of them did."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from lianpu.database.base import now_utc
from lianpu.gallery import change_log, following
from lianpu.gallery.change_log import GalleryLog
from lianpu.gallery.consistency.rows import check_index
from lianpu.gallery.following import GalleryFollowing
from lianpu.gallery.models import GalleryLogEntry, Person
from lianpu.gallery.unfinished import NOTES_FOLDER, mend_after_crash
from lianpu.nodes.bus import Bus, LocalBus
from lianpu.storage.local import LocalStorage
from tests.gallery.nodes import KEY, Node, add_image, change_at_random, node_on, stored_owners, stored_vectors

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def nodes(server_url: str, tmp_path: Path) -> AsyncIterator[list[Node]]:
    both = [node_on(server_url, tmp_path), node_on(server_url, tmp_path)]
    yield both
    for node in both:
        await node.database.close()


async def follow(nodes: list[Node], buses: list[Bus], stack: AsyncExitStack) -> None:
    for node, bus in zip(nodes, buses, strict=True):
        following_of_node = GalleryFollowing(node.database, node.indexes, node.changes, bus)
        await stack.enter_async_context(following_of_node.running())


@pytest.mark.parametrize("seed", range(3))
async def test_R_OPS_2_whatever_nodes_do_at_once_each_index_is_what_the_database_holds(
    nodes: list[Node], seed: int
) -> None:
    async with AsyncExitStack() as stack:
        bus = LocalBus()
        await follow(nodes, [bus, bus], stack)
        works = [change_at_random(nodes[place % 2], 10 * seed + place) for place in range(6)]
        await asyncio.gather(*works)
    stored, vectors = await stored_owners(nodes[0].database), await stored_vectors(nodes[0].database)
    assert stored
    for node in nodes:
        await node.indexes.catch_up()
        await node.index()
        assert node.indexes.owners(KEY) == stored
        for embedding_id, vector in vectors.items():
            assert await node.finds(vector) == embedding_id
    async with nodes[0].database.session() as session:
        sequences = list(await session.scalars(select(GalleryLogEntry.sequence).order_by(GalleryLogEntry.sequence)))
    assert sequences == list(range(1, len(sequences) + 1))


@pytest.mark.parametrize("told_by", ["the bus", "looking"])
async def test_R_OPS_2_another_node_finds_who_was_enrolled_here_and_nobody_who_was_deleted(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch, told_by: str
) -> None:
    here, there = nodes
    shared = LocalBus()
    buses: list[Bus] = [shared, shared] if told_by == "the bus" else [LocalBus(), LocalBus()]
    monkeypatch.setattr(following, "LOOK_INTERVAL_S", 60.0 if told_by == "the bus" else 0.1)
    index = await there.index()
    async with AsyncExitStack() as stack:
        await follow(nodes, buses, stack)
        await asyncio.sleep(0.1)
        embedding_id = await here.enrol("ada")
        async with asyncio.timeout(5):
            while not index.holds(embedding_id):
                await asyncio.sleep(0.005)
        await here.delete("ada")
        async with asyncio.timeout(5):
            while index.holds(embedding_id):
                await asyncio.sleep(0.005)


async def test_R_OPS_2_a_change_begins_with_what_all_others_have_committed(nodes: list[Node]) -> None:
    here, there = nodes
    index = await there.index()
    embedding_id = await here.enrol("ada")
    assert not index.holds(embedding_id)
    async with there.changes.change() as change:
        assert index.holds(embedding_id)
        assert await change.repository.find_person("ada") is not None


async def test_R_OPS_2_nodes_that_enrol_the_same_image_at_once_look_one_after_another(nodes: list[Node]) -> None:
    async def enrol_once(node: Node) -> bool:
        async with node.changes.change() as change:
            if await change.repository.image_by_hash("ada", "f" * 64) is not None:
                return False
            await asyncio.sleep(0.02)
            await add_image(change, "ada", "f" * 64)
            return True

    outcomes = await asyncio.gather(*(enrol_once(node) for node in nodes for _ in range(4)))
    assert sorted(outcomes) == [False] * 7 + [True]


async def test_R_OPS_2_a_node_that_was_away_longer_than_the_log_is_kept_fills_its_index_anew(nodes: list[Node]) -> None:
    here, there = nodes
    await there.enrol("before")
    await here.index()
    await there.index()
    for person in ("ada", "bob", "eve"):
        await here.enrol(person)
    await here.delete("before")
    async with here.database.session() as session:
        await GalleryLog(session).delete_before(now_utc() + timedelta(seconds=1))
        await session.commit()
    await here.enrol("last")
    await there.indexes.catch_up()
    assert there.indexes.owners(KEY) == await stored_owners(here.database)


async def test_R_OPS_2_a_node_that_freezes_in_a_change_does_not_keep_the_others_from_theirs(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "IDLE_MAX_S", 1)
    frozen, other = nodes
    begun = asyncio.Event()

    async def freeze() -> None:
        async with frozen.changes.change() as change:
            await change.repository.find_person("ada")
            begun.set()
            await asyncio.sleep(3)
            await add_image(change, "ada", "f" * 64)

    task = asyncio.create_task(freeze())
    await begun.wait()
    async with asyncio.timeout(2.5):
        await other.enrol("bob")
    with pytest.raises(DBAPIError):
        await task
    assert set((await stored_owners(other.database)).values()) == {"bob"}


async def test_R_OPS_2_a_threshold_set_on_one_node_applies_on_the_other_and_both_keep_what_the_other_set(
    nodes: list[Node],
) -> None:
    here, there = nodes
    await here.thresholds.put(KEY, 0.7)
    await there.thresholds.put(("beta", "2"), 0.6)
    await here.indexes.catch_up()
    for node in nodes:
        assert (node.thresholds.of(KEY), node.thresholds.of(("beta", "2"))) == (0.7, 0.6)


async def test_R_OPS_2_files_that_another_node_has_in_hand_are_left_alone(nodes: list[Node], tmp_path: Path) -> None:
    here, there = nodes
    storage = LocalStorage(tmp_path)
    async with here.changes.change({"gallery/new.jpeg": b"new"}):
        await mend_after_crash(there.database, there.changes.unfinished)
        assert there.changes.unfinished.in_flight() == {"gallery/new.jpeg"}
        assert storage.read("gallery/new.jpeg") == b"new"
    assert there.changes.unfinished.in_flight() == set()
    assert list(storage.files(NOTES_FOLDER)) == []


async def test_R_OPS_2_the_index_of_one_node_is_checked_while_others_change_the_gallery(nodes: list[Node]) -> None:
    here, there = nodes
    await there.index()
    stop = asyncio.Event()

    async def keep_changing() -> None:
        while not stop.is_set():
            await here.enrol("ada")

    task = asyncio.create_task(keep_changing())
    try:
        for _ in range(10):
            assert await check_index(there.changes, there.indexes, KEY) == []
    finally:
        stop.set()
        await task


@pytest.mark.parametrize("has_committed", [True, False])
async def test_R_OPS_2_a_connection_lost_in_the_commit_costs_no_file_of_a_change_that_was_made(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, has_committed: bool
) -> None:
    node = node_on(database_url, tmp_path)

    async def change_it() -> None:
        async with node.changes.change({"gallery/new.jpeg": b"new"}) as change:
            change.session.add(Person(id="ada", name="Ada", details={}))
            commit = change.session.commit

            async def lost_commit() -> None:
                if has_committed:
                    await commit()
                raise OperationalError("COMMIT", {}, Exception("gone"), connection_invalidated=True)

            monkeypatch.setattr(change.session, "commit", lost_commit)

    with pytest.raises(OperationalError):
        await change_it()
    assert (tmp_path / "gallery" / "new.jpeg").is_file()
    assert list(node.changes.unfinished.left().values()) == [("gallery/new.jpeg",)]
    await node.database.close()


async def test_R_OPS_2_a_home_with_sqlite_writes_no_log(sqlite_url: str, tmp_path: Path) -> None:
    node = node_on(sqlite_url, tmp_path)
    embedding_id = await node.enrol("ada")
    assert (await node.index()).holds(embedding_id)
    async with node.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(GalleryLogEntry)) == 0
    await node.database.close()
