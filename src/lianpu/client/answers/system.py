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
    cpu_reason: str | None
    """What runs networks on the CPU; None: they run elsewhere."""
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


class Versions(Record):
    lianpu: str
    python: str
    system: str
    onnxruntime: str
    opencv: str
    database: str
    """Which kind, such as `sqlite`."""


class ServerProcess(Record):
    memory_bytes: int
    threads: int
    open_files: int | None
    """Null: this system does not tell."""
    cpu_seconds: float


class ServerMachine(Record):
    cores: int
    cpu_share: float
    """0…1 of all cores, since somebody last asked."""
    memory_bytes: int
    memory_used_bytes: int
    process: ServerProcess


class Gpu(Record):
    index: int
    name: str
    busy_share: float | None
    memory_bytes: int
    memory_used_bytes: int


class Disk(Record):
    """Of the file system that the home is on."""

    total_bytes: int
    free_bytes: int


class JobState(Record):
    waiting: int
    by_status: dict[str, int]
    workers: int
    """Of this process, that are alive."""


class StreamsState(Record):
    active: int
    by_state: dict[str, int]
    viewers: int
    live_swaps: int


class CameraState(Record):
    is_ready: bool
    problem: str | None
    """What is in the way, and what to do."""


class EngineState(Record):
    name: str
    kind: str
    """`swap`, `restorer` or `upscaler`."""
    state: str
    detail: str | None
    """What it lacks."""


class ServerMoment(Record):
    """Rates and times are those of the interval before it."""

    at: float
    """Seconds since 1970."""
    cpu_share: float
    """0…1 of all cores of the machine, by everybody."""
    process_cpu_share: float
    """0…1 of all cores of the machine, by the server."""
    memory_used_bytes: int
    """Of the machine."""
    process_memory_bytes: int
    gpu_busy_share: float | None
    """Of the busiest GPU; null: there is none, or it does not tell."""
    gpu_memory_used_bytes: int | None
    """Of all GPUs; null: there is none."""
    queue_waiting: int
    """Calls that wait for an inference thread."""
    queue_running: int
    jobs_waiting: int
    streams: int
    requests_per_s: float
    request_s: float | None
    """Mean time to the first byte of an answer; null: nobody asked."""
    inference_s: float | None
    """Mean time of a stage that runs a network; null: none ran."""
    inferences_per_s: float


class ServerHistory(Record):
    interval_s: float
    points: tuple[ServerMoment, ...]
    """Oldest first; fifteen minutes at most."""
    request_id: str


class ServerStatus(Record):
    versions: Versions
    machine: ServerMachine
    gpus: tuple[Gpu, ...]
    """Of NVIDIA, by their driver."""
    disk: Disk
    jobs: JobState
    streams: StreamsState
    camera: CameraState
    """The virtual camera; it is looked at, not opened."""
    engines: tuple[EngineState, ...]
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
    index_reason: str
    """How faces are looked for in them."""
    packs: tuple[Model, ...]
    runtime: Runtime
    queue: InferenceQueue
    request_id: str


class ServerHealth(Record):
    status: str
    checks: dict[str, str]
