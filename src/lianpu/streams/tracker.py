"""Faces followed from frame to frame by overlap and motion, and found again by embedding after they were lost.

Boxes of one frame are matched with where the tracks should be by now: first the sure detections, then the weak ones
(the idea of ByteTrack, Zhang et al. 2022: a face that turns away is still detected, with a low score). What a track
does between detections is foretold by an alpha-beta filter (Kalata 1984).
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float32]
"""[4]: left, top, right, bottom in pixels of the frame."""
Boxes = NDArray[np.float32]
"""[n, 4]"""

POSITION_GAIN = 0.7
VELOCITY_GAIN = 0.3
# A face seen once gives no velocity worth following.
MIN_HITS_TO_MOVE = 2


class TrackState(StrEnum):
    TENTATIVE = "tentative"
    """Seen too seldom to be believed: detectors take patterns for faces, but rarely twice in one place."""
    CONFIRMED = "confirmed"
    LOST = "lost"
    """Not seen now; goes on when it is found again, ends when that takes too long."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class TrackerOptions:
    sure_score: float = 0.5
    """Detections below it prolong tracks and begin none."""
    min_overlap: float = 0.2
    """Least intersection over union of a detection and where its track should be."""
    min_overlap_weak: float = 0.4
    confirm_hits: int = 2
    lost_s: float = 2.0
    """So long a track that is not seen may be found again."""
    max_tracks: int = 128


@dataclass(slots=True)
class Track:
    """One face while it is in the picture."""

    id: int
    box: Box
    """Where it was at `seen_s`, smoothed."""
    seen_s: float
    began_s: float
    score: float
    """Of the detector, when it was last seen."""
    velocity: Box = field(default_factory=lambda: np.zeros(4, np.float32))
    """Pixels a second, of each side of the box."""
    hits: int = 1
    state: TrackState = TrackState.TENTATIVE
    detection: int | None = 0
    """Which detection of the newest frame it is; None: it was not seen in it."""
    is_cut: bool = False
    """The picture changed while it was followed: whatever is in its place now is something else."""

    def box_at(self, moment_s: float) -> Box:
        """Where it should be; follows its motion for at most as long as it was seen, so that nothing flies away."""
        elapsed = min(moment_s - self.seen_s, self.seen_s - self.began_s)
        return (self.box + self.velocity * max(0.0, elapsed)).astype(np.float32)

    def see(self, box: Box, moment_s: float, score: float, detection: int) -> None:
        elapsed = moment_s - self.seen_s
        expected = self.box_at(moment_s)
        residual = box - expected
        if self.hits < MIN_HITS_TO_MOVE or elapsed <= 0:
            if elapsed > 0:
                self.velocity = ((box - self.box) / elapsed).astype(np.float32)
            self.box = box.copy()
        else:
            self.velocity = (self.velocity + VELOCITY_GAIN / elapsed * residual).astype(np.float32)
            self.box = (expected + POSITION_GAIN * residual).astype(np.float32)
        self.seen_s, self.score, self.detection = moment_s, score, detection
        self.hits += 1


@dataclass(frozen=True, slots=True)
class TrackerUpdate:
    tracks: list[Track]
    """Those that are alive, the lost ones among them, in the order of their ids."""
    confirmed: list[Track]
    """Believed from this frame on."""
    ended: list[Track]
    """Confirmed once, and gone for good."""


