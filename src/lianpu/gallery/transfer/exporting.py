"""The job that exports: rows of one moment first, then the files they name, then the archive is signed."""

import asyncio
import hashlib
import itertools
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import lianpu
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import LianpuError, StorageError
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.repository import GalleryRepository, PersonFilter
from lianpu.gallery.transfer.archive_format import (
    FORMAT,
    FORMAT_VERSION,
    IMAGES,
    MANIFEST,
    PERSONS,
    ArchiveManifest,
    PackEntry,
)
from lianpu.gallery.transfer.encryption import ArchiveKey, encrypt
from lianpu.gallery.transfer.repository import TransferRepository
from lianpu.gallery.transfer.signing import SigningKey
from lianpu.gallery.transfer.weights import InstalledWeights
from lianpu.gallery.transfer.writing import ArchiveWriter
from lianpu.jobs.handler import RunningJob
from lianpu.packs.registry import PackRegistry
from lianpu.storage.files import FileStorage

ARCHIVE = "archive"
KEY_FILE = "passphrase.key"
SPOOL = "spool"
FILES_PER_STEP = 32
REPORTED_LEFT_OUT = 100
Line = dict[str, Any]


@dataclass
class Spool:
    """Rows on their way into the archive: one file of JSON lines a table, and the vectors of each pack version."""

    folder: Path
    persons: int = 0
    images: int = 0
    dimensions: dict[PackKey, int] = field(default_factory=dict[PackKey, int])

    def of(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number}.{suffix}"


