"""Packs."""

from lianpu.client.answers.record import Record


class Coverage(Record):
    """How much of the gallery a pack version can find."""

    images: int
    """All images of the gallery."""
    embedded: int
    """Images with an embedding of this pack."""
    failed: int
    """Images in which this pack does not find the face."""
    missing: int
    """Images not tried yet; 0: coverage is complete."""
    persons: int
    """All persons of the gallery."""
    persons_covered: int
    """Persons whom this pack can find."""
    is_complete: bool


class Licence(Record):
    id: str
    commercial: bool
    acceptance: bool
    url: str | None


class ModelRoles(Record):
    """The engine of each role; null where the pack has none."""

    detector: str | None
    landmarks: str | None
    embedder: str | None
    liveness: str | None
    attributes: str | None


class Model(Record):
    """One pack."""

    name: str
    version: str
    summary: str
    state: str
    detail: str | None
    """Why the pack is not ready, and what to do."""
    is_default: bool
    is_embedded: bool
    """Part of the installation: it cannot be removed."""
    licence: Licence | None
    roles: ModelRoles | None
    metric: str | None
    dimension: int | None
    """Known once the pack is loaded."""
    threshold: float | None
    """Recommended 1:N threshold as a score 0…1."""
    raw_threshold: float | None
    """The same in the pack's metric."""
    gallery_threshold: float | None
    """This gallery's own, which goes before it; null: none is set."""
    size_bytes: int
    provider: str | None
    """What runs it; null until the pack is loaded."""
    coverage: Coverage | None
    """How much of the gallery it finds; null: it embeds no faces."""


class AvailableFile(Record):
    path: str
    sha256: str
    size_bytes: int | None
    """Null: not known before it is downloaded."""
    sources: tuple[str, ...]
    """Its addresses, in the order in which they are tried; mirrors come first."""


class AvailableLicence(Record):
    id: str
    commercial: bool
    """Whether the weights may be used commercially."""
    acceptance: bool
    """Whether a pull needs `accept_licence`."""
    url: str | None


class AvailableModel(Record):
    """A pack of the catalogue."""

    name: str
    version: str
    family: str
    """What its weights do; those of `face` can be loaded as a face pack."""
    summary: str
    licence: AvailableLicence
    size_bytes: int | None
    """Of the whole download; null: not known."""
    files: tuple[AvailableFile, ...]
    installed: bool
    """A usable pack of that name and version is there."""
    installable: bool
    """Whether it can be pulled."""
    detail: str | None
    """Why it cannot be pulled."""
    sources: tuple[str, ...]
    """All addresses of all files."""


class LoadedModel(Record):
    request_id: str
    name: str
    version: str
    provider: str
    """What runs it."""
    dimension: int
    """Length of its embeddings."""


class UnloadedModel(Record):
    request_id: str
    name: str
    version: str
    was_loaded: bool


class RemovedModel(Record):
    request_id: str
    name: str
    version: str
    embeddings: int
    """Images embedded by it; their vectors stay stored and come back with it."""


class FailedImage(Record):
    image_id: str
    person_id: str
    reason: str


class DefaultPack(Record):
    request_id: str
    pack: str
    pack_version: str
    previous: str
    """What was active before, `name@version`."""
    coverage: Coverage
    failures: tuple[FailedImage, ...]
    """Images that this pack cannot find; the first 100."""


class ModelThreshold(Record):
    request_id: str
    pack: str
    pack_version: str
    threshold: float
    """The one that applies, as a score 0…1."""
    raw_threshold: float | None
    """The same in the pack's metric; null: no distance is too great."""
    threshold_source: str
    pack_threshold: float
