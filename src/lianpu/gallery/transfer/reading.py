"""Reads an archive and believes nothing of it: signature first, then every entry, every line, every photo's header."""

import hashlib
import io
import json
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from lianpu.engines.image import ImageLimits, image_size
from lianpu.errors import ArchiveDamagedError, ArchiveUntrustedError, ArchiveVersionError, ImageError
from lianpu.gallery.transfer.archive_format import (
    CHECKSUMS,
    FORMAT,
    FORMAT_VERSION,
    IMAGE_ENTRY,
    IMAGES,
    MANIFEST,
    MAX_LINE_BYTES,
    MAX_MANIFEST_BYTES,
    PERSONS,
    ArchiveManifest,
    EmbeddingLine,
    ImageLine,
    PackEntry,
    PersonLine,
)
from lianpu.gallery.transfer.signing import READ_BYTES, check_signature

CHECKSUM_CHARS = 64
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ArchivedEmbedding:
    """`vector`: [dimension] float32, finite."""

    pack: PackEntry
    line: EmbeddingLine
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ArchivedImage:
    line: ImageLine
    embeddings: tuple[ArchivedEmbedding, ...]


@dataclass(frozen=True, slots=True)
class ArchivedPerson:
    position: int
    """From 0, in the order of the archive."""
    line: PersonLine
    images: tuple[ArchivedImage, ...]


