"""Jobs of the kind `swap.run`: the consent is asked at the start, all the while and at the end."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from lianpu.audit.entry import Actor, AuditEntry, Outcome
from lianpu.database.base import now_utc
from lianpu.engines.image_header import ImageFormat
from lianpu.engines.provenance.origin import DigitalSource, Origin
from lianpu.engines.swap.swapper import SwapCancelled, SwapFaces, SwapKind, Swapper
from lianpu.errors import SwapTargetInvalidError
from lianpu.http.audited import Action
from lianpu.jobs.handler import JobCancelled, RunningJob
from lianpu.jobs.ownership import SWAP
from lianpu.provenance.provenance import Provenance, labelled_names
from lianpu.swap.consents.consents import Consents, Use
from lianpu.swap.consents.policy import Policy
from lianpu.swap.engines import EngineShelf, ready_engine
from lianpu.swap.making import Made, Progress, Wanted, make
from lianpu.swap.source_face import SourceFaces

RESULT = "result"
TARGET = "target"
_LOOKED_AT_S = 0.2
_STEPS = 100
Append = Callable[[AuditEntry], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class SwapRequest:
    """What a job was asked for; its parameters."""

    consent_id: str
    purpose: str
    kind: str
    engine: str
    all_faces: bool
    preview: bool
    output_format: str
    target_name: str
    target_suffix: str

    @property
    def use(self) -> Use:
        return Use(self.consent_id, self.purpose, SwapKind(self.kind))

    def target_in(self, folder: Path) -> Path:
        return folder / f"{TARGET}{self.target_suffix}"


class SwapRun:
    kind = SWAP

    def __init__(
        self,
        policy: Policy,
        consents: Consents,
        sources: SourceFaces,
        engines: EngineShelf,
        provenance: Provenance,
        audit: Append,
        *,
        time_limit_s: float,
        result_ttl: timedelta,
    ) -> None:
        """`audit`: stores an entry before the output can be fetched; raises AuditUnavailableError."""
        self._policy = policy
        self._consents = consents
        self._sources = sources
        self._engines = engines
        self._provenance = provenance
        self._audit = audit
        self._time_limit_s = time_limit_s
        self._result_ttl = result_ttl
        self.made: Counter[tuple[str, str]] = Counter()
        """Outputs by kind and engine, since the start."""

    async def run(self, job: RunningJob) -> dict[str, Any]:
        asked = SwapRequest(**job.parameters)
        target = asked.target_in(job.folder)
        try:
            result = await self._run(job, asked, target)
        except asyncio.CancelledError:
            # The server stops, and goes on with the job when it is there again.
            raise
        except BaseException:
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise
        await asyncio.to_thread(target.unlink, missing_ok=True)
        return result

    async def _run(self, job: RunningJob, asked: SwapRequest, target: Path) -> dict[str, Any]:
        self._policy.check()
        consent = await self._consents.check(asked.use)
        if not await asyncio.to_thread(target.is_file):
            raise SwapTargetInvalidError("The target is gone: it is kept for one run alone. Send it again.")
        await job.report(0, _STEPS, message="starting")
        engine = await asyncio.to_thread(ready_engine, self._engines, asked.engine, asked.use.kind)
        source = await self._sources.of(consent.person_id or "")
        origin = await asyncio.to_thread(self._origin, job.id, asked.engine)
        output, folder = job.folder / f"{RESULT}.new", job.folder / "work"
        # Of an attempt that the process did not survive.
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        wanted = Wanted(
            kind=asked.use.kind,
            source=source,
            target=target,
            folder=folder,
            output=output,
            faces=SwapFaces(all_faces=asked.all_faces),
            preview=asked.preview,
            output_format=ImageFormat(asked.output_format),
            visible=(await self._policy.state()).visible_label,
            time_limit_s=self._time_limit_s,
        )
        try:
            made = await self._made(job, asked, wanted, engine, origin)
            return await self._published(job, asked, made, origin, consent.person_id or "", output)
        finally:
            await asyncio.to_thread(output.unlink, missing_ok=True)

    def _origin(self, job_id: str, engine: str) -> Origin:
        version = self._engines.check(engine).version or ""
        return self._provenance.origin(DigitalSource.SWAP, job_id, engine, version)

    async def _made(self, job: RunningJob, asked: SwapRequest, wanted: Wanted, engine: Swapper, origin: Origin) -> Made:
        """
        Raises:
            ConsentError and below: the consent ended while the engine ran, which was stopped.
        """
        progress = Progress()
        work = asyncio.create_task(
            asyncio.to_thread(make, wanted, engine, self._provenance.labeller, origin, progress), name=f"swap-{job.id}"
        )
        lost = asyncio.create_task(self._consents.lost(asked.use))
        try:
            while not work.done():
                await asyncio.wait({work, lost}, timeout=_LOOKED_AT_S, return_when=asyncio.FIRST_COMPLETED)
                if lost.done():
                    raise lost.result()
                await job.report(round(progress.share * (_STEPS - 1)), _STEPS, message=progress.message)
            return work.result()
        except SwapCancelled as error:
            raise JobCancelled from error
        finally:
            lost.cancel()
            progress.stopped.set()
            # Its files are in use as long as it runs.
            with suppress(asyncio.CancelledError):
                await asyncio.wait({work})
            if work.done() and not work.cancelled():
                work.exception()  # of what was stopped, nobody needs to hear

    async def _published(
        self, job: RunningJob, asked: SwapRequest, made: Made, origin: Origin, person_id: str, output: Path
    ) -> dict[str, Any]:
        """The output can be fetched from here on: not before everything about it is on record."""
        labels = labelled_names(made.labelled)
        await self._provenance.keep(
            origin,
            job.id,
            owner_id=job.owner_id,
            labels=made.labelled.labels,
            sha256=made.labelled.sha256,
            consent_id=asked.consent_id,
        )
        await self._audit(
            AuditEntry(
                actor=Actor("user" if job.owner_id else "system", job.owner_id or "system", ""),
                action=Action.SWAP_OUTPUT,
                outcome=Outcome.OK,
                target=job.id,
                detail={
                    "consent_id": asked.consent_id,
                    "person_id": person_id,
                    "kind": asked.kind,
                    "preview": asked.preview,
                    "engine": made.swap.engine,
                    "engine_version": made.swap.version,
                    "labels": labels,
                    "mark": origin.mark_hex,
                    "sha256": made.labelled.sha256,
                },
            )
        )
        await self._consents.check(asked.use)
        # The last moment at which it can be cancelled.
        await job.report(_STEPS, _STEPS, message="")
        await asyncio.to_thread(output.replace, job.folder / RESULT)
        self.made[asked.kind, made.swap.engine] += 1
        return {
            "media_type": made.labelled.media_type,
            "size_bytes": made.labelled.size_bytes,
            "sha256": made.labelled.sha256,
            "labels": labels,
            "mark": origin.mark_hex,
            "engine": made.swap.engine,
            "engine_version": made.swap.version,
            "provider": made.swap.provider,
            "faces_swapped": made.swap.faces_swapped,
            "frames": made.frames,
            "has_audio": made.has_audio,
            "notes": list(made.swap.notes),
            "preview": asked.preview,
            "expires_at": (now_utc() + self._result_ttl).isoformat(timespec="seconds"),
        }
