"""Faces, and whom they look like."""

from lianpu.client.answers.record import Record


class PixelBox(Record):
    """Pixels of the upright photo; may reach outside it."""

    x: float
    y: float
    width: float
    height: float


class NormalizedBox(Record):
    """The same box as fractions of the upright photo's width and height."""

    left: float
    top: float
    width: float
    height: float


class ImageSize(Record):
    """Pixels, after the EXIF turn."""

    width: int
    height: int


class Quality(Record):
    """How good a face is for recognition; each figure says its unit, `overall` is 0…1."""

    overall: float
    sharpness: float
    """0…1"""
    size_px: float
    """Shorter side of the face's box in pixels."""
    yaw_degrees: float | None
    """Positive: towards the image's right; null where not measurable."""
    pitch_degrees: float | None
    roll_degrees: float | None
    exposure: float
    """0…1; low for faces too dark, too bright or clipped."""
    detection_score: float
    occlusion: float | None = None
    """0…1; null where the pack cannot tell."""


class Liveness(Record):
    """Whether a face is live, or a picture of one."""

    score: float
    """0…1"""
    is_live: bool
    pack: str
    pack_version: str
    threshold: float
    """Least score of a live face."""


class FaceAttributes(Record):
    """What a network estimates from looks."""

    age: int
    """Years."""
    gender: str
    """What the network was trained to tell apart, not what a person is."""


class Face(Record):
    face_index: int
    """0 is the largest face."""
    box: PixelBox
    box_normalized: NormalizedBox
    detection_score: float
    landmarks: tuple[tuple[float, float], ...]
    """Pixel points in the pack's own order."""
    landmark_scheme: str
    quality: Quality
    liveness: Liveness | None
    """Null: liveness is off."""


class DetectedFace(Record):
    face_index: int
    """0 is the largest face."""
    box: PixelBox
    box_normalized: NormalizedBox
    detection_score: float
    landmarks: tuple[tuple[float, float], ...]
    """Pixel points in the pack's own order."""
    landmark_scheme: str
    quality: Quality
    liveness: Liveness | None
    """Null: liveness is off."""
    attributes: FaceAttributes | None
    """Null: the pack has no network for them."""


class EmbeddedFace(Record):
    face_index: int
    """0 is the largest face."""
    box: PixelBox
    box_normalized: NormalizedBox
    detection_score: float
    landmarks: tuple[tuple[float, float], ...]
    """Pixel points in the pack's own order."""
    landmark_scheme: str
    quality: Quality
    liveness: Liveness | None
    """Null: liveness is off."""
    embedding: tuple[float, ...]
    """As the network gives it, not normalised."""


class Match(Record):
    person_id: str
    name: str
    image_id: str
    """The person's image that matched best."""
    score: float
    """0…1, the same for every metric: higher is more alike."""
    raw_value: float
    """In the pack's metric: cosine, or Euclidean distance."""
    threshold: float
    """The least score that counts as the same person here."""
    threshold_source: str
    is_match: bool


class SearchedFace(Record):
    face_index: int
    """0 is the largest face."""
    box: PixelBox
    box_normalized: NormalizedBox
    detection_score: float
    landmarks: tuple[tuple[float, float], ...]
    """Pixel points in the pack's own order."""
    landmark_scheme: str
    quality: Quality
    liveness: Liveness | None
    """Null: liveness is off."""
    matches: tuple[Match, ...]
    """The nearest persons, best first, whether they match or not. Empty for a face that is not live where liveness is
    enforced: it is nobody's."""
    best_match: Match | None
    """The first of `matches` when it is a match; null: unknown."""
    margin: float | None
    """Score of the best person minus that of the runner-up."""


class Detection(Record):
    request_id: str
    pack: str
    pack_version: str
    image: ImageSize
    faces: tuple[DetectedFace, ...]
    timings_ms: dict[str, float]


class FaceEmbeddings(Record):
    request_id: str
    pack: str
    pack_version: str
    metric: str
    dimension: int
    image: ImageSize
    faces: tuple[EmbeddedFace, ...]
    timings_ms: dict[str, float]


class SearchResult(Record):
    request_id: str
    pack: str
    pack_version: str
    metric: str
    image: ImageSize
    faces: tuple[SearchedFace, ...]
    timings_ms: dict[str, float]


class Comparison(Record):
    request_id: str
    pack: str
    pack_version: str
    metric: str
    score: float
    raw_value: float
    threshold: float
    threshold_source: str
    is_match: bool
    faces: tuple[Face, ...]
    """The compared face of the first photo and of the second."""
    timings_ms: dict[str, float]
