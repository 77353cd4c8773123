"""The straight line of one stream: detect on every k-th frame, track, embed what needs it, vote, draw.

`look` and `picture` block and are run on inference workers, one at a time for each stream; `take_names` is called with
what the gallery answered for the faces that `look` had embedded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.face import Box, DetectedFace, Embeddings, Image
from lianpu.engines.face.quality import FaceQuality, measure_quality
from lianpu.engines.image import encode_jpeg, thumbnail
from lianpu.engines.lettering import Lettering
from lianpu.packs.metric import Metric, raw_value
from lianpu.streams.frames import Frame
from lianpu.streams.overlay import Label, Picture, Tone, draw
from lianpu.streams.tracker import Track, Tracker, TrackerOptions, TrackState
from lianpu.streams.voting import Recognised, Voting, VotingOptions

CROP_SIDE_PX = 160
PORTRAIT_SIDE_PX = 512
PORTRAIT_MARGIN = 0.6
"""A detector finds a face again only with some room around it."""
# Mean difference of brightness, 0…255, between two looks at the same scene: people who move make 5, fades 13, cuts 25.
CUT_DIFFERENCE = 20.0
_SCENE_SIZE = (64, 36)
DOUBTS = 2


class FaceFinder(Protocol):
    """What a pack does for a stream; `lianpu.streams.finding.FrameFinder` is one."""

    @property
    def metric(self) -> Metric: ...

    def detect(self, image: Image, *, max_faces: int | None = None) -> list[DetectedFace]: ...

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> Embeddings: ...


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    detect_every: int = 3
    max_faces: int = 20
    min_quality: float = 0.2
    """Least `FaceQuality.overall` of a face that is worth embedding."""
    min_side_px: float = 40.0
    embeds_per_frame: int = 4
    """The best faces first; the others have their turn in the next frame."""
    try_again_s: float = 0.4
    """A face without a name is embedded again after so long, if it is no worse than before."""
    recheck_s: float = 5.0
    """A face with a name is."""
    look_again_s: float = 1.5
    """A face that is nobody's is."""
    better: float = 1.2
    """So many times the quality of before makes a face worth embedding at once."""
    same_track: dict[Metric, float] = field(default_factory=lambda: {Metric.COSINE: 0.5, Metric.EUCLIDEAN: 0.5})
    """Cosine at least, or distance at most, of a lost track's face and a new one's to be one and the same."""
    another_person: dict[Metric, float] = field(default_factory=lambda: {Metric.COSINE: 0.15, Metric.EUCLIDEAN: 0.75})
    """Cosine at most, or distance at least, of two faces of one track to be two persons, if it happens twice."""
    live_only: bool = True
    """A face that is not live is not named; else it is only told."""
    keeps_portraits: bool = False
    """Of each person a picture that is good enough to enrol; it costs an encoding for each better face."""
    jpeg_quality: int = 80
    tracker: TrackerOptions = field(default_factory=TrackerOptions)
    voting: VotingOptions = field(default_factory=VotingOptions)


@dataclass(slots=True)
class Person:
    """One track and what is known about it."""

    track: Track
    voting: Voting
    name: str | None = None
    """Of the person; shown."""
    quality: float = 0.0
    """The best that was embedded."""
    embedded_at_s: float | None = None
    embedding: NDArray[np.float32] | None = None
    """Of the best face."""
    doubts: int = 0
    """How often in a row the face was quite unlike that."""
    crop: bytes | None = None
    """JPEG of the best face so far."""
    portrait: bytes | None = None
    """The same face with more room around it and no smaller than it was; None: none are kept."""
    is_live: bool | None = None
    """None: not judged."""

    @property
    def tone(self) -> Tone:
        if self.is_live is False:
            return Tone.NOT_LIVE
        if self.voting.name is not None:
            return Tone.KNOWN
        return Tone.UNKNOWN if self.voting.is_unknown else Tone.LOOKING


