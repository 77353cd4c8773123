"""What a stream was asked for, and what is told of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lianpu.database.base import now_utc
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.leases.leases import HeldLease
from lianpu.packs.folder import folder_name
from lianpu.streams.health import EndReason, StreamHealth
from lianpu.streams.models import Stream
from lianpu.streams.noticing import StreamNoticing
from lianpu.streams.runner import StreamRunner

FOREVER = -1.0


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What a stream was asked for, besides its source and lifetime; kept as JSON."""

    pack: str | None = None
    """None: the default pack, also after a switch to another one."""
    threshold: float | None = None
    detect_every: int | None = None
    """None: as the settings say."""
    stop_when_unwatched: bool = False
    paced: bool = True
    loops: bool = False


@dataclass(frozen=True, slots=True)
class StreamRecord:
    row: Stream
    health: StreamHealth | None
    """None: it is over."""
    options: StreamOptions
    detection_paused: bool = False
    pack_in_use: str | None = None
    """`name@version`; None: it is over."""


@dataclass(slots=True)
class RunningStream:
    row: Stream
    runner: StreamRunner
    options: StreamOptions
    noticing: StreamNoticing
    analyzer: FaceAnalyzer
    """Of the pack that it recognises by now."""
    lease: HeldLease | None = None
    """None: no other node could run it."""
    goes_on: bool = False
    """It ends here alone: another node, or the next start, goes on with it."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    expiry: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Its end is about to be kept, or it goes on elsewhere."""
        return self.row.end_reason is not None or self.goes_on

    @property
    def record(self) -> StreamRecord:
        pack = folder_name(self.analyzer.pack_name, self.analyzer.pack_version)
        if self.is_over:
            return StreamRecord(self.row, None, self.options, self.runner.detection_paused)
        return StreamRecord(self.row, self.runner.health, self.options, self.runner.detection_paused, pack)


def expiry_of(moment: datetime, minutes: float) -> datetime | None:
    return None if minutes == FOREVER else moment + timedelta(minutes=minutes)


def mark_ended(row: Stream, reason: EndReason, detail: str | None) -> None:
    row.is_active = False
    row.ended_at = now_utc()
    row.end_reason = reason.value
    row.end_detail = None if detail is None else detail[:500]
