"""Recordings as routes see them: started, stopped, listed, downloaded, deleted; cleared away when they are old."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import TypeAdapter

from lianpu.database.base import new_id, now_utc
from lianpu.errors import (
    RecordingNotFoundError,
    RecordingsFullError,
    RecordingStateError,
    StreamNotFoundError,
    StreamStateError,
)
from lianpu.leases.leases import HeldLease
from lianpu.streams.recording.shelf import Recording, RecordingShelf
from lianpu.streams.recording.writer import Recorder, RecordingEnd, Written
from lianpu.streams.records import RunningStream
from lianpu.streams.runner import StreamRunner
from lianpu.streams.streams import Streams

CLEARING_INTERVAL_S = 3600.0
ANSWER_S = 20.0
"""Another node may have to wait for a disk before it answers."""
START, STOP = "start_recording", "stop_recording"
ASKED_ERRORS = (RecordingsFullError, RecordingStateError, StreamNotFoundError, StreamStateError)
_RECORDING = TypeAdapter(Recording)
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    recording: Recording
    runner: StreamRunner
    lease: HeldLease | None
    """What the stream is run by; None: no other node could run it."""
    recorder: Recorder | None = None
    """None: it is about to begin."""
    kept: asyncio.Event = field(default_factory=asyncio.Event)


class Recordings:
    """Lives on one event loop."""

    def __init__(
        self, streams: Streams, folder: Path, *, retention_days: float, max_bytes: int, max_total_bytes: int
    ) -> None:
        """
        Args:
            max_bytes: of one recording, which then ends.
            max_total_bytes: of all; more are refused.
        """
        self._streams = streams
        self._shelf = RecordingShelf(folder)
        self._retention = timedelta(days=retention_days)
        self._max_bytes = max_bytes
        self._max_total_bytes = max_total_bytes
        self._running: dict[str, _Running] = {}
        """By the stream."""
        streams.runs.on_end(self._stream_ended)
        if streams.shared is not None:
            streams.shared.asking.answer(START, self._asked_to_start, raises=ASKED_ERRORS)
            streams.shared.asking.answer(STOP, self._asked_to_stop, raises=ASKED_ERRORS)

    async def start(self, stream_id: str) -> Recording:
        """What viewers see is written to a file from its next picture on.

        Raises:
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
            RecordingStateError: it is being recorded.
            RecordingsFullError: there is no room.
            NodeUnreachableError: the node that runs it does not answer.
        """
        shared = self._streams.shared
        if shared is not None and self._streams.runs.get(stream_id) is None:
            return _RECORDING.validate_python(await shared.ask_holder(stream_id, START, timeout_s=ANSWER_S))
        return await self._start(stream_id)

    async def _start(self, stream_id: str) -> Recording:
        stream = await self._running_stream(stream_id)
        runner = stream.runner
        if stream_id in self._running:
            raise RecordingStateError("The stream is being recorded already.")
        epoch = None if stream.lease is None else stream.lease.epoch
        recording = Recording(new_id(), stream_id, stream.row.name, now_utc(), epoch=epoch)
        running = self._running[stream_id] = _Running(recording, runner, stream.lease)
        try:
            used = sum(one.bytes for one in await asyncio.to_thread(self._shelf.all))
            left = self._max_total_bytes - used
            if left <= 0:
                raise RecordingsFullError(
                    f"The recordings take {used} bytes of {self._max_total_bytes}: delete some, or see "
                    "streams.recordings."
                )
            video = self._shelf.video(recording.id)
            await asyncio.to_thread(self._begin, recording, video)
            # It may have ended meanwhile, and has then told everybody already.
            await self._running_stream(stream_id)
        except BaseException:
            del self._running[stream_id]
            await asyncio.to_thread(self._shelf.remove, recording.id)
            raise
        running.recorder = Recorder(
            video,
            max_bytes=min(self._max_bytes, left),
            name=f"stream-{stream_id}-recording",
            on_end=self._teller(running),
        )
        runner.recorder = running.recorder
        return recording

    async def stop(self, stream_id: str) -> Recording:
        """Returns when the file is complete.

        Raises:
            RecordingStateError: the stream is not being recorded.
            StreamNotFoundError, StreamStateError, NodeUnreachableError: as `start`, where another node runs it.
        """
        shared = self._streams.shared
        if shared is not None and stream_id not in self._running and self._streams.runs.get(stream_id) is None:
            return _RECORDING.validate_python(await shared.ask_holder(stream_id, STOP, timeout_s=ANSWER_S))
        return await self._stop(stream_id)

    async def _stop(self, stream_id: str) -> Recording:
        if stream_id not in self._running:
            raise RecordingStateError("The stream is not being recorded.")
        return await self._end(stream_id, RecordingEnd.STOPPED)

    async def list(self, stream_id: str | None = None) -> list[Recording]:
        """The one that began last first."""
        found = await asyncio.to_thread(self._shelf.all)
        wanted = [one for one in found if stream_id in {None, one.stream_id}]
        epochs = await self._epochs(wanted)
        return [self._told(one, epochs) for one in wanted]

    async def get(self, recording_id: str) -> Recording:
        """
        Raises:
            RecordingNotFoundError: there is none of this id.
        """
        found = await asyncio.to_thread(self._shelf.get, recording_id)
        return self._told(found, await self._epochs([found]))

    async def video(self, recording_id: str) -> tuple[Recording, Path]:
        """
        Raises:
            RecordingNotFoundError: there is none of this id.
            RecordingStateError: it goes on.
        """
        recording = await self.get(recording_id)
        if recording.ended_at is None:
            raise RecordingStateError("The recording goes on: stop it first.")
        return recording, self._shelf.video(recording_id)

    async def delete(self, recording_id: str) -> None:
        """
        Raises:
            RecordingNotFoundError: there is none of this id.
            RecordingStateError: it goes on.
        """
        await self.video(recording_id)
        await asyncio.to_thread(self._shelf.remove, recording_id)

    async def run_clearing(self) -> None:
        """Now and every hour: recordings past their retention go."""
        while True:
            try:
                moment = now_utc() - self._retention
                for one in await self.list():
                    if one.ended_at is not None and one.ended_at < moment:
                        await asyncio.to_thread(self._shelf.remove, one.id)
            except Exception as error:  # tried again in an hour
                _log.warning("old recordings cannot be cleared away", exc_info=error)
            await asyncio.sleep(CLEARING_INTERVAL_S)

    def _begin(self, recording: Recording, video: Path) -> None:
        self._shelf.keep(recording)
        video.touch(mode=0o600)

    async def _running_stream(self, stream_id: str) -> RunningStream:
        running = self._streams.runs.get(stream_id)
        if running is not None and not running.is_over:
            return running
        record = await self._streams.get(stream_id)
        raise StreamStateError(f"The stream is over: {record.row.end_reason}.")

    async def _epochs(self, recordings: Sequence[Recording]) -> dict[str, int]:
        """Of the streams whose recordings other nodes may be writing."""
        shared = self._streams.shared
        unended = {one.stream_id for one in recordings if one.ended_at is None}
        return await shared.epochs(unended) if shared is not None and unended else {}

    def _told(self, recording: Recording, epochs: Mapping[str, int]) -> Recording:
        if recording.ended_at is not None:
            return recording
        running = self._running.get(recording.stream_id)
        if running is not None and running.recording.id == recording.id:
            return replace(recording, frames=0 if running.recorder is None else running.recorder.frames)
        if recording.epoch is not None and epochs.get(recording.stream_id) == recording.epoch:
            return recording
        return replace(recording, ended_at=recording.started_at, end_reason=RecordingEnd.INTERRUPTED.value)

    async def _stream_ended(self, stream_id: str, goes_on: bool) -> None:
        running = self._running.get(stream_id)
        if running is not None and running.recorder is not None:
            await self._end(stream_id, RecordingEnd.INTERRUPTED if goes_on else RecordingEnd.STREAM_ENDED)

    async def _asked_to_start(self, stream_id: str) -> Any:
        return _RECORDING.dump_python(await self._start(stream_id), mode="json")

    async def _asked_to_stop(self, stream_id: str) -> Any:
        return _RECORDING.dump_python(await self._stop(stream_id), mode="json")

    async def _end(self, stream_id: str, reason: RecordingEnd) -> Recording:
        running = self._running[stream_id]
        if running.recorder is None:
            raise RecordingStateError("The recording is about to begin.")
        running.runner.recorder = None
        await asyncio.to_thread(running.recorder.close, reason)
        await running.kept.wait()
        return running.recording

    def _teller(self, running: _Running) -> Callable[[Written], None]:
        loop = asyncio.get_running_loop()

        def tell(written: Written) -> None:
            recording = replace(
                running.recording,
                ended_at=now_utc(),
                end_reason=written.reason.value,
                end_detail=written.detail,
                frames=written.frames,
                dropped=written.dropped,
            )
            try:
                if running.lease is not None and not running.lease.is_held:
                    pass  # others have seen that it was interrupted
                elif written.frames:
                    self._shelf.keep(recording)
                    with suppress(RecordingNotFoundError):
                        recording = self._shelf.get(recording.id)
                else:
                    self._shelf.remove(recording.id)
            except OSError as error:
                _log.error("a recording's end cannot be kept", extra={"recording": recording.id}, exc_info=error)
            loop.call_soon_threadsafe(self._forget, running, recording)

        return tell

    def _forget(self, running: _Running, recording: Recording) -> None:
        running.recording = recording
        if running.runner.recorder is running.recorder:
            running.runner.recorder = None
        self._running.pop(recording.stream_id, None)
        running.kept.set()
        _log.info("a recording ended", extra={"stream_id": recording.stream_id, "reason": recording.end_reason})


async def _recordings(request: Request) -> Recordings:
    # Not `def`: FastAPI would send it through a thread.
    recordings: Recordings = request.app.state.recordings
    return recordings


RecordingsDep = Annotated[Recordings, Depends(_recordings)]
