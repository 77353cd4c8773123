"""Live swaps: started on running streams, watched, and stopped by their owners or with their consent."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import lianpu
from lianpu.audit.entry import Actor, AuditEntry, Outcome
from lianpu.database.base import new_id
from lianpu.engines.provenance.origin import DigitalSource, LabelKind
from lianpu.engines.swap.swapper import SwapFaces, SwapKind
from lianpu.errors import LiveSwapNotFoundError, TooManyLiveSwapsError
from lianpu.http.audited import Action
from lianpu.provenance.provenance import Provenance
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams.broadcast import Broadcast
from lianpu.streams.streams import Streams
from lianpu.swap.consents.consents import Consents, Use
from lianpu.swap.consents.policy import Policy
from lianpu.swap.engines import EngineShelf, ready_engine
from lianpu.swap.live.live import LiveEnd, LiveSwap, LiveSwapRecord, OpenCamera, Painter
from lianpu.swap.source_face import SourceFaces

ENDED_SHOWN = 20
Append = Callable[[AuditEntry], Awaitable[object]]


class LiveSwaps:
    """Lives on one event loop."""

    def __init__(
        self,
        policy: Policy,
        consents: Consents,
        sources: SourceFaces,
        engines: EngineShelf,
        provenance: Provenance,
        streams: Streams,
        queue: InferenceQueue,
        audit: Append,
        *,
        max_active: int,
        jpeg_quality: int,
        open_camera: OpenCamera,
    ) -> None:
        """`open_camera`: for pictures of a width and height; raises CameraUnavailableError."""
        self._policy = policy
        self._consents = consents
        self._sources = sources
        self._engines = engines
        self._provenance = provenance
        self._streams = streams
        self._queue = queue
        self._audit = audit
        self._max_active = max_active
        self._jpeg_quality = jpeg_quality
        self._open_camera = open_camera
        self._running: dict[str, LiveSwap] = {}
        self._ended: list[LiveSwapRecord] = []
        self._starting = 0
        consents.on_revoked(self._revoked)

    async def start(
        self, owner_id: str, use: Use, stream_id: str, engine: str, faces: SwapFaces, *, camera: bool
    ) -> LiveSwapRecord:
        """
        Raises:
            SwapDisabledError: swaps are off.
            ConsentError and below: the consent does not permit it.
            SwapEngineNotFoundError, SwapUnsupportedError, SwapEngineNotReadyError: the engine cannot do it.
            StreamNotFoundError, StreamStateError: there is no such stream, or it is over.
            TooManyLiveSwapsError: as many run as may.
            FaceNotFoundError: the person's photo shows no face to the engine.
        """
        self._policy.check()
        if len(self._running) + self._starting >= self._max_active:
            raise TooManyLiveSwapsError(f"{self._max_active} live swaps run already; see swap.max_live.")
        self._starting += 1
        try:
            consent = await self._consents.check(use)
            runner = await self._streams.runner(stream_id)
            await asyncio.to_thread(ready_engine, self._engines, engine, SwapKind.LIVE)
            source = await self._sources.of(consent.person_id or "")
            visible = (await self._policy.state()).visible_label
            live_id = new_id()
            origin = await asyncio.to_thread(
                self._provenance.origin, DigitalSource.SWAP, live_id, engine, lianpu.__version__
            )
            label = self._provenance.labeller.frames(origin, visible=visible)
            make = partial(Painter.made, self._engines, engine, source, faces, label, self._jpeg_quality)
            painter = await self._queue.run_patiently(make)
            await self._consents.take(use)
            labels = [*([LabelKind.VISIBLE] if visible else []), LabelKind.WATERMARK]
            await self._provenance.keep(origin, live_id, owner_id=owner_id, labels=labels, consent_id=use.consent_id)
            live = LiveSwap(
                live_id,
                owner_id,
                stream_id,
                engine,
                use,
                painter,
                self._queue,
                self._open_camera if camera else None,
                on_end=self._on_end,
            )
            self._running[live_id] = live
            live.start(runner, self._consents.lost(use))
            return live.record
        finally:
            self._starting -= 1

    @property
    def active(self) -> int:
        """Of all owners."""
        return len(self._running)

    async def stop(self, owner_id: str, live_id: str) -> LiveSwapRecord:
        """Harmless when it has ended.

        Raises:
            LiveSwapNotFoundError: the owner has no such live swap.
        """
        live = self._running.get(live_id)
        if live is not None and live.owner_id == owner_id:
            await live.stop(LiveEnd.STOPPED)
        return self.get(owner_id, live_id)

    def get(self, owner_id: str, live_id: str) -> LiveSwapRecord:
        """
        Raises:
            LiveSwapNotFoundError: the owner has no such live swap, or it ended long ago.
        """
        live = self._running.get(live_id)
        records = [live.record] if live is not None else [record for record in self._ended if record.id == live_id]
        for record in records:
            if record.owner_id == owner_id:
                return record
        raise LiveSwapNotFoundError(f"There is no live swap {live_id!r}.")

    def list(self, owner_id: str) -> list[LiveSwapRecord]:
        """Those that run, then those that ended, the last one first."""
        records = [live.record for live in self._running.values()] + self._ended[::-1]
        return [record for record in records if record.owner_id == owner_id]

    def broadcast(self, owner_id: str, live_id: str) -> Broadcast:
        """
        Raises:
            LiveSwapNotFoundError: the owner has no such live swap, or it is over.
        """
        live = self._running.get(live_id)
        if live is None or live.owner_id != owner_id:
            raise LiveSwapNotFoundError(f"No live swap {live_id!r} runs.")
        return live.broadcast

    async def close(self) -> None:
        await asyncio.gather(*(live.stop(LiveEnd.SHUTDOWN) for live in list(self._running.values())))

    def _revoked(self, consent_id: str) -> None:
        for live in self._running.values():
            if live.use.consent_id == consent_id:
                live.finish(LiveEnd.REVOKED, "The consent was revoked.")

    async def _on_end(self, live: LiveSwap) -> None:
        del self._running[live.id]
        self._ended = [*self._ended, live.record][-ENDED_SHOWN:]
        record = live.record
        await self._audit(
            AuditEntry(
                actor=Actor("user", live.owner_id, ""),
                action=Action.SWAP_LIVE_END,
                outcome=Outcome.OK,
                target=live.id,
                detail={
                    "consent_id": live.use.consent_id,
                    "stream_id": live.stream_id,
                    "engine": live.engine,
                    "reason": None if record.end_reason is None else record.end_reason.value,
                    "frames": record.frames,
                    "frames_with_a_face": record.frames_with_a_face,
                },
            )
        )