class Export:
    """Handles jobs of the kind `gallery.export`. An attempt that was interrupted is begun anew."""

    kind = "gallery.export"

    def __init__(self, database: Database, storage: FileStorage, registry: PackRegistry, key: SigningKey) -> None:
        self._database = database
        self._storage = storage
        self._registry = registry
        self._key = key

    async def run(self, job: RunningJob) -> dict[str, Any]:
        """
        Raises:
            StorageError: there is no room for the archive; nothing of it is left.
        """
        if "result" not in job.checkpoint:
            spool = Spool(job.folder / SPOOL)
            try:
                await asyncio.to_thread(_make_anew, spool.folder)
                await self._spool_rows(job, spool)
                result = await self._write(job, spool)
            except OSError as error:
                raise StorageError(f"The archive could not be written: {error.strerror or error}.") from error
            finally:
                await asyncio.to_thread(shutil.rmtree, spool.folder, ignore_errors=True)
            await job.report(spool.images, spool.images, message="signed", checkpoint={"result": result})
        # Not before the checkpoint: another attempt would need it.
        (job.folder / KEY_FILE).unlink(missing_ok=True)
        return job.checkpoint["result"]

    async def _spool_rows(self, job: RunningJob, spool: Spool) -> None:
        parameters = job.parameters
        wanted = _filter(parameters)
        with ExitStack() as stack:
            tables = {name: stack.enter_context((spool.folder / name).open("wb")) for name in (PERSONS, IMAGES)}
            vectors: dict[PackKey, tuple[BinaryIO, ...]] = {}
            async with self._database.session() as session:
                transfer, gallery = TransferRepository(session), GalleryRepository(session)
                await transfer.begin_snapshot()
                async for persons in transfer.persons(wanted, parameters["person_ids"]):
                    images = await transfer.images([person.id for person in persons])
                    listed = [image for person in persons for image in images[person.id]]
                    found: dict[str, list[FaceEmbedding]] = {}
                    if parameters["include_embeddings"]:
                        found = await gallery.embeddings_of_images([image.id for image in listed])
                    rows = [row for image in listed for row in found.get(image.id, ())]
                    for key, dimension in {(row.pack, row.pack_version): row.dimension for row in rows}.items():
                        if key not in vectors:
                            spool.dimensions[key] = dimension
                            vectors[key] = tuple(
                                stack.enter_context(spool.of(len(vectors), suffix).open("wb"))
                                for suffix in ("jsonl", "f32")
                            )
                    await asyncio.to_thread(_spool, tables, vectors, spool.dimensions, persons, listed, rows)
                    spool.persons += len(persons)
                    spool.images += len(listed)
                    await job.report(0, None, message=f"read {spool.persons} persons")

    async def _write(self, job: RunningJob, spool: Spool) -> dict[str, Any]:
        created_at = now_utc()
        plain = job.folder / f"{ARCHIVE}.plain"
        with_images = bool(job.parameters["include_images"])
        left_out: dict[str, str] = {}
        writer = await asyncio.to_thread(ArchiveWriter, plain, created_at, self._key)
        try:
            done = 0
            for lines in _batches(_read_lines(spool.folder / IMAGES)) if with_images else ():
                left_out |= await asyncio.to_thread(self._add_images, writer, lines)
                done += len(lines)
                await job.report(done, spool.images, message="copying photos")
            manifest = await asyncio.to_thread(self._add_rows, writer, spool, job.parameters, set(left_out), created_at)
            await asyncio.to_thread(writer.finish)
        except BaseException:
            await asyncio.to_thread(writer.abandon)
            raise
        await self._publish(job, plain)
        size_bytes = (await asyncio.to_thread((job.folder / ARCHIVE).stat)).st_size
        listed = [{"image_id": image, "reason": why} for image, why in left_out.items()]
        return {
            **manifest.model_dump(mode="json", exclude={"format"}),
            "left_out_images": listed[:REPORTED_LEFT_OUT],
            "size_bytes": size_bytes,
            "is_encrypted": bool(job.parameters["is_encrypted"]),
        }

    async def _publish(self, job: RunningJob, plain: Path) -> None:
        """Under its final name the archive is whole."""
        if not job.parameters["is_encrypted"]:
            await asyncio.to_thread(plain.replace, job.folder / ARCHIVE)
            return
        sealed = job.folder / f"{ARCHIVE}.sealed"
        try:
            content = json.loads(await asyncio.to_thread((job.folder / KEY_FILE).read_text))
            key = ArchiveKey(bytes.fromhex(content["header"]), bytes.fromhex(content["secret"]))
            await asyncio.to_thread(encrypt, plain, sealed, key)
            await asyncio.to_thread(sealed.replace, job.folder / ARCHIVE)
        finally:
            await asyncio.to_thread(plain.unlink, missing_ok=True)

    def _add_images(self, writer: ArchiveWriter, lines: Sequence[Line]) -> dict[str, str]:
        """Copy the files of these images. Returns: image id -> reason, of those that are not as their row says."""
        left_out: dict[str, str] = {}
        for line in lines:
            try:
                data = self._storage.read(line["stored_path"])
            except FileNotFoundError:
                left_out[line["image_id"]] = "deleted meanwhile, or its file is missing"
                continue
            if hashlib.sha256(data).hexdigest() != line["sha256"]:
                left_out[line["image_id"]] = "its file is damaged"
                continue
            writer.add(f"images/{line['image_id']}.{line['format']}", data)
        return left_out

    def _add_rows(
        self,
        writer: ArchiveWriter,
        spool: Spool,
        parameters: dict[str, Any],
        left_out: set[str],
        created_at: datetime,
    ) -> ArchiveManifest:
        writer.add_file(PERSONS, spool.folder / PERSONS)
        kept = spool.folder / "kept.jsonl"
        images = _write_lines(kept, _kept_images(_read_lines(spool.folder / IMAGES), left_out))
        writer.add_file(IMAGES, kept)
        installed = InstalledWeights(self._registry)
        packs: list[PackEntry] = []
        for number, (key, dimension) in enumerate(spool.dimensions.items()):
            vectors = spool.folder / "kept.f32"
            count = _keep_embeddings(spool, number, dimension, left_out, kept, vectors)
            here = installed.of(key)
            entry = PackEntry(
                name=key[0],
                version=key[1],
                dimension=dimension,
                metric=None if here is None else here[0].metric,
                weights=None if here is None else here[1],
                embeddings=count,
            )
            writer.add_file(entry.lines_entry, kept)
            writer.add_file(entry.vectors_entry, vectors)
            packs.append(entry)
        manifest = ArchiveManifest(
            format=FORMAT,
            format_version=FORMAT_VERSION,
            product_version=lianpu.__version__,
            created_at=created_at,
            gallery_id=self._key.fingerprint,
            has_images=bool(parameters["include_images"]),
            has_embeddings=bool(parameters["include_embeddings"]),
            persons=spool.persons,
            images=images,
            embeddings=sum(pack.embeddings for pack in packs),
            left_out=len(left_out),
            packs=tuple(packs),
        )
        writer.add(MANIFEST, manifest.model_dump_json(indent=2).encode())
        return manifest


