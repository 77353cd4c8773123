"""Ids of labelled outputs, labels for whoever makes pictures, and what can be said of a file that comes back."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

import lianpu
from lianpu.database.base import new_id
from lianpu.database.session import Database
from lianpu.engines.image import ImageLimits
from lianpu.engines.provenance.labelling import Labelled, Labeller
from lianpu.engines.provenance.manifest import is_available
from lianpu.engines.provenance.origin import DigitalSource, LabelKind, Origin
from lianpu.engines.provenance.verification import ProvenanceReport, Verifier
from lianpu.errors import StorageError
from lianpu.http.file_form import receive_file_form
from lianpu.provenance.enhanced_label import EnhancedLabel
from lianpu.provenance.keys import ProvenanceKey
from lianpu.provenance.models import LabelledOutput
from lianpu.provenance.repository import ProvenanceRepository
from lianpu.provenance.schemas import FILE_FIELD, VerifyFields
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import EnhancedLabels

_KINDS = {DigitalSource.SWAP: "swap", DigitalSource.ENHANCEMENT: "enhancement"}


@dataclass(frozen=True, slots=True)
class Verified:
    report: ProvenanceReport
    known: Mapping[str, LabelledOutput]
    """By id, those of the ids read that are this installation's own."""


class Provenance:
    def __init__(
        self,
        database: Database,
        labeller: Labeller,
        key: ProvenanceKey,
        queue: InferenceQueue,
        uploads: Path,
        *,
        mark_key: Callable[[], bytes],
        producer: str,
        enhanced: EnhancedLabels,
        max_bytes: int,
        limits: ImageLimits,
    ) -> None:
        """
        Args:
            uploads: folder of files that are being received.
            mark_key: gives the 32 bytes that ids are made with.
            enhanced: how enhanced photos are labelled.
            max_bytes: of a file that is verified.
        """
        self._database = database
        self.labeller = labeller
        self._key = key
        self._queue = queue
        self._uploads = uploads
        self._mark_key = mark_key
        self._producer = producer
        self._enhanced = enhanced
        self._max_bytes = max_bytes
        self._limits = limits

    def origin(self, source: DigitalSource, job_id: str, engine: str, engine_version: str) -> Origin:
        """Of what a job makes. Its id is a keyed hash: without this installation's secret and records it says nothing.

        Raises:
            StorageError: the secret cannot be read or made.
        """
        text = f"{_KINDS[source]}:{job_id}".encode()
        mark = int.from_bytes(hmac.new(self._mark_key(), text, hashlib.sha256).digest()[:8], "big")
        return Origin(source, mark, self._producer, engine, engine_version)

    async def keep(
        self,
        origin: Origin,
        job_id: str,
        *,
        owner_id: str | None,
        labels: Sequence[LabelKind],
        sha256: str = "",
        consent_id: str | None = None,
    ) -> None:
        """Note what an id stands for."""
        output = LabelledOutput(
            mark=origin.mark_hex,
            kind=_KINDS[origin.source],
            job_id=job_id,
            owner_id=owner_id,
            engine=origin.engine,
            consent_id=consent_id,
            labels=[label.value for label in labels],
            sha256=sha256,
        )
        async with self._database.session() as session:
            await ProvenanceRepository(session).keep(output)
            await session.commit()

    def enhanced_label(self, output_id: str) -> EnhancedLabel | None:
        """How an enhanced photo is to be labelled, by the setting `provenance.enhanced`; None: not at all.

        Args:
            output_id: of that photo; not told to anybody.

        Raises:
            StorageError: the secret cannot be read or made.
        """
        if self._enhanced is EnhancedLabels.OFF:
            return None
        origin = self.origin(DigitalSource.ENHANCEMENT, output_id, "", lianpu.__version__)
        return EnhancedLabel(self.labeller, origin, marks_pixels=self._enhanced is EnhancedLabels.FULL)

    def prepare(self) -> None:
        """Make the key for manifests now, if enhanced photos will need one: later not a file may be written for them.

        Blocks.

        Raises:
            SigningKeyError: it can be neither read nor made.
        """
        if self._enhanced is not EnhancedLabels.OFF and is_available():
            self._key.signer()

    async def verify_upload(self, content_type: str, parts: AsyncIterator[bytes]) -> Verified:
        """
        Raises:
            BusyError: nobody is free to look at it.
            SigningKeyError: this installation's own certificate cannot be read.
            what `receive_file_form` and `Verifier.verify` raise.
        """
        path = self._uploads / new_id()
        try:
            await asyncio.to_thread(self._uploads.mkdir, parents=True, exist_ok=True, mode=0o700)
            await receive_file_form(
                content_type, parts, path, VerifyFields, file_field=FILE_FIELD, max_bytes=self._max_bytes
            )
            return await self.verify(path)
        except OSError as error:
            raise StorageError(f"The upload could not be stored: {error.strerror or error}.") from error
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def verify(self, path: Path) -> Verified:
        """As `verify_upload`, of a file that lies here."""
        report = await self._queue.run(self._verify, path)
        async with self._database.session() as session:
            found = await ProvenanceRepository(session).of_marks([f"{mark:016x}" for mark in report.marks])
        return Verified(report, {output.mark: output for output in found})

    def _verify(self, path: Path) -> ProvenanceReport:
        return Verifier(self._key.credentials.anchor, self._limits).verify(path)


def labelled_names(labelled: Labelled) -> list[str]:
    return [label.value for label in labelled.labels]


async def _provenance(request: Request) -> Provenance:
    # Not `def`: FastAPI would send it through a thread.
    provenance: Provenance = request.app.state.provenance
    return provenance


ProvenanceDep = Annotated[Provenance, Depends(_provenance)]
