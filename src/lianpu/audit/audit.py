"""The audit log as the application and its routes see it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lianpu.audit.anchor import Anchor
from lianpu.audit.chain import Seal
from lianpu.audit.entry import SYSTEM, AuditEntry, Outcome
from lianpu.audit.gathering import Gathering
from lianpu.audit.log import PATIENCE_S, AuditLog
from lianpu.audit.reading import AuditReading
from lianpu.audit.verification import AuditVerification
from lianpu.database.session import Database
from lianpu.errors import AuditUnavailableError
from lianpu.http.audited import Action, Detail
from lianpu.storage.files import FileStorage

UPKEEP_S = 30.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Audit:
    log: AuditLog
    gathering: Gathering
    reading: AuditReading
    verification: AuditVerification

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Gathered entries are stored and the chain is anchored now and then, and at the end."""
        await self.log.anchor()
        upkeep = asyncio.create_task(self._run())
        try:
            yield
        finally:
            upkeep.cancel()
            await asyncio.gather(upkeep, return_exceptions=True)
            await self._keep_up(everything=True)
            await self.log.close()

    async def note(self, action: Action, version: str) -> None:
        """The server's own start and end; it goes on where this cannot be stored, and the entry follows later."""
        with contextlib.suppress(AuditUnavailableError):
            await self.gathering.flush(everything=True)
            await self.record(action, version, {})

    async def record(
        self, action: Action, target: str, detail: Mapping[str, Detail], outcome: Outcome = Outcome.OK
    ) -> None:
        """What the server itself does, by no request.

        Raises:
            AuditUnavailableError: it cannot be stored now; the entry follows later.
        """
        await self.log.append(AuditEntry(SYSTEM, action, outcome, target=target, detail=detail))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_S)
            await self._keep_up()

    async def _keep_up(self, *, everything: bool = False) -> None:
        try:
            await self.gathering.flush(everything=everything)
        except AuditUnavailableError as error:
            _log.error("gathered entries wait: %s", error.detail)
        await self.log.anchor()


def build_audit(database: Database, storage: FileStorage, key: Callable[[], bytes]) -> Audit:
    """Nothing is read or made yet.

    Args:
        storage: of the home folder, where the chain is anchored.
        key: gives the 32 bytes that events are sealed with.
    """
    # No connection of a request is waited for, and none of those settings: this one stores for good.
    own = Database(database.url, patience_s=PATIENCE_S, is_durable=True, max_connections=1)
    seal, anchor = Seal(key), Anchor(storage)
    log = AuditLog(own, seal, anchor)
    return Audit(log, Gathering(log), AuditReading(database), AuditVerification(database, seal, anchor))
