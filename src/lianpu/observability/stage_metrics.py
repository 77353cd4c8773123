"""How long each stage of the work on pictures takes, by the pack that does it, and how many faces went through."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of one stage since the start, all packs together."""

    runs: int
    seconds: float


class StageMetrics:
    """From any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration = Histogram(
            "lianpu_stage_duration_seconds",
            "Time of one stage of the work on a picture; `pack` is the pack, swap engine or inference model.",
            ("stage", "pack"),
            buckets=SECONDS,
            registry=registry,
        )
        self._faces = Counter(
            "lianpu_stage_faces", "Faces that a stage found or worked on.", ("stage", "pack"), registry=registry
        )
        # Finding a series by its labels takes longer than counting in it.
        self._durations: dict[tuple[str, str], Histogram] = {}
        self._counts: dict[tuple[str, str], Counter] = {}

    def observe(self, stage: str, pack: str, duration_s: float) -> None:
        series = self._durations.get((stage, pack))
        if series is None:
            series = self._durations[stage, pack] = self._duration.labels(stage, pack)
        series.observe(duration_s)

    def count_faces(self, stage: str, pack: str, count: int) -> None:
        series = self._counts.get((stage, pack))
        if series is None:
            series = self._counts[stage, pack] = self._faces.labels(stage, pack)
        series.inc(count)

    def totals(self) -> dict[str, Totals]:
        """By stage."""
        found: dict[str, Totals] = {}
        for family in self._duration.collect():
            for sample in family.samples:
                stage = sample.labels["stage"]
                before = found.get(stage, Totals(0, 0.0))
                if sample.name.endswith("_count"):
                    found[stage] = Totals(before.runs + int(sample.value), before.seconds)
                elif sample.name.endswith("_sum"):
                    found[stage] = Totals(before.runs, before.seconds + sample.value)
        return found
