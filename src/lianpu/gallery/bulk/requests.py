"""Takes an upload in: received, looked through as a whole, and only then a job."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from lianpu.database.session import Database
from lianpu.errors import ArchiveDamagedError, FieldsInvalidError, ManifestInvalidError
from lianpu.gallery.bulk.plan import (
    MANIFEST_MAX_BYTES,
    BulkItem,
    ManifestEntry,
    is_manifest,
    make_plan,
    read_manifest,
)
from lianpu.gallery.bulk.uploads import MANIFEST_FILE, UPLOAD, receive
from lianpu.gallery.repository import GalleryRepository
from lianpu.gallery.schemas import Strict, pack_names
from lianpu.http.uploads import field_errors
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job
from lianpu.settings import CheckMode, LivenessMode
from lianpu.storage.archive import ArchiveLimits, list_entries, read_entries

EXISTED_FILE = "existed.json"
"""Ids of those persons of the upload who existed when it came: one deleted before its turn is not made again."""


class BulkFields(Strict):
    """How the photos are taken; the same for all of them."""

    face_selection: Literal["only", "largest"] = "only"
    models_to_generate: Annotated[list[str] | None, BeforeValidator(pack_names)] = None
    quality_mode: CheckMode | None = None
    conflict_mode: CheckMode | None = None
    liveness_mode: LivenessMode | None = None
    on_existing: Literal["add", "skip"] = Field(
        default="add", description="Photos of persons who exist already: add them, or leave those persons alone."
    )
    dry_run: bool = Field(default=False, description="Say what would be done with each photo, and store nothing.")


class BulkRequests:
    def __init__(self, kind: str, database: Database, limits: ArchiveLimits) -> None:
        self._kind = kind
        self._database = database
        self._limits = limits

    async def start(
        self,
        jobs: Jobs,
        content_type: str,
        parts: AsyncIterator[bytes],
        query: Mapping[str, str],
        idempotency_key: str | None,
    ) -> Job:
        """Receive the upload and start the job.

        Raises:
            what `receive` raises; FieldsInvalidError: an option is unknown or wrong.
            ArchiveDamagedError, ArchiveUnsafeError, ArchiveTooLargeError: the archive as a whole is refused.
            ManifestInvalidError: so is its manifest; or there is no photo in the upload.
            IdempotencyError: the key belongs to another request.
        """
        _options(query)
        async with jobs.draft() as draft:
            received = await receive(content_type, parts, draft.folder, max_item_bytes=self._limits.max_item_bytes)
            options = _options({**query, **received.fields})
            if received.manifest is not None:
                await asyncio.to_thread((draft.folder / MANIFEST_FILE).write_bytes, received.manifest)
            plan = await asyncio.to_thread(read_plan, draft.folder, self._limits)
            if not any(item.is_photo for item in plan):
                raise ManifestInvalidError("There is no photo in the upload.")
            existed = json.dumps(sorted(await existing_persons(self._database, plan)))
            await asyncio.to_thread((draft.folder / EXISTED_FILE).write_text, existed)
            return await jobs.submit(
                self._kind,
                options.model_dump(mode="json"),
                draft=draft,
                idempotency_key=idempotency_key,
                content_digest=received.digest,
                total=len(plan),
            )


async def existing_persons(database: Database, plan: Sequence[BulkItem]) -> set[str]:
    """Ids of the plan's persons whom the gallery has."""
    async with database.session() as session:
        ids = sorted({item.person_id for item in plan if item.person_id})
        return await GalleryRepository(session).existing_persons(ids)


def read_plan(folder: Path, limits: ArchiveLimits) -> list[BulkItem]:
    """Blocks. Raises ArchiveDamagedError, ArchiveUnsafeError, ArchiveTooLargeError, ManifestInvalidError."""
    upload = folder / UPLOAD
    entries = list_entries(upload, limits)
    return make_plan(entries, _manifest(folder, {entry.name for entry in entries if is_manifest(entry.name)}, limits))


def _manifest(folder: Path, inside: set[str], limits: ArchiveLimits) -> dict[str, ManifestEntry]:
    beside = folder / MANIFEST_FILE
    if beside.is_file():
        if inside:
            raise ManifestInvalidError("There is a manifest in the archive and another beside it.")
        text = beside.read_bytes()
        return read_manifest(text, is_csv=not text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["))
    if len(inside) > 1:
        raise ManifestInvalidError("The archive holds both manifest.json and manifest.csv.")
    for entry, content in read_entries(folder / UPLOAD, inside, limits):
        if isinstance(content, ArchiveDamagedError):
            raise content
        if len(content) > MANIFEST_MAX_BYTES:
            raise ManifestInvalidError("The manifest is too large.")
        return read_manifest(content, is_csv=entry.name.endswith(".csv"))
    return {}


def _options(given: Mapping[str, Any]) -> BulkFields:
    try:
        return BulkFields.model_validate(dict(given))
    except ValidationError as error:
        raise FieldsInvalidError(
            "The request has fields that are wrong.", errors=field_errors(error.errors(include_url=False))
        ) from error


def body_schema() -> dict[str, Any]:
    """`openapi_extra` of the route."""
    binary = {"type": "string", "format": "binary"}
    options = BulkFields.model_json_schema()
    properties = {
        name: {key: value for key, value in described.items() if key != "$ref"} or {"type": "string"}
        for name, described in options["properties"].items()
    }
    for name, values in (("quality_mode", CheckMode), ("conflict_mode", CheckMode), ("liveness_mode", LivenessMode)):
        properties[name] = {"type": "string", "enum": [value.value for value in values]}
    form = {
        "type": "object",
        "properties": {
            "archive": {**binary, "description": "zip, tar or tar.gz of `person/….jpg` folders."},
            "image": {
                "type": "array",
                "items": binary,
                "description": "Instead: photos, each with `person/….jpg` as name.",
            },
            "manifest": {"type": "string", "description": "JSON or CSV: which file is who."},
            **properties,
        },
    }
    archive = {"schema": binary}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/zip": archive,
                "application/x-tar": archive,
                "application/gzip": archive,
            },
        }
    }
