"""A pack that is tried beside the active one."""

from lianpu.client.answers.models import Coverage
from lianpu.client.answers.record import Record


class ShadowVerdict(Record):
    person_id: str | None
    """Null: unknown."""
    score: float | None
    """Of the nearest person, in this pack's own scale."""
    margin: float | None


class Disagreement(Record):
    time: str
    outcome: str
    active: ShadowVerdict
    candidate: ShadowVerdict | None
    """Null: the candidate's detector does not see the face."""


class Latency(Record):
    p50: float
    p95: float


class Shadow(Record):
    pack: str
    pack_version: str
    active_pack: str
    """What it is compared with, `name@version`."""
    sample_rate: float
    since: str
    compared: int
    """Photos searched by both packs."""
    dropped: int
    """Photos let go because the server was busy."""
    errors: int
    last_error: str | None
    counts: dict[str, int]
    """Faces by what the two packs said of them."""
    agreement: float | None
    """Part of the faces about which they agree; `not_covered` left out."""
    agreement_interval: tuple[float, float] | None
    """Where the true rate lies, with 95 %."""
    latency_ms: dict[str, Latency | None]
    coverage: Coverage
    disagreements: tuple[Disagreement, ...]
    """The newest 100, newest first."""
    advice: str