class Archive:
    """An archive whose signature is good and whose signer is trusted. Calls block; one thread at a time."""

    def __init__(self, path: Path, trusted: Collection[str]) -> None:
        """Check the signature over all bytes, the signer, the list of entries and the manifest.

        Args:
            trusted: fingerprints of the keys whose archives are taken.

        Raises:
            ArchiveDamagedError: cut off, changed, or with entries that no export writes.
            ArchiveUntrustedError: unsigned, or signed by another key; carries its fingerprint.
            ArchiveVersionError: of another version of the format.
        """
        self.signed_by = check_signature(path)
        if self.signed_by not in trusted:
            raise ArchiveUntrustedError(
                f"The archive is signed by {self.signed_by}, which is not trusted here. If you know that key, name it "
                "as `trust` or in the setting transfer.trusted_keys.",
                context={"fingerprint": self.signed_by},
            )
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise ArchiveDamagedError("The archive's list of entries cannot be read.") from error
        try:
            self._sizes = _checked_entries(self._zip, path.stat().st_size)
            self.manifest = self._read_manifest()
            self._check_names()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._zip.close()

    def image(self, line: ImageLine) -> bytes:
        """
        Raises:
            ArchiveDamagedError: the photo is not the one that the line describes.
        """
        data = self._read(line.entry, line.size_bytes)
        if hashlib.sha256(data).hexdigest() != line.sha256:
            raise ArchiveDamagedError(f"{line.entry} is not the photo that {IMAGES} describes.")
        return data

    def people(self) -> Iterator[ArchivedPerson]:
        """Every person with images and embeddings, checked line by line and in step with each other.

        Raises:
            ArchiveDamagedError: a line is not valid, not in order, or belongs to nobody.
        """
        images = _Ahead(self._lines(IMAGES, ImageLine))
        embeddings = [(_Ahead(self._lines(pack.lines_entry, EmbeddingLine)), pack) for pack in self.manifest.packs]
        vectors = {pack.key: self._open(pack.vectors_entry) for pack in self.manifest.packs}
        for position, person in enumerate(self._lines(PERSONS, PersonLine)):
            own: list[ArchivedImage] = []
            while images.next is not None and images.next.person_id == person.person_id:
                line = images.take()
                rows: list[ArchivedEmbedding] = []
                for lines, pack in embeddings:
                    if lines.next is not None and lines.next.image_id == line.image_id:
                        vector = _vector(vectors[pack.key], pack)
                        rows.append(ArchivedEmbedding(pack, lines.take(), vector))
                own.append(ArchivedImage(line, tuple(rows)))
            yield ArchivedPerson(position, person, tuple(own))
        for lines in (images, *(lines for lines, _ in embeddings)):
            if lines.next is not None:
                raise ArchiveDamagedError("Images or embeddings are out of order, or belong to nobody.")
        for pack in self.manifest.packs:
            if vectors[pack.key].read(1):
                raise ArchiveDamagedError(f"{pack.vectors_entry} has more vectors than lines.")

    def checked_people(self, limits: ImageLimits) -> Iterator[ArchivedPerson]:
        """The same, with everything else checked on the way: checksums, photos, counts, ids that occur twice.

        Raises:
            ArchiveDamagedError: something is not as it must be; only at the last person is all checked.
        """
        checksums = self._checksums()
        for name in self._sizes:
            if name != CHECKSUMS and not name.startswith("images/") and self._digest(name) != checksums[name]:
                raise ArchiveDamagedError(f"{name} is not what its checksum says.")
        seen: set[str] = set()
        counts = [0, 0, 0]
        for person in self.people():
            _check_person(person, seen, in_full=self.manifest.has_images)
            counts[0] += 1
            for image in person.images:
                counts[1] += 1
                counts[2] += len(image.embeddings)
                if self.manifest.has_images:
                    self._check_photo(image.line, checksums, limits)
            yield person
        stated = [self.manifest.persons, self.manifest.images, self.manifest.embeddings]
        photos = sum(name.startswith("images/") for name in self._sizes)
        if counts != stated or photos != (counts[1] if self.manifest.has_images else 0):
            raise ArchiveDamagedError("The archive does not hold as many lines or photos as its manifest says.")

    def _check_photo(self, line: ImageLine, checksums: dict[str, str], limits: ImageLimits) -> None:
        data = self.image(line)
        if checksums[line.entry] != line.sha256:
            raise ArchiveDamagedError(f"{line.entry} is not what its checksum says.")
        try:
            image_format, width, height = image_size(data, limits)
        except ImageError as error:
            raise ArchiveDamagedError(f"{line.entry}: {error.detail}") from error
        # The header's size is that before the EXIF turn.
        if image_format != line.format or {width, height} != {line.width, line.height}:
            raise ArchiveDamagedError(f"{line.entry} is not the photo that {IMAGES} describes.")

    def _read_manifest(self) -> ArchiveManifest:
        content = _json(self._read(MANIFEST, MAX_MANIFEST_BYTES))
        version = content.get("format_version")
        if content.get("format") != FORMAT or not isinstance(version, int):
            raise ArchiveDamagedError(f"{MANIFEST} is none of a gallery.")
        if version != FORMAT_VERSION:
            raise ArchiveVersionError(f"The archive has format {version}; this server reads format {FORMAT_VERSION}.")
        manifest = _valid(ArchiveManifest, content, MANIFEST)
        if manifest.gallery_id != self.signed_by:
            raise ArchiveDamagedError("The archive names another gallery than the one that signed it.")
        if len({pack.key for pack in manifest.packs}) != len(manifest.packs):
            raise ArchiveDamagedError(f"{MANIFEST} names a pack twice.")
        return manifest

    def _check_names(self) -> None:
        expected = {MANIFEST, PERSONS, IMAGES, CHECKSUMS}
        for pack in self.manifest.packs:
            expected |= {pack.lines_entry, pack.vectors_entry}
            if self._sizes.get(pack.vectors_entry) != 4 * pack.dimension * pack.embeddings:
                raise ArchiveDamagedError(f"{pack.vectors_entry} does not hold as many numbers as the manifest says.")
        present = {name for name in self._sizes if not IMAGE_ENTRY.fullmatch(name)}
        if present != expected:
            odd = sorted(present ^ expected)[0]
            raise ArchiveDamagedError(f"The archive has no {odd}, or ought to have none.")

    def _checksums(self) -> dict[str, str]:
        checksums: dict[str, str] = {}
        for raw in self._raw_lines(CHECKSUMS):
            line = raw.decode("ascii", "replace")
            checksums[line[CHECKSUM_CHARS + 2 :]] = line[:CHECKSUM_CHARS]
        if checksums.keys() != self._sizes.keys() - {CHECKSUMS}:
            raise ArchiveDamagedError(f"{CHECKSUMS} does not name the entries that there are.")
        return checksums

    def _lines(self, name: str, model: type[Model]) -> Iterator[Model]:
        for number, line in enumerate(self._raw_lines(name), 1):
            yield _valid(model, _json(line), f"{name}, line {number}")

    def _raw_lines(self, name: str) -> Iterator[bytes]:
        with io.BufferedReader(cast(Any, self._open(name)), READ_BYTES) as file:
            while line := _checked_read(file, MAX_LINE_BYTES, name, line=True):
                if not line.endswith(b"\n"):
                    raise ArchiveDamagedError(f"{name} has a line without end.")
                yield line.rstrip(b"\n")

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(name)
        except (KeyError, zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            raise ArchiveDamagedError(f"The archive's {name} cannot be read.") from error

    def _read(self, name: str, most_bytes: int) -> bytes:
        if self._sizes.get(name, 0) > most_bytes:
            raise ArchiveDamagedError(f"{name} is larger than it may be.")
        with self._open(name) as file:
            return _checked_read(file, most_bytes + 1, name)

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._open(name) as file:
            while data := _checked_read(file, READ_BYTES, name):
                digest.update(data)
        return digest.hexdigest()


class _Ahead:
    """An iterator whose next item can be looked at."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self.next: Any = next(items, None)

    def take(self) -> Any:
        taken, self.next = self.next, next(self._items, None)
        return taken


def _checked_entries(archive: zipfile.ZipFile, size_bytes: int) -> dict[str, int]:
    """Name -> size of every entry: stored as it is, each name once, together no larger than the file."""
    sizes: dict[str, int] = {}
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size or entry.flag_bits & 1:
            raise ArchiveDamagedError(f"{entry.filename!r} is compressed or encrypted, which no export does.")
        if entry.filename in sizes:
            raise ArchiveDamagedError(f"{entry.filename!r} occurs twice.")
        sizes[entry.filename] = entry.file_size
    # Entries that share their bytes would add up to more than the file.
    if sum(sizes.values()) > size_bytes:
        raise ArchiveDamagedError("The archive's entries overlap.")
    return sizes


def _check_person(person: ArchivedPerson, seen: set[str], *, in_full: bool) -> None:
    ids = [f"person {person.line.person_id}"]
    for image in person.images:
        ids += [f"image {image.line.image_id}", f"content {person.line.person_id} {image.line.sha256}"]
        ids += [f"embedding {embedding.line.embedding_id}" for embedding in image.embeddings]
    for one in ids:
        if one in seen:
            raise ArchiveDamagedError(f"The {one} occurs twice.")
        seen.add(one)
    if in_full and person.images and sum(image.line.is_primary for image in person.images) != 1:
        raise ArchiveDamagedError(f"The person {person.line.person_id} has no primary image, or several.")


def _vector(file: IO[bytes], pack: PackEntry) -> NDArray[np.float32]:
    data = _checked_read(file, 4 * pack.dimension, pack.vectors_entry)
    vector = np.frombuffer(data, dtype="<f4").astype(np.float32)
    if len(vector) != pack.dimension or not np.isfinite(vector).all():
        raise ArchiveDamagedError(f"{pack.vectors_entry} has too few numbers, or some that are none.")
    return vector


def _checked_read(file: Any, most_bytes: int, name: str, *, line: bool = False) -> bytes:
    try:
        return file.readline(most_bytes) if line else file.read(most_bytes)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise ArchiveDamagedError(f"The archive's {name} is damaged.") from error


def _json(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArchiveDamagedError("The archive has a line that is no JSON.") from error
    if not isinstance(content, dict):
        raise ArchiveDamagedError("The archive has a line that is no JSON object.")
    return cast(dict[str, Any], content)


def _valid(model: type[Model], content: dict[str, Any], place: str) -> Model:
    try:
        return model.model_validate(content)
    except (ValidationError, RecursionError) as error:
        first = (
            error.errors(include_url=False)[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "too deep"}
        )
        where = ".".join(map(str, cast(Sequence[object], first["loc"])))
        raise ArchiveDamagedError(f"{place}: {where}: {first['msg']}") from error
