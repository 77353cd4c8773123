"""What a deletion took with it, looked up again afterwards: nothing of it is in the database, the files or an index."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.models import FaceEmbedding, PersonImage
from lianpu.gallery.repository import GalleryRepository
from lianpu.packs.folder import folder_name
from lianpu.storage.files import FileStorage


@dataclass(frozen=True, slots=True)
class Doomed:
    """What a deletion is about to take."""

    image_ids: tuple[str, ...]
    embedding_ids: tuple[str, ...]
    embeddings: dict[str, int]
    """How many by pack@version."""
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeletionReceipt:
    """Says what is gone. It holds no name and no vector, so that it can be kept."""

    receipt_id: str
    person_id: str
    deleted_at: datetime
    images: int
    embeddings: dict[str, int]
    """How many by pack@version."""
    files: int
    remaining_files: tuple[str, ...]
    """That could not be deleted yet (another program holds them); they are tried again every hour."""
    verified: bool
    """Rows, files and indexes were looked at after the deletion, and nothing is left."""


async def doomed_of(repository: GalleryRepository, images: Sequence[PersonImage]) -> Doomed:
    """Call inside the change, before its deletions."""
    by_image = await repository.embeddings_of_images([image.id for image in images])
    embeddings: list[FaceEmbedding] = [item for of_image in by_image.values() for item in of_image]
    return Doomed(
        image_ids=tuple(image.id for image in images),
        embedding_ids=tuple(item.id for item in embeddings),
        embeddings=dict(Counter(folder_name(item.pack, item.pack_version) for item in embeddings)),
        files=tuple(name for image in images for name in (image.stored_path, image.thumbnail_path)),
    )


async def receipt_of(
    person_id: str, doomed: Doomed, database: Database, storage: FileStorage, indexes: GalleryIndexes
) -> DeletionReceipt:
    """Call after the change: looks whether all of it is gone."""
    async with database.session() as session:
        rows = await GalleryRepository(session).remaining_rows(doomed.image_ids, doomed.embedding_ids)
    files = await asyncio.to_thread(_remaining, storage, doomed.files)
    return DeletionReceipt(
        receipt_id=new_id(),
        person_id=person_id,
        deleted_at=now_utc(),
        images=len(doomed.image_ids),
        embeddings=doomed.embeddings,
        files=len(doomed.files) - len(files),
        remaining_files=files,
        verified=rows == 0 and not files and not await indexes.may_hold_any(doomed.embedding_ids),
    )


def _remaining(storage: FileStorage, files: Sequence[str]) -> tuple[str, ...]:
    left: list[str] = []
    for file in files:
        try:
            storage.size_bytes(file)
        except FileNotFoundError:
            continue
        left.append(file)
    return tuple(left)
