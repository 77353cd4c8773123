"""Voting: a name stands once recognitions agree, and does not flicker."""

from hypothesis import given
from hypothesis import strategies as st

from lianpu.streams.voting import Recognised, Voting


def match(person_id: str, margin: float = 0.03, quality: float = 0.6) -> Recognised:
    return Recognised(person_id, 0.7 + margin, margin, quality)


MISS = Recognised(None, 0.5, -0.2, 0.6)


def test_R_STR_5_two_recognitions_that_agree_make_a_name() -> None:
    voting = Voting()
    assert not voting.vote(match("ann"))
    assert voting.name is None
    assert voting.vote(match("ann"))
    assert voting.name == "ann"


def test_R_STR_5_one_sure_recognition_names_at_once() -> None:
    voting = Voting()
    assert voting.vote(match("ann", margin=0.2))
    assert (voting.name, round(voting.score or 0, 3)) == ("ann", 0.9)


def test_R_STR_5_a_known_face_that_turns_away_keeps_its_name() -> None:
    voting = Voting()
    voting.vote(match("ann", margin=0.2))
    for _ in range(50):
        assert not voting.vote(MISS)
    assert voting.name == "ann"
    assert not voting.is_unknown


def test_R_STR_5_nobody_is_said_only_after_several_looks() -> None:
    voting = Voting()
    for expected in (False, False, True):
        voting.vote(MISS)
        assert voting.is_unknown is expected


def test_R_STR_5_a_wrong_first_name_is_put_right_once() -> None:
    voting = Voting()
    voting.vote(match("bob", margin=0.1, quality=0.2))
    changes = [voting.vote(match("ann", margin=0.1, quality=0.8)) for _ in range(10)]
    assert (voting.name, sum(changes), voting.renamed) == ("ann", 1, 1)


def test_R_STR_5_a_person_who_is_deleted_is_not_named_any_more() -> None:
    voting = Voting()
    voting.vote(match("ann", margin=0.2))
    assert voting.forget("ann")
    assert voting.name is None
    assert not voting.forget("ann")


@given(st.lists(st.one_of(st.none(), st.sampled_from(["ann", "bob"])), min_size=10, max_size=200))
def test_R_STR_5_equal_evidence_for_two_never_flickers(looks: list[str | None]) -> None:
    """With the same margin and quality a name can give way only as its rival gathers twice the votes."""
    voting = Voting()
    for person in looks:
        voting.vote(MISS if person is None else match(person))
    assert voting.renamed <= 1 + len(looks) // 8


def test_R_STR_5_a_track_changes_its_name_once_at_most() -> None:
    voting = Voting()
    for person_id, votes in (("ann", 2), ("bob", 30), ("ann", 500)):
        for _ in range(votes):
            voting.vote(Recognised(person_id, 0.9, 0.2, 0.9))
    assert (voting.name, voting.renamed) == ("bob", 1)
