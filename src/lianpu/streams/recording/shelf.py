"""The folder of recordings: a video each, and beside it a small file that says what it is."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from lianpu.errors import RecordingNotFoundError

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Recording:
    id: str
    stream_id: str
    stream_name: str
    started_at: datetime
    ended_at: datetime | None = None
    """None: it goes on."""
    end_reason: str | None = None
    end_detail: str | None = None
    frames: int = 0
    dropped: int = 0
    bytes: int = 0
    epoch: int | None = None
    """Of the lease that the stream is run by; None: no other node could run it."""


class RecordingShelf:
    """Blocks; from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def video(self, recording_id: str) -> Path:
        """Where it is, or would be.

        Raises:
            RecordingNotFoundError: this is no id.
        """
        if not _ID.fullmatch(recording_id):
            raise RecordingNotFoundError(f"There is no recording {recording_id[:64]!r}.")
        return self._folder / f"{recording_id}.mp4"

    def keep(self, recording: Recording) -> None:
        """Write what it is, in place of what was written before."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        record = self.video(recording.id).with_suffix(".json")
        fresh = record.with_suffix(".new")
        ended_at = None if recording.ended_at is None else recording.ended_at.isoformat()
        values = asdict(recording) | {"started_at": recording.started_at.isoformat(), "ended_at": ended_at}
        fresh.write_text(json.dumps(values), encoding="utf-8")
        fresh.replace(record)

    def get(self, recording_id: str) -> Recording:
        """
        Raises:
            RecordingNotFoundError: there is none of this id.
        """
        video = self.video(recording_id)
        try:
            values = json.loads(video.with_suffix(".json").read_text(encoding="utf-8"))
            ended_at = values["ended_at"] and datetime.fromisoformat(values["ended_at"])
            recording = Recording(**values | {"started_at": datetime.fromisoformat(values["started_at"])})
            return replace(recording, ended_at=ended_at, bytes=video.stat().st_size)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RecordingNotFoundError(f"There is no recording {recording_id!r}.") from error

    def all(self) -> list[Recording]:
        """The one that began last first."""
        return sorted(self._all(), key=lambda one: (one.started_at, one.id), reverse=True)

    def remove(self, recording_id: str) -> None:
        # The video first: what is left of a removal that broke off is found again by its record.
        video = self.video(recording_id)
        video.unlink(missing_ok=True)
        video.with_suffix(".json").unlink(missing_ok=True)

    def _all(self) -> Iterator[Recording]:
        for record in self._folder.glob("*.json"):
            with suppress(RecordingNotFoundError):
                yield self.get(record.stem)
