"""What is looked up when the metrics are asked for: one reading a feature."""

from lianpu.accounts.metrics import account_reading
from lianpu.bootstrap.platform import Platform
from lianpu.enhance.metrics import ephemeral_reading
from lianpu.gallery.metrics import gallery_reading, index_reading
from lianpu.jobs.metrics import job_reading
from lianpu.jobs.push.metrics import push_reading
from lianpu.observability.process_metrics import MachineReading, read_process
from lianpu.runtime.metrics import queue_reading
from lianpu.streams.delivery.metrics import delivery_reading
from lianpu.streams.metrics import stream_reading
from lianpu.swap.metrics import swap_reading
from lianpu.swap.run import SwapRun


def add_readings(platform: Platform, swap_run: SwapRun) -> None:
    workers = platform.workers
    readings = {
        "process": read_process,
        "machine": MachineReading(),
        "gallery": gallery_reading(platform.gallery),
        "indexes": index_reading(platform.gallery),
        "inference_queue": queue_reading(platform.queue),
        "jobs": job_reading(platform.database, lambda: (workers.alive, workers.wanted)),
        "push": push_reading(platform.push),
        "streams": stream_reading(platform.streams, platform.live),
        "delivery": delivery_reading(platform.database, platform.delivery),
        "ephemeral_store": ephemeral_reading(platform.enhancement.held),
        "accounts": account_reading(platform.accounts, (platform.enhancement.rate,)),
        "swaps": swap_reading(swap_run, platform.swap.live),
    }
    for name, read in readings.items():
        platform.instruments.metrics.read_by(name, read)
