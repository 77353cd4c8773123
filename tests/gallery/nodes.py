"""Nodes that change one gallery, as far as database, files and indexes go, by made-up faces."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from lianpu.database.base import new_id
from lianpu.database.session import Database
from lianpu.gallery.changes import GalleryChange, GalleryChanges
from lianpu.gallery.index_engine import ExactEngine
from lianpu.gallery.indexes import GalleryIndexes, IndexEngine
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.thresholds import STATE_KEY, GalleryThresholds
from lianpu.packs.metric import Metric
from lianpu.storage.local import LocalStorage
from lianpu.vectors.index import VectorIndex

KEY = ("alpha", "1")
DIMENSION = 8


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


def node_on(url: str, home: Path, engine: IndexEngine | None = None) -> Node:
    database = Database(url)
    indexes = GalleryIndexes(database, engine or ExactEngine())
    changes = GalleryChanges(database, LocalStorage(home), indexes)
    thresholds = GalleryThresholds(database, changes)
    indexes.follow_state(STATE_KEY, thresholds.restore)
    return Node(database, indexes, changes, thresholds)


async def stored_owners(database: Database) -> dict[str, str]:
    async with database.session() as session:
        return dict((await session.execute(select(FaceEmbedding.id, FaceEmbedding.person_id))).all())


async def stored_vectors(database: Database) -> dict[str, NDArray[np.float32]]:
    async with database.session() as session:
        return dict((await session.execute(select(FaceEmbedding.id, FaceEmbedding.vector))).all())


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
