"""Tracking: what is one face stays one track, whatever the detector misses, and two faces never become one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianpu.streams.tracker import Tracker, TrackerOptions, TrackerUpdate, TrackState, overlap

FRAME_S = 0.12


def box(x: float, y: float, side: float = 80.0) -> list[float]:
    return [x, y, x + side, y + side]


def seen(tracker: Tracker, moment_s: float, *faces: list[float], scores: list[float] | None = None) -> TrackerUpdate:
    boxes = np.array(faces, np.float32).reshape(-1, 4)
    return tracker.update(boxes, np.array(scores or [0.9] * len(faces), np.float32), moment_s)


def test_R_STR_5_a_face_that_moves_is_one_track() -> None:
    tracker = Tracker()
    ids = set()
    for step in range(40):
        update = seen(tracker, step * FRAME_S, box(20 + 25 * step, 100))
        ids |= {track.id for track in update.tracks}
    assert ids == {1}
    [track] = tracker.tracks
    assert track.state is TrackState.CONFIRMED
    assert track.velocity[0] == pytest.approx(25 / FRAME_S, rel=0.05)


def test_R_STR_5_motion_carries_a_fast_face_that_overlaps_its_last_box_no_more() -> None:
    tracker = Tracker()
    for step in range(10):
        seen(tracker, step * FRAME_S, box(40 * step, 100))
    update = seen(tracker, 12 * FRAME_S, box(40 * 12, 100))
    assert overlap(np.array([box(40 * 9, 100)], np.float32), np.array([box(40 * 12, 100)], np.float32))[0, 0] == 0
    assert [track.id for track in update.tracks] == [1]


def test_R_STR_5_a_pattern_seen_once_is_no_face() -> None:
    tracker = Tracker()
    assert seen(tracker, 0.0, box(10, 10)).confirmed == []
    update = seen(tracker, FRAME_S)
    assert (update.tracks, update.ended) == ([], [])


def test_R_STR_5_weak_detections_prolong_a_track_and_begin_none() -> None:
    tracker = Tracker()
    seen(tracker, 0.0, box(10, 10))
    seen(tracker, FRAME_S, box(12, 10))
    for step in range(2, 40):
        update = seen(tracker, step * FRAME_S, box(10 + step, 10), box(400, 10), scores=[0.2, 0.3])
    assert [track.id for track in update.tracks] == [1]
    assert update.tracks[0].state is TrackState.CONFIRMED


def test_R_STR_5_a_face_hidden_for_a_moment_goes_on_and_one_gone_for_long_ends_once() -> None:
    tracker = Tracker(TrackerOptions(lost_s=1.0))
    for step in range(5):
        seen(tracker, step * FRAME_S, box(50, 50))
    update = seen(tracker, 5 * FRAME_S)
    assert [track.state for track in update.tracks] == [TrackState.LOST]
    update = seen(tracker, 9 * FRAME_S, box(52, 50))
    assert [(track.id, track.state) for track in update.tracks] == [(1, TrackState.CONFIRMED)]
    ended = [track.id for step in range(10, 40) for track in seen(tracker, step * FRAME_S).ended]
    assert ended == [1]


def test_R_STR_5_two_faces_that_pass_each_other_stay_two() -> None:
    tracker = Tracker()
    for step in range(41):
        update = seen(tracker, step * FRAME_S, box(10 + 10 * step, 100, 60), box(410 - 10 * step, 150, 60))
    assert len(update.tracks) == 2
    right, left = (track.box[0] for track in sorted(update.tracks, key=lambda one: one.id))
    assert right > 350
    assert left < 70


def test_R_STR_5_a_face_found_again_by_its_embedding_keeps_its_track() -> None:
    tracker = Tracker()
    for step in range(4):
        seen(tracker, step * FRAME_S, box(50, 50))
    for step in range(4, 7):
        update = seen(tracker, step * FRAME_S, box(600, 300))
    lost, new = sorted(update.tracks, key=lambda one: one.id)
    assert (lost.state, new.state) == (TrackState.LOST, TrackState.CONFIRMED)
    tracker.revive(new, lost)
    assert [(track.id, track.state) for track in tracker.tracks] == [(1, TrackState.CONFIRMED)]
    assert [track.id for track in seen(tracker, 7 * FRAME_S, box(600, 300)).tracks] == [1]
    with pytest.raises(ValueError, match="cannot go on"):
        tracker.revive(tracker.tracks[0], tracker.tracks[0])


def test_R_STR_5_a_clock_that_goes_back_is_refused() -> None:
    tracker = Tracker()
    seen(tracker, 1.0, box(0, 0))
    with pytest.raises(ValueError, match="before the last"):
        seen(tracker, 0.5, box(0, 0))


coordinates = st.floats(-50, 2000, width=32)
faces = st.lists(
    st.tuples(coordinates, coordinates, st.floats(0, 400, width=32), st.floats(0, 1, width=32)), max_size=12
)


@settings(max_examples=80, deadline=None)
@given(st.lists(faces, min_size=1, max_size=25))
def test_R_STR_5_whatever_is_detected_each_detection_is_one_track_at_most(
    frames: list[list[tuple[float, ...]]],
) -> None:
    tracker = Tracker(TrackerOptions(max_tracks=16))
    confirmed: set[int] = set()
    ended: list[int] = []
    for number, frame in enumerate(frames):
        update = seen(
            tracker, number * 0.4, *[box(x, y, side) for x, y, side, _ in frame], scores=[score for *_, score in frame]
        )
        places = [track.detection for track in update.tracks if track.detection is not None]
        assert len(places) == len(set(places))
        assert len(update.tracks) <= 16
        assert all(np.isfinite(track.box).all() for track in update.tracks)
        confirmed |= {track.id for track in update.confirmed}
        ended += [track.id for track in update.ended]
    ended += [track.id for track in tracker.end_all()]
    assert sorted(ended) == sorted(confirmed)
