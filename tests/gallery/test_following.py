"""R-OPS 2: several nodes on one database change one gallery, and each one's indexes show what all of them did."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.gallery import change_log, following
from lianpu.gallery.change_log import GalleryLog
from lianpu.gallery.changes import GalleryChange, GalleryChanges
from lianpu.gallery.consistency.rows import check_index
from lianpu.gallery.following import GalleryFollowing
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import FaceEmbedding, GalleryLogEntry, Person, PersonImage
from lianpu.gallery.thresholds import STATE_KEY, GalleryThresholds
from lianpu.gallery.unfinished import NOTES_FOLDER, mend_after_crash
from lianpu.nodes.bus import Bus, LocalBus
from lianpu.packs.metric import Metric
from lianpu.storage.local import LocalStorage
from lianpu.vectors.exact import ExactIndex
from lianpu.vectors.index import VectorIndex

pytestmark = pytest.mark.anyio
KEY = ("alpha", "1")
DIMENSION = 8


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Node:
    database: Database
    indexes: GalleryIndexes
    changes: GalleryChanges
    thresholds: GalleryThresholds

    async def index(self) -> VectorIndex:
        return await self.indexes.index_of(KEY, DIMENSION, Metric.COSINE)

    async def enrol(self, person_id: str) -> str:
        """Id of the embedding; the person is made where there is none."""
        async with self.changes.change() as change:
            return await add_image(change, person_id, new_id())

    async def delete(self, person_id: str) -> None:
        async with self.changes.change() as change:
            change.removed_embedding_ids += await change.repository.embedding_ids(person_id)
            await change.repository.delete_person(person_id)

    async def move(self, person_id: str, to: str) -> None:
        """One image, where both are there."""
        async with self.changes.change() as change:
            images = await change.repository.images(person_id)
            if not images or await change.repository.find_person(to) is None:
                return
            image = images[0]
            embeddings = (await change.repository.embeddings_of_images([image.id]))[image.id]
            image.person_id, image.is_primary = to, False
            for embedding in embeddings:
                embedding.person_id = to
            change.added.extend(embeddings)

    async def finds(self, vector: NDArray[np.float32]) -> str | None:
        hits = (await self.index()).search(vector[None], 1)[0]
        return hits[0].embedding_id if hits else None


async def add_image(change: GalleryChange, person_id: str, sha256: str) -> str:
    if await change.repository.find_person(person_id) is None:
        change.session.add(Person(id=person_id, name=person_id, details={}))
        await change.session.flush()
    image_id = new_id()
    change.session.add(
        PersonImage(
            id=image_id,
            person_id=person_id,
            sha256=sha256,
            is_primary=await change.repository.primary_image(person_id) is None,
            format="jpeg",
            width=1,
            height=1,
            size_bytes=1,
            box=[0, 0, 1, 1],
            quality={},
            stored_path=f"gallery/{image_id}.jpeg",
            thumbnail_path=f"gallery/{image_id}.thumbnail.jpeg",
        )
    )
    await change.session.flush()
    row = FaceEmbedding(
        id=new_id(),
        person_id=person_id,
        image_id=image_id,
        pack=KEY[0],
        pack_version=KEY[1],
        dimension=DIMENSION,
        vector=np.random.default_rng().standard_normal(DIMENSION).astype(np.float32),
    )
    change.add_embeddings([row])
    return row.id


def node_on(url: str, home: Path) -> Node:
    database = Database(url)
    indexes = GalleryIndexes(database, ExactIndex)
    changes = GalleryChanges(database, LocalStorage(home), indexes)
    thresholds = GalleryThresholds(database, changes)
    indexes.follow_state(STATE_KEY, thresholds.restore)
    return Node(database, indexes, changes, thresholds)


@pytest.fixture
async def nodes(server_url: str, tmp_path: Path) -> AsyncIterator[list[Node]]:
    both = [node_on(server_url, tmp_path), node_on(server_url, tmp_path)]
    yield both
    for node in both:
        await node.database.close()


async def stored_owners(database: Database) -> dict[str, str]:
    async with database.session() as session:
        return dict((await session.execute(select(FaceEmbedding.id, FaceEmbedding.person_id))).all())


async def stored_vectors(database: Database) -> dict[str, NDArray[np.float32]]:
    async with database.session() as session:
        return dict((await session.execute(select(FaceEmbedding.id, FaceEmbedding.vector))).all())


async def follow(nodes: list[Node], buses: list[Bus], stack: AsyncExitStack) -> None:
    for node, bus in zip(nodes, buses, strict=True):
        following_of_node = GalleryFollowing(node.database, node.indexes, node.changes, bus)
        await stack.enter_async_context(following_of_node.running())


async def change_at_random(node: Node, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        person, other = chance.sample("abcdefgh", 2)
        step = chance.random()
        if step < 0.5:
            await node.enrol(person)
        elif step < 0.65:
            await node.delete(person)
        elif step < 0.8:
            await node.move(person, other)
        elif step < 0.9:
            await node.indexes.catch_up()
        elif step < 0.95:
            await node.indexes.drop(KEY)
        else:
            await node.index()


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
