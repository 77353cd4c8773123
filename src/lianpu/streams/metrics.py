"""Streams as metrics: how many there are, what becomes of their frames, and how late names and pictures are."""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import Metric

from lianpu.observability.metrics import Read, counter, gauge
from lianpu.streams.health import StreamState
from lianpu.streams.live.live import Live
from lianpu.streams.streams import Streams

SECONDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)


class StreamMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._latency = Histogram(
            "lianpu_stream_latency_seconds",
            "From the decoding of a frame until its names or its picture were there.",
            buckets=SECONDS,
            registry=registry,
        )

    def observe_latency(self, latency_s: float) -> None:
        self._latency.observe(latency_s)


def stream_reading(streams: Streams, live: Live) -> Read:
    """`live`: searches by the frames that clients send."""

    async def read() -> Iterable[Metric]:
        records = [record for record in streams.active() if record.health is not None]
        states = Tally(record.health.state.value for record in records if record.health is not None)
        viewers = sum(record.health.viewers for record in records if record.health is not None)
        persons = sum(record.health.persons for record in records if record.health is not None)
        frames = streams.runs.frames
        by_state = {(state.value,): float(states[state.value]) for state in StreamState if not state.is_over}
        leases = None if streams.shared is None else streams.shared.leases
        return [
            gauge("lianpu_leases_held", "Leases of this node.", 0 if leases is None else len(leases.held)),
            counter(
                "lianpu_lease_takeovers",
                "Leases that this node took because their holder had not renewed them.",
                0 if leases is None else leases.takeovers,
            ),
            gauge("lianpu_streams", "Streams of this process.", by_state, ("state",)),
            gauge("lianpu_stream_viewers", "Who watches a stream of this process.", viewers),
            gauge("lianpu_stream_persons", "Persons in the pictures of all streams now.", persons),
            gauge("lianpu_live_connections", "Clients that send frames.", live.searching.open + live.pushing.open),
            counter(
                "lianpu_stream_frames",
                "Frames: read, looked at for faces, published to viewers, dropped since newer ones came.",
                {
                    ("read",): frames.read,
                    ("looked_at",): frames.looked_at,
                    ("published",): frames.published,
                    ("dropped",): frames.dropped,
                },
                ("outcome",),
            ),
            counter("lianpu_streams_ended", "Streams that ended.", _keyed(streams.runs.ends), ("reason",)),
            counter("lianpu_stream_events", "Events that were kept.", _keyed(streams.events.kept), ("kind",)),
        ]

    return read


def _keyed(tally: Tally[str]) -> dict[tuple[str, ...], float]:
    return {(name,): float(count) for name, count in tally.items()}
