"""What becomes of what a stream sees: events, and faces for the unknown inbox."""

from collections.abc import Sequence

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.leases.leases import HeldLease
from lianpu.streams.event_log import EventLog
from lianpu.streams.events import EventFilter
from lianpu.streams.inbox.inbox import UnknownInbox
from lianpu.streams.pipeline import Person, Probe
from lianpu.streams.runner import AskGallery, Sighting
from lianpu.streams.voting import Recognised


class StreamNoticing:
    """Of one stream."""

    def __init__(
        self,
        stream_id: str,
        analyzer: FaceAnalyzer,
        log: EventLog,
        inbox: UnknownInbox,
        lease: HeldLease | None,
        *,
        cooldown_s: float,
    ) -> None:
        self._stream_id = stream_id
        self._lease = lease
        self._analyzer = analyzer
        self._log = log
        self._inbox = inbox
        self._filter = EventFilter(cooldown_s, self._unknown_of)

    def use(self, analyzer: FaceAnalyzer) -> None:
        """What is seen from now on is seen by this pack."""
        self._analyzer = analyzer

    async def keep(self, sighting: Sighting) -> None:
        """
        Raises:
            LeaseLostError: another node goes on with the stream; nothing is kept.
        """
        # The inbox first: who leaves is in it by then, and known when he comes back.
        await self._inbox.keep(self._stream_id, self._analyzer, sighting.ended, self._lease)
        await self._log.keep(self._stream_id, self._filter.of(sighting), self._lease)

    async def ask(self, ask: AskGallery, probes: Sequence[Probe]) -> list[tuple[int, Recognised, str | None]]:
        """What `ask` answers, but for persons whom somebody said that a face like this is not."""
        embeddings = {probe.track_id: probe.embedding for probe in probes}
        answers = await ask(probes)
        return [
            (track_id, Recognised(None, found.score, -abs(found.margin), found.quality), None)
            if found.person_id is not None
            and self._inbox.is_vetoed(self._analyzer, embeddings[track_id], found.person_id, found.score)
            else (track_id, found, name)
            for track_id, found, name in answers
        ]

    def _unknown_of(self, person: Person) -> str | None:
        if person.embedding is None:
            return None
        nearest = self._inbox.cluster_of(self._analyzer, person.embedding)
        return None if nearest is None else nearest.cluster_id


class Noticing:
    def __init__(self, log: EventLog, inbox: UnknownInbox, *, cooldown_s: float) -> None:
        self._log = log
        self._inbox = inbox
        self._cooldown_s = cooldown_s

    def of(self, stream_id: str, analyzer: FaceAnalyzer, lease: HeldLease | None = None) -> StreamNoticing:
        """`lease`: what the stream is run by; None: no other node could run it."""
        return StreamNoticing(stream_id, analyzer, self._log, self._inbox, lease, cooldown_s=self._cooldown_s)
