"""Whether faces may be swapped at all (by the settings), and whether labels are visible (by an administrator)."""

from dataclasses import dataclass
from datetime import datetime

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import SwapDisabledError
from lianpu.swap.consents.repository import ConsentRepository


@dataclass(frozen=True, slots=True)
class PolicyState:
    enabled: bool
    visible_label: bool
    changed_by: str | None
    """Who said how labels are; None: nobody, as by default."""
    changed_at: datetime | None


class Policy:
    def __init__(self, database: Database, *, enabled: bool) -> None:
        self._database = database
        self._enabled = enabled

    def check(self) -> None:
        """
        Raises:
            SwapDisabledError: the settings say no.
        """
        if not self._enabled:
            raise SwapDisabledError("Face swapping is off on this server; its operator may set `swap.enabled`.")

    async def state(self) -> PolicyState:
        async with self._database.session() as session:
            row = await ConsentRepository(session).policy()
        if row is None:
            return PolicyState(self._enabled, visible_label=True, changed_by=None, changed_at=None)
        return PolicyState(self._enabled, row.visible_label, row.changed_by, row.changed_at)

    async def set_visible_label(self, visible: bool, by: str) -> PolicyState:
        """Of everything that is labelled from now on; the other labels cannot be removed."""
        async with self._database.session() as session:
            await ConsentRepository(session).set_policy(visible_label=visible, by=by, now=now_utc())
            await session.commit()
        return await self.state()
