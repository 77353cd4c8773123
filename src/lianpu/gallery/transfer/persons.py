"""Takes one person of an archive into the gallery: files, rows, index and the job's item, all or none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.engines.face.face import Box
from lianpu.engines.image import ImageLimits, decode_image, encode_jpeg, thumbnail
from lianpu.errors import ConflictError
from lianpu.gallery.changes import GalleryChange, GalleryChanges
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.transfer.archive_format import ImageLine
from lianpu.gallery.transfer.planning import OnConflict, Outcome, PersonPlan, plan_people
from lianpu.gallery.transfer.reading import Archive, ArchivedEmbedding, ArchivedPerson
from lianpu.gallery.transfer.repository import TransferRepository
from lianpu.jobs.handler import RunningJob

TRIES = 3
THUMBNAIL_QUALITY = 88


@dataclass(frozen=True, slots=True)
class StoredPair:
    """Where the two files of a new image are kept. The names are new: a file never has two owners."""

    photo: str
    thumbnail: str

    @classmethod
    def new(cls, line: ImageLine) -> "StoredPair":
        file_id = new_id()
        folder = f"gallery/{file_id[-2:]}"
        return cls(f"{folder}/{file_id}.{line.format}", f"{folder}/{file_id}.thumbnail.jpeg")


class _ArchivedFiles(Mapping[str, bytes]):
    """The new files by name, each read from the archive when it is asked for: a person may have many photos."""

    def __init__(
        self, archive: Archive, pairs: Mapping[str, tuple[ImageLine, StoredPair]], limits: ImageLimits, side_px: int
    ) -> None:
        self._archive = archive
        self._limits = limits
        self._side_px = side_px
        self._lines = {name: line for line, pair in pairs.values() for name in (pair.photo, pair.thumbnail)}
        self._photos = {pair.photo for _, pair in pairs.values()}
        self._last: tuple[str, bytes] = ("", b"")

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __getitem__(self, name: str) -> bytes:
        line = self._lines[name]
        if self._last[0] != line.image_id:
            self._last = (line.image_id, self._archive.image(line))
        data = self._last[1]
        if name in self._photos:
            return data
        pixels = decode_image(data, self._limits).pixels
        return encode_jpeg(thumbnail(pixels, Box(*line.box), self._side_px), quality=THUMBNAIL_QUALITY)


class PersonImport:
    def __init__(
        self,
        changes: GalleryChanges,
        database: Database,
        archive: Archive,
        on_conflict: OnConflict,
        taken: set[PackKey],
        *,
        limits: ImageLimits,
        thumbnail_side_px: int,
    ) -> None:
        """`taken`: the packs whose embeddings are taken in."""
        self._changes = changes
        self._database = database
        self._archive = archive
        self._on_conflict = on_conflict
        self._taken = taken
        self._limits = limits
        self._thumbnail_side_px = thumbnail_side_px

    async def take_in(self, person: ArchivedPerson, job: RunningJob) -> None:
        """Ids and times stay those of the archive, unless an id belongs to something else here.

        Raises:
            ConflictError: the person has come to differ since the archive was examined, and `on_conflict` is `fail`.
            ImageError: a photo cannot be decoded.
            StorageError: the files cannot be written.
        """
        if not self._archive.manifest.has_images:
            person = ArchivedPerson(person.position, person.line, ())
        for _ in range(TRIES):
            async with self._database.session() as session:
                plan = await self._plan(TransferRepository(session), person)
            lines = [image.line for image in plan.new_images]
            pairs = {line.image_id: (line, StoredPair.new(line)) for line in lines}
            files = _ArchivedFiles(self._archive, pairs, self._limits, self._thumbnail_side_px)
            async with self._changes.change(files) as change:
                # What another request has changed meanwhile counts: nothing can change from here on.
                plan = await self._plan(TransferRepository(change.session), person)
                needed = {image.line.image_id for image in plan.new_images}
                if needed <= pairs.keys():
                    change.obsolete_files += [
                        name
                        for image_id, (_, pair) in pairs.items()
                        if image_id not in needed
                        for name in (pair.photo, pair.thumbnail)
                    ]
                    detail = await self._apply(change, plan, {key: pair for key, (_, pair) in pairs.items()})
                    job.add_item(change.session, person.position, person.line.person_id, plan.outcome, detail)
                    return
                change.obsolete_files += list(files)
        raise ConflictError(f"Person {person.line.person_id!r} is being changed by others. Try again.")

    async def _plan(self, repository: TransferRepository, person: ArchivedPerson) -> PersonPlan:
        plan = (await plan_people(repository, [person], self._on_conflict, self._taken))[0]
        if plan.outcome is Outcome.CONFLICT:
            raise ConflictError(f"Person {person.line.person_id!r} differs in {', '.join(plan.differing)}.")
        return plan

    async def _apply(self, change: GalleryChange, plan: PersonPlan, pairs: Mapping[str, StoredPair]) -> dict[str, int]:
        if plan.outcome not in {Outcome.ADDED, Outcome.MERGED}:
            return {"images_added": 0, "images_known": len(plan.known_images), "embeddings_added": 0}
        line = plan.archived.line
        if plan.outcome is Outcome.ADDED:
            change.session.add(
                Person(
                    id=line.person_id,
                    name=line.name,
                    details=line.metadata,
                    threshold=line.threshold,
                    created_at=line.created_at,
                    updated_at=line.updated_at,
                )
            )
            await change.session.flush()
        else:
            (await change.repository.person(line.person_id)).updated_at = now_utc()
        transfer = TransferRepository(change.session)
        embeddings = [
            (image, embedding)
            for image in plan.archived.images
            for embedding in image.embeddings
            if embedding.pack.key in self._taken
        ]
        taken_ids = await transfer.taken_ids(
            [image.line.image_id for image in plan.new_images],
            [embedding.line.embedding_id for _, embedding in embeddings],
        )
        image_ids = dict(plan.known_images)
        has_primary = await change.repository.primary_image(line.person_id) is not None
        for image in plan.new_images:
            image_id = image.line.image_id
            image_ids[image_id] = new_id() if image_id in taken_ids else image_id
            is_primary = image.line.is_primary and not has_primary
            change.session.add(_image_row(image.line, image_ids[image_id], pairs[image_id], is_primary=is_primary))
        await change.session.flush()
        embedded = await transfer.embedded(list(plan.known_images.values()))
        rows = [
            _embedding_row(line.person_id, image_ids[image.line.image_id], embedding, taken_ids)
            for image, embedding in embeddings
            if (image_ids[image.line.image_id], *embedding.pack.key) not in embedded
        ]
        change.add_embeddings(rows)
        return {
            "images_added": len(plan.new_images),
            "images_known": len(plan.known_images),
            "embeddings_added": len(rows),
        }


def _image_row(line: ImageLine, image_id: str, pair: StoredPair, *, is_primary: bool) -> PersonImage:
    return PersonImage(
        id=image_id,
        person_id=line.person_id,
        sha256=line.sha256,
        is_primary=is_primary,
        format=line.format.value,
        width=line.width,
        height=line.height,
        size_bytes=line.size_bytes,
        box=list(line.box),
        quality=line.quality.model_dump(mode="json", exclude_unset=True),
        liveness=None if line.liveness is None else line.liveness.model_dump(mode="json"),
        stored_path=pair.photo,
        thumbnail_path=pair.thumbnail,
        uploaded_at=line.uploaded_at,
    )


def _embedding_row(person_id: str, image_id: str, embedding: ArchivedEmbedding, taken_ids: set[str]) -> FaceEmbedding:
    own_id = embedding.line.embedding_id
    return FaceEmbedding(
        id=new_id() if own_id in taken_ids else own_id,
        person_id=person_id,
        image_id=image_id,
        pack=embedding.pack.name,
        pack_version=embedding.pack.version,
        dimension=embedding.pack.dimension,
        vector=embedding.vector,
        threshold=embedding.line.threshold,
        created_at=embedding.line.created_at,
    )
