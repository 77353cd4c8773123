"""The state of the server."""

from lianpu.client.answers.models import Model
from lianpu.client.answers.record import Record


class GalleryCounts(Record):
    persons: int
    images: int
    embeddings: int


class Runtime(Record):
    provider: str
    reason: str
    threads: int
    requested: tuple[str, ...]
    """As the settings name them."""
    available: tuple[str, ...]
    """What the installed ONNX Runtime offers."""
    missing: tuple[str, ...]
    """Asked for, and not running, each with the cause."""
    running: dict[str, int]
    """Loaded networks by what their sessions say runs them."""
    device_id: int
    gpu_memory_bytes: int | None
    """Most that one network may take of a GPU; null: no limit."""


class InferenceQueue(Record):
    workers: int
    capacity: int
    running: int
    waiting: int
    completed_total: int
    rejected_total: int


class ServerStatus(Record):
    version: str
    uptime_s: float
    home: str
    default_pack: str
    """Name of the active pack."""
    default_pack_version: str | None
    """Null: that pack cannot be found."""
    gallery: GalleryCounts
    indexes: dict[str, int]
    """Embeddings in memory by `pack@version`."""
    packs: tuple[Model, ...]
    runtime: Runtime
    queue: InferenceQueue
    request_id: str


class ServerHealth(Record):
    status: str
    checks: dict[str, str]