def _filter(parameters: dict[str, Any]) -> PersonFilter:
    said = parameters["filter"]
    return PersonFilter(said.get("name"), said.get("pack"), tuple(said.get("metadata", {}).items()))


def _make_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _spool(
    tables: Mapping[str, BinaryIO],
    vectors: Mapping[PackKey, tuple[BinaryIO, ...]],
    dimensions: Mapping[PackKey, int],
    persons: Iterable[Person],
    images: Iterable[PersonImage],
    rows: Iterable[FaceEmbedding],
) -> None:
    tables[PERSONS].writelines(_encoded(_person_line(person)) for person in persons)
    tables[IMAGES].writelines(_encoded(_image_line(image)) for image in images)
    for row in rows:
        lines, matrix = vectors[row.pack, row.pack_version]
        if len(row.vector) != dimensions[row.pack, row.pack_version] or not np.isfinite(row.vector).all():
            raise LianpuError(f"The embedding {row.id} is damaged: `lianpu gallery check --repair` mends the gallery.")
        lines.write(_encoded(_embedding_line(row)))
        matrix.write(row.vector.astype("<f4").tobytes())


def _person_line(person: Person) -> Line:
    return {
        "person_id": person.id,
        "name": person.name,
        "metadata": person.details,
        "threshold": person.threshold,
        "created_at": person.created_at.isoformat(),
        "updated_at": person.updated_at.isoformat(),
    }


def _image_line(image: PersonImage) -> Line:
    return {
        "image_id": image.id,
        "person_id": image.person_id,
        "sha256": image.sha256,
        "is_primary": image.is_primary,
        "format": image.format,
        "width": image.width,
        "height": image.height,
        "size_bytes": image.size_bytes,
        "box": image.box,
        "quality": image.quality,
        "liveness": image.liveness,
        "uploaded_at": image.uploaded_at.isoformat(),
        "stored_path": image.stored_path,
    }


def _embedding_line(row: FaceEmbedding) -> Line:
    return {
        "embedding_id": row.id,
        "image_id": row.image_id,
        "threshold": row.threshold,
        "created_at": row.created_at.isoformat(),
    }


def _kept_images(lines: Iterable[Line], left_out: set[str]) -> Iterator[Line]:
    """Without those left out and without where this installation keeps them; each person keeps a primary one."""
    for _, group in itertools.groupby(lines, key=lambda line: line["person_id"]):
        kept = [line for line in group if line["image_id"] not in left_out]
        if kept and not any(line["is_primary"] for line in kept):
            kept[-1]["is_primary"] = True
        for line in kept:
            del line["stored_path"]
            yield line


def _keep_embeddings(spool: Spool, number: int, dimension: int, left_out: set[str], kept: Path, vectors: Path) -> int:
    """Copy the lines and rows of images that are not left out. Returns: how many."""
    size_bytes, count = 4 * dimension, 0
    with spool.of(number, "f32").open("rb") as source, kept.open("wb") as lines, vectors.open("wb") as matrix:
        for line in _read_lines(spool.of(number, "jsonl")):
            row = source.read(size_bytes)
            if line["image_id"] not in left_out:
                lines.write(_encoded(line))
                matrix.write(row)
                count += 1
    return count


def _encoded(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read_lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _write_lines(path: Path, lines: Iterable[Line]) -> int:
    count = 0
    with path.open("wb") as file:
        for line in lines:
            file.write(_encoded(line))
            count += 1
    return count


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while batch := list(itertools.islice(lines, FILES_PER_STEP)):
        yield batch