class Tracker:
    """Of one stream; for one thread."""

    def __init__(self, options: TrackerOptions | None = None) -> None:
        self.options = options or TrackerOptions()
        self._tracks: list[Track] = []
        self._next_id = 1

    @property
    def tracks(self) -> list[Track]:
        return list(self._tracks)

    def update(self, boxes: Boxes, scores: NDArray[np.float32], moment_s: float) -> TrackerUpdate:
        """Take in what was detected on one frame.

        Args:
            boxes: [n, 4] in pixels of the frame.
            scores: [n], the detector's.
            moment_s: of the frame; on any clock that does not go back.

        Raises:
            ValueError: the shapes do not fit, or the clock went back.
        """
        if boxes.shape != (len(scores), 4):
            raise ValueError(f"{boxes.shape} boxes for {len(scores)} scores")
        if any(track.seen_s > moment_s for track in self._tracks):
            raise ValueError("a frame from before the last one")
        for track in self._tracks:
            track.detection = None
        sure = [int(place) for place in np.flatnonzero(scores >= self.options.sure_score)]
        weak = [int(place) for place in np.flatnonzero(scores < self.options.sure_score)]
        followed = [track for track in self._tracks if not track.is_cut]
        unmatched = self._match(followed, boxes, scores, sure, moment_s, self.options.min_overlap)
        unseen = [track for track in followed if track.detection is None and track.state is TrackState.CONFIRMED]
        self._match(unseen, boxes, scores, weak, moment_s, self.options.min_overlap_weak)
        confirmed = self._confirm()
        ended = self._drop(moment_s)
        for place in unmatched[: max(0, self.options.max_tracks - len(self._tracks))]:
            self._tracks.append(
                Track(self._next_id, boxes[place].copy(), moment_s, moment_s, float(scores[place]), detection=place)
            )
            self._next_id += 1
            if self.options.confirm_hits <= 1:
                self._tracks[-1].state = TrackState.CONFIRMED
                confirmed.append(self._tracks[-1])
        return TrackerUpdate(list(self._tracks), confirmed, ended)

    def revive(self, new: Track, lost: Track) -> None:
        """They were found to be one face: the lost track goes on where the new one is, and the new one is no more.

        Raises:
            ValueError: `lost` is seen, or one of them is no track of this tracker.
        """
        if lost.state is not TrackState.LOST or new not in self._tracks or lost not in self._tracks or new is lost:
            raise ValueError(f"track {lost.id} cannot go on as track {new.id}")
        lost.box, lost.velocity, lost.seen_s = new.box, new.velocity, new.seen_s
        lost.score, lost.detection, lost.state = new.score, new.detection, TrackState.CONFIRMED
        lost.hits += new.hits
        lost.is_cut = False
        new.state = TrackState.ENDED
        self._tracks.remove(new)

    def cut(self) -> None:
        """The next frame shows another scene: what is followed is lost, and is found again by its embedding alone."""
        for track in self._tracks:
            track.is_cut = True

    def split(self, track: Track) -> Track:
        """Its box has gone over to another face: the old track is lost, a new one goes on in its place.

        Raises:
            ValueError: it is not seen now, or is no track of this tracker.
        """
        if track not in self._tracks or track.detection is None:
            raise ValueError(f"track {track.id} is not in the picture")
        new = Track(
            self._next_id,
            track.box,
            track.seen_s,
            track.seen_s,
            track.score,
            track.velocity,
            track.hits,
            TrackState.CONFIRMED,
            track.detection,
        )
        self._next_id += 1
        self._tracks.append(new)
        track.state, track.detection, track.is_cut = TrackState.LOST, None, True
        return new

    def end_all(self) -> list[Track]:
        """The stream is over, or its picture was cut; returns those that had been confirmed."""
        ended = [track for track in self._tracks if track.state is not TrackState.TENTATIVE]
        for track in self._tracks:
            track.state = TrackState.ENDED
        self._tracks = []
        return ended

    def _match(
        self,
        tracks: list[Track],
        boxes: Boxes,
        scores: NDArray[np.float32],
        places: list[int],
        moment_s: float,
        min_overlap: float,
    ) -> list[int]:
        """Pair greatest overlaps first; returns the places that no track took."""
        left = set(places)
        if tracks and places:
            expected = np.stack([track.box_at(moment_s) for track in tracks])
            overlaps = overlap(expected, boxes[places])
            taken: set[int] = set()
            for pair in np.argsort(-overlaps, axis=None, kind="stable"):
                row, column = divmod(int(pair), len(places))
                if overlaps[row, column] < min_overlap:
                    break
                place = places[column]
                if row in taken or place not in left:
                    continue
                taken.add(row)
                left.discard(place)
                tracks[row].see(boxes[place], moment_s, float(scores[place]), place)
        return [place for place in places if place in left]

    def _confirm(self) -> list[Track]:
        confirmed: list[Track] = []
        for track in self._tracks:
            if track.detection is None:
                continue
            if track.state is TrackState.TENTATIVE and track.hits >= self.options.confirm_hits:
                track.state = TrackState.CONFIRMED
                confirmed.append(track)
            elif track.state is TrackState.LOST:
                track.state = TrackState.CONFIRMED
        return confirmed

    def _drop(self, moment_s: float) -> list[Track]:
        """A tentative track must be seen again at once; the others have their time."""
        ended: list[Track] = []
        kept: list[Track] = []
        for track in self._tracks:
            if track.detection is not None:
                kept.append(track)
            elif track.state is TrackState.TENTATIVE:
                track.state = TrackState.ENDED
            elif moment_s - track.seen_s > self.options.lost_s:
                track.state = TrackState.ENDED
                ended.append(track)
            else:
                track.state = TrackState.LOST
                kept.append(track)
        self._tracks = kept
        return ended


def overlap(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """Intersection over union, [n, m]; 0 where a box has no area."""
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    opposite = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.clip(opposite - corner, 0, None)
    shared = sides[..., 0] * sides[..., 1]
    area = _area(first)[:, None] + _area(second)[None] - shared
    return np.divide(shared, area, out=np.zeros_like(shared), where=area > 0).astype(np.float32)


def _area(boxes: Boxes) -> NDArray[np.float32]:
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return (sides[:, 0] * sides[:, 1]).astype(np.float32)
