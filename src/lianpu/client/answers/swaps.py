"""Faces put onto photos and videos: engines, consents, live swaps."""

from datetime import datetime

from lianpu.client.answers.record import Record


class SwapPolicy(Record):
    enabled: bool
    """`swap.enabled` of the settings."""
    visible_label: bool
    """The other labels cannot be removed."""
    changed_by: str | None
    """Id of the user who said so last; null: as by default."""
    changed_at: datetime | None
    max_image_bytes: int
    max_video_bytes: int
    max_video_s: float
    result_ttl_minutes: float
    max_live: int
    request_id: str


class SwapEngineFinding(Record):
    name: str
    is_ok: bool
    detail: str
    advice: str | None


class SwapEngine(Record):
    engine: str
    readiness: str
    kinds: tuple[str, ...]
    many_faces: bool
    needs_weights: bool
    is_external: bool
    licence: str
    commercial: bool
    providers: tuple[str, ...]
    version: str | None
    provider: str | None
    """What would really run it; null: not known."""
    findings: tuple[SwapEngineFinding, ...]


class SwapCheck(Record):
    """It would be done; else there is a problem with the code of the reason."""

    person_id: str
    engine: str
    kind: str
    consent_valid_until: datetime
    labels: tuple[str, ...]
    """What the output would carry."""
    request_id: str


class Consent(Record):
    consent_id: str
    person_id: str | None
    """Null: the person was deleted from the gallery."""
    subject_name: str
    """The person's name when the consent was recorded."""
    grantor: str
    purpose: str
    scopes: tuple[str, ...]
    valid_until: datetime
    status: str
    evidence_sha256: str
    evidence_name: str
    note: str
    created_by: str
    """Id of the user who recorded it."""
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    revocation_reason: str
    uses: int
    """Swaps that were asked for by it."""
    last_used_at: datetime | None


class LiveSwap(Record):
    live_id: str
    stream_id: str
    consent_id: str
    engine: str
    state: str
    end_reason: str | None
    """Null: it runs."""
    end_detail: str | None
    started_at: datetime
    ended_at: datetime | None
    frames: int
    """That were published."""
    frames_with_a_face: int
    fps: float
    virtual_camera: str | None
    """The device that is written to."""
    feed_url: str | None
    """Motion JPEG for `<img src>`, good for a while; null: it is over."""
