"""Exports and imports as their routes see them: started, fetched, taken in after a dry run, cleared away."""

import asyncio
import hashlib
import json
import logging
import os
import shutil
import unicodedata
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import ArchiveGoneError, JobNotFoundError, JobStateError, PersonNotFoundError, StorageError
from lianpu.gallery.transfer.encryption import ArchiveKey, decrypt, is_encrypted
from lianpu.gallery.transfer.exporting import KEY_FILE, Export
from lianpu.gallery.transfer.importing import ARCHIVE, Import
from lianpu.gallery.transfer.planning import OnConflict
from lianpu.gallery.transfer.reading import Archive
from lianpu.gallery.transfer.repository import TransferRepository
from lianpu.gallery.transfer.signing import SigningKey
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job, JobStatus
from lianpu.jobs.repository import JobRepository

WRITE_BYTES = 1 << 20
CLEARING_INTERVAL_S = 600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    dry_run: bool
    on_conflict: OnConflict
    trust: str | None = None
    """Fingerprint of one more key whose archives are taken, this time."""
    passphrase: str | None = None


class Transfers:
    def __init__(
        self, database: Database, key: SigningKey, *, trusted_keys: tuple[str, ...], archive_ttl_hours: float
    ) -> None:
        self._database = database
        self._key = key
        self._trusted_keys = trusted_keys
        self._archive_ttl = timedelta(hours=archive_ttl_hours)

    async def fingerprint(self) -> str:
        """Of the key that this installation signs with.

        Raises:
            StorageError: the key cannot be read or made.
        """
        return await asyncio.to_thread(lambda: self._key.fingerprint)

    async def export(self, jobs: Jobs, parameters: dict[str, Any], passphrase: str | None) -> Job:
        """Start a job. `parameters`: person_ids, filter, include_images, include_embeddings.

        Raises:
            PersonNotFoundError: one of the persons does not exist.
            StorageError: the signing key or the job's folder cannot be made.
        """
        if parameters["person_ids"] is not None:
            async with self._database.session() as session:
                unknown = await TransferRepository(session).unknown(parameters["person_ids"])
            if unknown:
                raise PersonNotFoundError(f"There is no person {unknown[0]!r} ({len(unknown)} of the ids are unknown).")
        await self.fingerprint()
        async with jobs.draft() as draft:
            if passphrase is not None:
                await asyncio.to_thread(_keep_key, draft.folder / KEY_FILE, passphrase)
            return await jobs.submit(Export.kind, {**parameters, "is_encrypted": passphrase is not None}, draft=draft)

    async def archive(self, jobs: Jobs, job_id: str) -> tuple[Path, str]:
        """The file of a finished export, and the name it is to be saved under.

        Raises:
            JobNotFoundError: there is no such export.
            JobStateError: it has not completed.
            ArchiveGoneError: its time is over.
        """
        job = await jobs.of_kind(Export.kind, job_id)
        if job.status != JobStatus.COMPLETED or job.finished_at is None:
            raise JobStateError(f"The export is {job.status}: there is no archive to fetch.")
        path = jobs.folder_of(job_id) / ARCHIVE
        if job.finished_at + self._archive_ttl < now_utc() or not await asyncio.to_thread(path.is_file):
            raise ArchiveGoneError("The archive was cleared away. Export anew.")
        suffix = "zip.encrypted" if job.parameters["is_encrypted"] else "zip"
        return path, f"lianpu-gallery-{job.created_at:%Y%m%dT%H%M%SZ}.{suffix}"

    async def import_archive(
        self, jobs: Jobs, parts: AsyncIterator[bytes], options: ImportOptions, idempotency_key: str | None
    ) -> Job:
        """Receive an archive; signature, signer and manifest are checked before there is a job.

        Raises:
            ArchiveDamagedError, ArchiveUntrustedError, ArchiveVersionError, ArchivePassphraseError: it is refused, and
                nothing of it is kept.
            IdempotencyError: the key belongs to another request.
            StorageError: the upload cannot be stored.
        """
        trusted = [await self.fingerprint(), *self._trusted_keys]
        if options.trust is not None and options.trust not in trusted:
            trusted.append(options.trust)
        async with jobs.draft() as draft:
            path = draft.folder / ARCHIVE
            digest = await _receive(parts, path)
            await asyncio.to_thread(_open_once, path, trusted, options.passphrase)
            parameters = {
                "dry_run": options.dry_run,
                "on_conflict": options.on_conflict,
                "trusted": trusted,
                "examined_by": None,
            }
            return await jobs.submit(
                Import.kind, parameters, draft=draft, idempotency_key=idempotency_key, content_digest=digest
            )

    async def apply(self, jobs: Jobs, job_id: str, on_conflict: OnConflict) -> Job:
        """Take in the very archive that a dry run has examined.

        Raises:
            JobNotFoundError: there is no such dry run.
            JobStateError: it has not completed.
            ArchiveGoneError: its archive was cleared away.
        """
        job = await jobs.of_kind(Import.kind, job_id)
        if not job.parameters["dry_run"]:
            raise JobNotFoundError(f"There is no dry run of an import {job_id!r}.")
        if job.status != JobStatus.COMPLETED:
            raise JobStateError(f"The dry run is {job.status}: it must have completed first.")
        async with jobs.draft() as draft:
            await asyncio.to_thread(_share, jobs.folder_of(job_id) / ARCHIVE, draft.folder / ARCHIVE)
            parameters = {**job.parameters, "dry_run": False, "on_conflict": on_conflict, "examined_by": job_id}
            return await jobs.submit(Import.kind, parameters, draft=draft)

    async def run_clearing(self, jobs: Jobs) -> None:
        """Now and every few minutes: archives whose time is over go. The jobs stay."""
        while True:
            try:
                async with self._database.session() as session:
                    ended = await JobRepository(session).ended_before(now_utc() - self._archive_ttl)
                for job_id in ended:
                    for name in (ARCHIVE, KEY_FILE):
                        await asyncio.to_thread((jobs.folder_of(job_id) / name).unlink, missing_ok=True)
            except Exception as error:  # tried again soon
                _log.warning("old archives cannot be cleared away", exc_info=error)
            await asyncio.sleep(CLEARING_INTERVAL_S)