@dataclass(frozen=True, slots=True)
class Probe:
    """A face that the gallery is to be asked about."""

    track_id: int
    embedding: NDArray[np.float32]
    quality: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What one frame brought."""

    probes: list[Probe]
    ended: list[Person]
    """Gone for good: tracks that had been confirmed."""


class Pipeline:
    def __init__(
        self,
        finder: FaceFinder,
        options: PipelineOptions,
        lettering: Lettering,
        *,
        unknown_label: str = "?",
        judge_live: Callable[[Image, Sequence[DetectedFace]], list[bool]] | None = None,
    ) -> None:
        """`judge_live`: for each face whether it is live; None: no pack for that is loaded."""
        self._finder = finder
        self._options = options
        self._lettering = lettering
        self._unknown_label = unknown_label
        self._judge_live = judge_live
        self.detect_every = options.detect_every
        """Whoever runs it may raise it while it cannot keep up."""
        self._tracker = Tracker(options.tracker)
        self._persons: dict[int, Person] = {}
        self._detected_number: int | None = None
        self._scene: NDArray[np.float32] | None = None

    @property
    def least_detect_every(self) -> int:
        """As was asked for."""
        return self._options.detect_every

    @property
    def persons(self) -> list[Person]:
        """Those in the picture, as far as they are believed in. From any thread."""
        return [person for person in list(self._persons.values()) if person.track.state is TrackState.CONFIRMED]

    def is_due(self, frame: Frame) -> bool:
        """Whether faces are to be looked for in this frame. Frames that were dropped count."""
        last = self._detected_number
        return last is None or frame.number - last >= self.detect_every

    def look(self, frame: Frame) -> Seen:
        """Find the faces of a frame and follow them. Blocks."""
        self._detected_number = frame.number
        if self._is_cut(frame):
            self._tracker.cut()
        faces = self._finder.detect(frame.pixels, max_faces=self._options.max_faces)
        boxes = np.array([[face.box.x1, face.box.y1, face.box.x2, face.box.y2] for face in faces], np.float32)
        scores = np.array([face.score for face in faces], np.float32)
        update = self._tracker.update(boxes.reshape(-1, 4), scores, frame.moment_s)
        for track in update.confirmed:
            self._persons[track.id] = Person(track, Voting(self._options.voting))
        ended = [self._persons.pop(track.id) for track in update.ended if track.id in self._persons]
        chosen = self._chosen(frame, faces)
        return Seen(self._embedded(frame, chosen) if chosen else [], ended)

    def take_names(self, answers: Sequence[tuple[int, Recognised, str | None]]) -> list[Person]:
        """Count what the gallery said of probes: (track id, outcome, name to show); returns whose name changed."""
        changed: list[Person] = []
        for track_id, recognised, name in answers:
            person = self._persons.get(track_id)
            if person is None:
                continue  # it has left meanwhile
            was_unknown = person.voting.is_unknown
            renamed = person.voting.vote(recognised)
            if recognised.person_id is not None and recognised.person_id == person.voting.name:
                person.name = name
            if renamed or person.voting.is_unknown != was_unknown:
                changed.append(person)
        return changed

    def forget(self, person_id: str) -> None:
        """The person was deleted."""
        for person in self._persons.values():
            if person.voting.forget(person_id):
                person.name = None

    def use(self, finder: FaceFinder) -> None:
        """Another pack finds and embeds from the next frame on. Names stay; what the packs' vectors differ in goes."""
        self._finder = finder
        for person in self._persons.values():
            person.embedding = person.embedded_at_s = None
            person.quality, person.doubts = 0.0, 0

    def end(self) -> list[Person]:
        """The source is over or was cut; returns who was in the picture."""
        ended = [self._persons[track.id] for track in self._tracker.end_all() if track.id in self._persons]
        self._persons.clear()
        self._detected_number = None
        return ended

    def encoded(self, picture: Picture) -> bytes:
        """As JPEG. Blocks."""
        return encode_jpeg(picture, self._options.jpeg_quality)

    def drawn(self, frame: Frame) -> Picture:
        """The frame with boxes and names. Blocks."""
        labels = [self._label(person, frame.moment_s) for person in list(self._persons.values())]
        return draw(frame.pixels, [label for label in labels if label is not None], self._lettering)

    def _label(self, person: Person, moment_s: float) -> Label | None:
        if person.track.state is not TrackState.CONFIRMED:
            return None
        left, top, right, bottom = (float(side) for side in person.track.box_at(moment_s))
        score = person.voting.score
        if person.tone is Tone.KNOWN and score is not None:
            person_id = person.voting.name or ""
            return Label(
                left,
                top,
                right,
                bottom,
                Tone.KNOWN,
                f"{person.name or person_id} {score:.2f}",
                f"{person_id} {score:.2f}",
            )
        text = self._unknown_label if person.tone is Tone.UNKNOWN else ""
        return Label(left, top, right, bottom, person.tone, text, "?")

    def _chosen(self, frame: Frame, faces: Sequence[DetectedFace]) -> list[tuple[Person, DetectedFace, FaceQuality]]:
        """Faces that are worth embedding now, the best first."""
        found: list[tuple[Person, DetectedFace, FaceQuality]] = []
        for person in self._persons.values():
            place = person.track.detection
            if place is None or not self._is_time(person, frame.moment_s):
                continue
            face = faces[place]
            if min(face.box.width, face.box.height) < self._options.min_side_px:
                continue
            quality = measure_quality(frame.pixels, face)
            if quality.overall >= self._options.min_quality and self._is_worth(person, quality.overall, frame.moment_s):
                found.append((person, face, quality))
        found.sort(key=lambda one: (one[0].embedded_at_s is not None, -one[2].overall))
        return found[: self._options.embeds_per_frame]

    def _is_time(self, person: Person, moment_s: float) -> bool:
        return person.embedded_at_s is None or moment_s - person.embedded_at_s >= self._options.try_again_s

    def _is_worth(self, person: Person, quality: float, moment_s: float) -> bool:
        if person.embedded_at_s is None or quality >= self._options.better * person.quality:
            return True
        waited_s = moment_s - person.embedded_at_s
        if person.doubts:
            return True
        if person.voting.is_unknown:
            return waited_s >= self._options.look_again_s
        if person.voting.name is None:
            return quality >= 0.8 * person.quality or waited_s >= 3 * self._options.try_again_s
        return waited_s >= self._options.recheck_s

    def _embedded(self, frame: Frame, chosen: Sequence[tuple[Person, DetectedFace, FaceQuality]]) -> list[Probe]:
        faces = [face for _, face, _ in chosen]
        embeddings = self._finder.embed(frame.pixels, faces)
        lives = [None] * len(faces) if self._judge_live is None else self._judge_live(frame.pixels, faces)
        probes: list[Probe] = []
        for (person, face, quality), embedding, is_live in zip(chosen, embeddings, lives, strict=True):
            if person.embedding is None:
                person = self._found_again(person, embedding)
            else:
                person = self._still_the_same(person, person.embedding, embedding)
            person.embedded_at_s = frame.moment_s
            person.is_live = is_live if is_live is not None else person.is_live
            if quality.overall > person.quality:
                person.quality, person.embedding = quality.overall, embedding
                person.crop = encode_jpeg(thumbnail(frame.pixels, face.box, CROP_SIDE_PX), 85)
                if self._options.keeps_portraits:
                    person.portrait = _portrait(frame.pixels, face.box)
            if is_live is not False or not self._options.live_only:
                probes.append(Probe(person.track.id, embedding, quality.overall))
        return probes

    def _is_cut(self, frame: Frame) -> bool:
        before = self._scene
        height, width = frame.pixels.shape[:2]
        # A few pixels of each cell say as much as all of them.
        step = max(1, min(width // (4 * _SCENE_SIZE[0]), height // (4 * _SCENE_SIZE[1])))
        sample = np.ascontiguousarray(frame.pixels[::step, ::step])
        grey = cv2.cvtColor(cv2.resize(sample, _SCENE_SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        self._scene = grey.astype(np.float32)
        return before is not None and float(np.abs(self._scene - before).mean()) > CUT_DIFFERENCE

    def _still_the_same(self, person: Person, best: NDArray[np.float32], embedding: NDArray[np.float32]) -> Person:
        """The person; or a new one, when the track's box has gone over to another face."""
        if not _is_other(self._finder.metric, embedding, best, self._options.another_person):
            person.doubts = 0
            return person
        person.doubts += 1
        if person.doubts < DOUBTS:
            return person
        person.doubts = 0
        track = self._tracker.split(person.track)
        other = Person(track, Voting(self._options.voting))
        self._persons[track.id] = other
        return other

    def _found_again(self, person: Person, embedding: NDArray[np.float32]) -> Person:
        """The track that was lost a moment ago and is this face; else the new one itself."""
        lost = [
            other
            for other in self._persons.values()
            if other.track.state is TrackState.LOST and other.embedding is not None
        ]
        for other in lost:
            assert other.embedding is not None
            if _is_same(self._finder.metric, embedding, other.embedding, self._options.same_track):
                self._tracker.revive(person.track, other.track)
                del self._persons[person.track.id]
                return other
        return person


def _portrait(pixels: Picture, box: Box) -> bytes:
    """JPEG, a square: as large as the face is, up to `PORTRAIT_SIDE_PX`, never enlarged."""
    natural_px = round(max(box.width, box.height) * (1 + 2 * PORTRAIT_MARGIN))
    side_px = min(natural_px, *pixels.shape[:2], PORTRAIT_SIDE_PX)
    return encode_jpeg(thumbnail(pixels, box, side_px, PORTRAIT_MARGIN), 92)


def _is_same(
    metric: Metric, first: NDArray[np.float32], second: NDArray[np.float32], limits: dict[Metric, float]
) -> bool:
    value = raw_value(metric, first, second)
    return value <= limits[metric] if metric is Metric.EUCLIDEAN else value >= limits[metric]


def _is_other(
    metric: Metric, first: NDArray[np.float32], second: NDArray[np.float32], limits: dict[Metric, float]
) -> bool:
    value = raw_value(metric, first, second)
    return value >= limits[metric] if metric is Metric.EUCLIDEAN else value <= limits[metric]
