"""The ephemeral store as metrics: what is held in memory, and how it went."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from lianpu.enhance.held import HeldEnhancements
from lianpu.enhance.tasks import CleaningReason, EnhancementStatus
from lianpu.observability.metrics import Read, counter, gauge


def ephemeral_reading(held: HeldEnhancements) -> Read:
    async def read() -> Iterable[Metric]:
        tasks = held.all()
        uploads = [task.upload_bytes for task in tasks if task.upload is not None]
        results = [
            task.result.size_bytes
            for task in tasks
            if task.status is EnhancementStatus.COMPLETED and task.result is not None
        ]
        entries = {("upload",): float(len(uploads)), ("result",): float(len(results))}
        size = {("upload",): float(sum(uploads)), ("result",): float(sum(results))}
        ends = {(reason.value,): float(held.cleaned[reason]) for reason in CleaningReason}
        return [
            gauge("lianpu_ephemeral_entries", "Photos and archives held in memory.", entries, ("content",)),
            gauge("lianpu_ephemeral_bytes", "Bytes of them.", size, ("content",)),
            counter(
                "lianpu_ephemeral_ended",
                "Enhancements of which nothing is left: `retrieved` was fetched, `expired` was not in time.",
                ends,
                ("reason",),
            ),
        ]

    return read
