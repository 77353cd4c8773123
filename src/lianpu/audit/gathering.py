"""What comes in floods is gathered: refusals of nobody in particular, and thumbnails by the page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

from lianpu.audit.entry import ANONYMOUS, Actor, AuditEntry, Outcome
from lianpu.audit.log import AuditLog
from lianpu.http.audited import Action
from lianpu.http.client_address import client_group

WINDOW_S = 60.0
KEYS_MAX = 1000
"""Callers told apart in one window; whoever comes after them is counted as one."""
ALONE = 10
"""So many entries of one kind by an unknown caller are stored one by one before gathering begins."""
TARGETS_MAX = 200
"""So many targets are named in an entry that gathers others."""
EVERYBODY_ELSE = "others"

Key = tuple[Action, Actor, Outcome, str]


@dataclass(slots=True)
class _Window:
    opened: float
    stored: int = 0
    gathered: int = 0
    last: AuditEntry | None = None
    targets: set[str] = field(default_factory=set[str])


class Gathering:
    """Each entry that is not stored at once is counted in one that is, at the end of its minute."""

    def __init__(self, log: AuditLog, *, window_s: float = WINDOW_S) -> None:
        self._log = log
        self._window_s = window_s
        self._windows: dict[Key, _Window] = {}

    async def append(self, entry: AuditEntry, *, gathered: bool) -> None:
        """Store the entry, or count it.

        Args:
            gathered: after the first one; else only an unknown caller's entries are, as they can be made without end.

        Raises:
            AuditUnavailableError: it could not be stored.
        """
        if not gathered and entry.actor != ANONYMOUS:
            await self._log.append(entry)
            return
        key, entry = self._key_of(entry)
        await self._flush([key] if self._has_ended(key) else [])
        window = self._windows.setdefault(key, _Window(monotonic()))
        if window.stored < (1 if gathered or entry.action is Action.ACCESS_REFUSED else ALONE):
            window.stored += 1
            await self._log.append(entry)
            return
        window.gathered += 1
        window.last = entry
        if entry.target is not None and len(window.targets) < TARGETS_MAX:
            window.targets.add(entry.target)

    async def flush(self, *, everything: bool = False) -> None:
        """Store what the windows that have ended gathered.

        Raises:
            AuditUnavailableError: it could not be stored; it is tried again with what follows.
        """
        await self._flush([key for key in self._windows if everything or self._has_ended(key)])

    async def _flush(self, keys: Sequence[Key]) -> None:
        summaries = [_summary(self._windows.pop(key)) for key in keys]
        await asyncio.gather(*(self._log.append(summary) for summary in summaries if summary is not None))

    def _has_ended(self, key: Key) -> bool:
        window = self._windows.get(key)
        return window is not None and monotonic() - window.opened >= self._window_s

    def _key_of(self, entry: AuditEntry) -> tuple[Key, AuditEntry]:
        key = (entry.action, entry.actor, entry.outcome, client_group(entry.client))
        if key in self._windows or len(self._windows) < KEYS_MAX:
            return key, entry
        return (*key[:3], EVERYBODY_ELSE), replace(entry, client=EVERYBODY_ELSE)


def _summary(window: _Window) -> AuditEntry | None:
    if window.last is None:
        return None
    detail = {"gathered": window.gathered, "targets": sorted(window.targets)}
    return replace(window.last, target=None, request_id="", detail=detail)