def _keep_key(path: Path, passphrase: str) -> None:
    """What opens the archive is kept until it is made, never the passphrase."""
    key = ArchiveKey.new(unicodedata.normalize("NFC", passphrase))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"header": key.header.hex(), "secret": key.secret.hex()}, file)


async def _receive(parts: AsyncIterator[bytes], path: Path) -> str:
    """Write the upload to a file. Returns: its SHA-256."""
    digest = hashlib.sha256()
    waiting = bytearray()
    try:
        with await asyncio.to_thread(path.open, "wb") as file:
            async for part in parts:
                waiting += part
                if len(waiting) >= WRITE_BYTES:
                    await asyncio.to_thread(file.write, waiting)
                    digest.update(waiting)
                    waiting = bytearray()
            digest.update(waiting)
            await asyncio.to_thread(file.write, waiting)
    except OSError as error:
        raise StorageError(f"The upload could not be stored: {error.strerror or error}.") from error
    return digest.hexdigest()


def _open_once(path: Path, trusted: list[str], passphrase: str | None) -> None:
    """Decrypt the file in its place if need be, and check what can be checked at once."""
    if is_encrypted(path):
        sealed = path.with_name(f"{path.name}.sealed")
        path.replace(sealed)
        try:
            decrypt(sealed, path, None if passphrase is None else unicodedata.normalize("NFC", passphrase))
        except OSError as error:
            raise StorageError(f"The archive could not be decrypted: {error.strerror or error}.") from error
        finally:
            sealed.unlink(missing_ok=True)
    Archive(path, trusted).close()


def _share(source: Path, target: Path) -> None:
    try:
        with suppress(OSError):  # a file system without links
            os.link(source, target)
            return
        shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise ArchiveGoneError("The archive was cleared away. Upload it again.") from error
    except OSError as error:
        raise StorageError(f"The archive could not be copied: {error.strerror or error}.") from error
