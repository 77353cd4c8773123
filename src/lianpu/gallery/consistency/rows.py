"""Rows against each other and against the indexes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import numpy as np

from lianpu.database.session import Database
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.consistency.findings import Finding, Problem
from lianpu.gallery.consistency.repository import ConsistencyRepository, EmbeddingRow
from lianpu.gallery.indexes import GalleryIndexes, PackKey
from lianpu.packs.folder import folder_name


async def check_embeddings(database: Database) -> AsyncIterator[tuple[int, list[Finding]]]:
    """(embeddings looked at, what is wrong with them), some hundreds at a time."""
    async with database.session() as session:
        dimensions = await ConsistencyRepository(session).dimensions()
    after = ""
    while True:
        async with database.session() as session:
            rows = await ConsistencyRepository(session).embeddings(after)
        if not rows:
            return
        after = rows[-1].id
        yield len(rows), await asyncio.to_thread(_check_all, rows, dimensions)


async def check_persons(database: Database) -> list[Finding]:
    async with database.session() as session:
        repository = ConsistencyRepository(session)
        primaries = await repository.primary_counts()
        images = await repository.images_without_person()
    return [
        *(
            Finding(Problem.PRIMARY_WRONG, person_id, f"{count} of the person's images are primary", person_id)
            for person_id, count in primaries
        ),
        *(
            Finding(Problem.IMAGE_ORPHAN, image_id, f"there is no person {person_id}", person_id)
            for image_id, person_id in images
        ),
    ]


async def check_index(changes: GalleryChanges, indexes: GalleryIndexes, key: PackKey) -> list[Finding]:
    """The index of this process against the embeddings of the pack version; nothing is changed meanwhile."""
    async with changes.change() as still:
        stored = await still.repository.owners(*key)
        held = await asyncio.to_thread(indexes.owners, key)
    if held is None or held == stored:
        return []
    lacking = len(stored.keys() - held.keys())
    surplus = len(held.keys() - stored.keys())
    strange = sum(held[row] != stored[row] for row in held.keys() & stored.keys())
    message = f"{lacking} embeddings are not in the index, {surplus} are there alone, {strange} name another person"
    return [Finding(Problem.INDEX_DIFFERS, folder_name(*key), message)]


def _check_all(rows: Sequence[EmbeddingRow], dimensions: Mapping[PackKey, int]) -> list[Finding]:
    found: list[Finding] = []
    for row in rows:
        usual = dimensions.get((row.pack, row.version), row.dimension)
        if row.image_person_id is None:
            found.append(_finding(Problem.EMBEDDING_ORPHAN, row, f"there is no image {row.image_id}"))
        elif row.image_person_id != row.person_id:
            message = f"it names the person {row.person_id}, its image the person {row.image_person_id}"
            found.append(_finding(Problem.EMBEDDING_PERSON_DIFFERS, row, message))
        if row.dimension != usual or len(row.vector) != 4 * usual:
            message = f"{len(row.vector)} bytes for {row.dimension} numbers; those of its pack have {usual}"
            found.append(_finding(Problem.EMBEDDING_DAMAGED, row, message))
        elif not np.isfinite(np.frombuffer(row.vector, dtype="<f4")).all():
            found.append(_finding(Problem.EMBEDDING_DAMAGED, row, "some of its numbers are not finite"))
    return found


def _finding(problem: Problem, row: EmbeddingRow, message: str) -> Finding:
    return Finding(problem, row.id, message, row.person_id)
