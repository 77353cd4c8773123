"""Photos made better."""

from datetime import datetime

from lianpu.client.answers.recognition import PixelBox
from lianpu.client.answers.record import Record


class EnginesUsed(Record):
    restorer: str | None
    upscaler: str | None
    recogniser: str | None
    """What measured the identity."""


class FaceIdentity(Record):
    status: str
    similarity: float | None
    """Cosine of the embeddings before and after; null: not measurable."""
    threshold: float | None
    restored_share: float
    """0…1: how much of the restored face is in the result."""


class EnhancedFace(Record):
    box: PixelBox
    is_restored: bool
    reason: str | None
    """Why it was not restored."""
    identity: FaceIdentity
    sharpness_before: float
    sharpness_after: float
    quality_before: float
    quality_after: float


class EnhancementReport(Record):
    width_before: int
    height_before: int
    width_after: int
    height_after: int
    scale: int
    engines: EnginesUsed
    faces: tuple[EnhancedFace, ...]
    """Largest first; empty: the photo was enhanced as a whole."""
    sharpness_before: float
    """0…1."""
    sharpness_after: float
    enhancement_ratio: float
    """Sharpness after to before."""
    notes: tuple[str, ...]
    """What was done otherwise than one might expect."""
    seconds: float


class EnhancementProblem(Record):
    code: str
    title: str
    detail: str


class EnhancementPhoto(Record):
    """One photo on its way."""

    position: int
    """From 0, in the order of the archive."""
    name: str
    """As it was sent, with the folders of an archive."""
    size_bytes: int
    status: str
    stage: str | None
    """What is being done; null while it waits."""
    progress: float
    """0…1."""
    output_name: str | None
    """In the result."""
    output_size_bytes: int | None
    report: EnhancementReport | None
    """Of an enhanced photo: what ran, and what it brought."""
    error: EnhancementProblem | None
    """Of a failed one."""


class EnhancementResult(Record):
    """Waits to be fetched once."""

    url: str
    """GET it with the retrieval token as `X-Retrieval-Token` or `?token=`."""
    file_name: str
    media_type: str
    size_bytes: int
    expires_at: datetime
    """Then it is overwritten."""


class EnhancementOptions(Record):
    """The form's fields beside the file."""

    enhancement_level: int = 2
    """1, 2, 3, 4: ×1, ×2, ×4, ×8."""
    preserve_identity: bool = True
    """Blend each face back until it is still the same person."""
    output_format: str = "same"
    """`same`: as it came."""
    restorer: str | None = None
    """One of the engines; `none`; left out: the best at hand."""
    upscaler: str | None = None
    """Likewise; `lanczos`: no network."""
    fidelity: float = 0.5
    """Of restorers that have it: 1 keeps most of the original."""
    identity_threshold: float | None = None
    """Least cosine before and after."""
    keep_gps: bool = False
    time_budget_s: float | None = None
    """What the upscaler may take where none is named; left out: the setting."""


class Enhancement(Record):
    enhancement_id: str
    is_batch: bool
    status: str
    progress: float
    """0…1, of the whole."""
    done: int
    """Photos that have ended, well or not."""
    total: int | None
    """Null: the archive was not looked through yet."""
    estimated_s: float | None
    """When it was sent, for this machine, without waiting."""
    options: EnhancementOptions | None
    photos: tuple[EnhancementPhoto, ...]
    """Empty where another process than the one that answers has them, and after a restart."""
    result: EnhancementResult | None
    """Of a completed one."""
    error: EnhancementProblem | None
    """Of a failed one."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cleaned_at: datetime | None
    """When the last of it was overwritten."""
    cleaned_by: str | None


class SubmittedEnhancement(Record):
    """200: it is done. 202: it goes on, `GET /api/v1/enhance/{enhancement_id}` says how far it is."""

    enhancement: Enhancement
    retrieval_token: str
    """Told here alone. Without it nobody, the server neither, has the result."""
    request_id: str


class EnhancementEstimate(Record):
    width_after: int
    height_after: int
    engines: EnginesUsed
    estimated_s: float
    """On this machine, without waiting."""
    is_quick: bool
    """`POST /api/v1/enhance` waits for it and answers 200."""
    peak_bytes: int
    request_id: str


class EnhancementEngine(Record):
    name: str
    kind: str
    pack: str | None
    licence: str
    commercial: bool
    """Whether the licence allows commercial use."""
    has_fidelity: bool
    seconds_per_megapixel: float | None
    """Upscalers: of output; restorers: a face. Null: unknown."""


class EnhancementEngines(Record):
    """The first of each kind is taken where a request names none."""

    restorers: tuple[EnhancementEngine, ...]
    upscalers: tuple[EnhancementEngine, ...]
    max_upload_bytes: int
    max_archive_bytes: int
    archive_formats: tuple[str, ...]
    result_ttl_s: float
    request_id: str
