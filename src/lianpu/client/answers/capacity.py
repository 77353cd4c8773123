"""What the server's machine does."""

from datetime import datetime

from lianpu.client.answers.record import Record


class CapacityFigure(Record):
    name: str
    """`faces`, `faces_alone`, `searches`, `searches_large`, `streams` or `enhancements`."""
    unit: str
    value: float | None
    """Null: it could not be measured; `reason` says why."""
    measured_s: float
    """How long it was measured."""
    in_flight: int | None
    """Requests at once."""
    rows: int | None
    """Embeddings that were searched."""
    engines: tuple[str, ...]
    """Packs that restored and enlarged."""
    is_derived: bool
    """Worked out from what one of them costs, not counted."""
    reason: str | None
    """Why there is no value: `gallery_empty`, `no_face_found` or `failed`."""
    detail: str | None
    """What failed."""


class CapacityReference(Record):
    """Against `insightface.app.FaceAnalysis` with the same weights: images a second, decoded, found and embedded."""

    version: str
    """Of insightface."""
    ratio: float
    """How many times as many images Lianpu does."""
    ours_per_s: float
    theirs_per_s: float
    in_flight: int
    measured_s: float


class MeasuredMachine(Record):
    host: str
    system: str
    processor: str
    cores: int
    """That the process may use."""
    memory_bytes: int


class MeasuredVersions(Record):
    lianpu: str
    python: str
    onnxruntime: str


class MeasuredSettings(Record):
    """What the figures hold for."""

    pack: str
    """`name@version`."""
    provider: str
    cpu_reason: str | None
    """What ran networks on the CPU; null: they ran elsewhere."""
    threads: int
    """Of one inference."""
    workers: int
    """Inferences at once."""


class Capacity(Record):
    format: int
    measured_at: datetime
    is_quick: bool
    """Each figure was measured for a moment only: a look, not a promise."""
    busy_share: float
    """0…1 of all cores that others used just before and just after."""
    is_busy: bool
    """The machine did other work meanwhile: an idle one does more."""
    machine: MeasuredMachine
    versions: MeasuredVersions
    settings: MeasuredSettings
    figures: tuple[CapacityFigure, ...]
    reference: CapacityReference | None
    no_reference: str | None
    """Why there is no ratio to insightface: `not_installed`, `other_networks` or `failed`."""
