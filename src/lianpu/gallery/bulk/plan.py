"""Who is on which photo of an upload: the manifest says it, else the folder that the photo lies in."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lianpu.errors import FieldError, LianpuError, ManifestInvalidError, PersonExistsError
from lianpu.gallery.identity import checked_name, checked_person_id, person_id_from
from lianpu.gallery.schemas import Metadata, PersonId, PersonName
from lianpu.storage.archive import ArchiveEntry

MANIFEST_NAMES = ("manifest.json", "manifest.csv")
MANIFEST_MAX_BYTES = 32 << 20
ERRORS_SHOWN = 100
PHOTO_SUFFIXES = frozenset(
    {"", ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
_CSV_FIELDS = {"file", "person_id", "name", "metadata", "face_index"}


class ManifestEntry(BaseModel):
    """What a manifest says of one photo. Whoever is not said here, the photo's folder says."""

    model_config = ConfigDict(extra="forbid")

    file: str = Field(min_length=1, examples=["zhang-san/1.jpg"])
    person_id: PersonId | None = None
    name: PersonName | None = None
    metadata: Metadata | None = None
    face_index: int | None = Field(default=None, ge=0)


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One file of the upload and whom it is enrolled as."""

    position: int
    file: str
    person_id: str = ""
    name: str = ""
    is_named: bool = False
    """By the manifest: a person who exists under another name is then refused, not just added to."""
    metadata: dict[str, Any] | None = None
    face_index: int | None = None
    problem: LianpuError | None = None
    """Why it cannot even be tried."""
    is_photo: bool = True


def make_plan(entries: Iterable[ArchiveEntry], manifest: Mapping[str, ManifestEntry]) -> list[BulkItem]:
    """One item a file, in the order of their names, so that every attempt numbers them alike.

    Raises:
        ManifestInvalidError: it names files that are not in the upload; `errors` says which.
    """
    names = sorted(entry.name for entry in entries if not is_manifest(entry.name))
    unknown = sorted(manifest.keys() - set(names))
    if unknown:
        errors = [FieldError(file, "is not in the upload", "file_unknown") for file in unknown[:ERRORS_SHOWN]]
        raise ManifestInvalidError(f"The manifest names {len(unknown)} file(s) that are not there.", errors=errors)
    # Named once, named for all of the person's photos.
    named = {entry.person_id: entry.name for entry in manifest.values() if entry.person_id and entry.name}
    items = [_item(position, file, manifest.get(file), named) for position, file in enumerate(names)]
    return _without_shared_ids(items)


def is_manifest(name: str) -> bool:
    return name in MANIFEST_NAMES


def read_manifest(text: bytes, *, is_csv: bool) -> dict[str, ManifestEntry]:
    """By file. JSON: a list of entries. CSV: a heading with `file` and any of `person_id`, `name`, `face_index`,
    `metadata` (JSON); every other column becomes a key of the metadata.

    Raises:
        ManifestInvalidError: it cannot be read, or entries are wrong; `errors` names them.
    """
    try:
        decoded = text.decode("utf-8-sig")
        raw = _csv_entries(decoded) if is_csv else json.loads(decoded)
    except (ValueError, RecursionError, csv.Error) as error:
        raise ManifestInvalidError(f"The manifest cannot be read: {error}.") from error
    try:
        entries = TypeAdapter(list[ManifestEntry]).validate_python(raw)
    except ValidationError as error:
        errors = [
            FieldError(".".join(str(part) for part in item["loc"]), item["msg"], item["type"])
            for item in error.errors(include_url=False)[:ERRORS_SHOWN]
        ]
        raise ManifestInvalidError("The manifest has entries that are wrong.", errors=errors) from error
    by_file: dict[str, ManifestEntry] = {}
    for entry in entries:
        if entry.file in by_file:
            raise ManifestInvalidError(f"The manifest names {entry.file!r} twice.")
        by_file[entry.file] = entry
    return by_file


def _csv_entries(text: str) -> list[dict[str, Any]]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    entries: list[dict[str, Any]] = []
    for row in rows:
        if None in row or None in row.values():
            raise ValueError(f"line {rows.line_num} has another number of columns than the heading")
        filled = {key.strip(): value for key, value in row.items() if value != ""}
        metadata = json.loads(filled.pop("metadata", "{}"))
        if not isinstance(metadata, dict):
            raise ValueError(f"line {rows.line_num}: metadata is no JSON object")
        own = {key: filled.pop(key) for key in list(filled) if key not in _CSV_FIELDS}
        merged = {**cast(dict[str, Any], metadata), **own}
        entries.append({**filled, "metadata": merged} if merged else dict(filled))
    return entries


def _item(position: int, file: str, said: ManifestEntry | None, named: Mapping[str, str]) -> BulkItem:
    path = PurePosixPath(file)
    if path.suffix.lower() not in PHOTO_SUFFIXES:
        return BulkItem(position, file, is_photo=False)
    folder = path.parent.name or path.stem
    said_name = said and (said.name or named.get(said.person_id or ""))
    try:
        # Without a name of its own the folder is the person; with one, the name is.
        name = said_name or (said and said.person_id) or checked_name(folder)
        person_id = (said and said.person_id) or checked_person_id(person_id_from(said_name or folder))
    except ValueError as error:
        problem = ManifestInvalidError(f"{folder!r} cannot be a person's name or id: it {error}.")
        return BulkItem(position, file, problem=problem)
    return BulkItem(
        position,
        file,
        person_id,
        name,
        is_named=said_name is not None,
        metadata=said.metadata if said else None,
        face_index=said.face_index if said else None,
    )


def _without_shared_ids(items: list[BulkItem]) -> list[BulkItem]:
    """`a b` and `a_b` would silently become one person."""
    first: dict[str, BulkItem] = {}
    checked: list[BulkItem] = []
    for item in items:
        if item.problem is None and item.is_photo:
            other = first.setdefault(item.person_id, item)
            if other.name != item.name:
                problem = PersonExistsError(
                    f"{other.name!r} and {item.name!r} would both get the id {item.person_id!r}."
                )
                checked.append(BulkItem(item.position, item.file, problem=problem))
                continue
        checked.append(item)
    return checked
