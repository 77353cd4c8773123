"""pairs.txt and tables of pairs: what is taken, what is refused, and that nothing else happens whatever the bytes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.errors import EvaluationInvalidError
from lianpu.evaluation.pair_lists import (
    FilePair,
    LfwImage,
    LfwPair,
    is_pair_table,
    parse_lfw_pairs,
    parse_pair_table,
)

TWO_FOLDS = "2\t1\nAda\t1\t4\nAda\t2\tBen\t1\n\nCy\t1\t2\nBen\t3\tCy\t1\n"


def test_R_OPS_3_pairs_of_view_2_and_view_1() -> None:
    assert parse_lfw_pairs(TWO_FOLDS) == [
        LfwPair(LfwImage("Ada", 1), LfwImage("Ada", 4), 0),
        LfwPair(LfwImage("Ada", 2), LfwImage("Ben", 1), 0),
        LfwPair(LfwImage("Cy", 1), LfwImage("Cy", 2), 1),
        LfwPair(LfwImage("Ben", 3), LfwImage("Cy", 1), 1),
    ]
    assert [pair.same for pair in parse_lfw_pairs(TWO_FOLDS)] == [True, False, True, False]
    assert {pair.fold for pair in parse_lfw_pairs("1\nAda\t1\t4\nAda\t2\tBen\t1\n")} == {0}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2\t1\n", "", "Line 1"),
        ("2\t1\n", "2\t2\n", "announces 2 × 2 × 2 pairs and has 4"),
        ("2\t1\n", "-2\t1\n", "Line 1"),
        ("2\t1\n", "0\t1\n", "0 folds"),
        ("2\t1\n", "99999\t99999\n", "99999 folds"),
        ("Ada\t1\t4", "Ada\t1", "Line 2"),
        ("Ada\t1\t4", "Ada\t1\tfour", "Line 2"),
        ("Ada\t1\t4", "Ada\t1\t4\t5", "Line 2"),
        ("Ada\t2\tBen\t1", "Ada\t2\tAda\t1", "Line 3 of the list of pairs does not name two persons"),
        ("Ada\t2\tBen\t1", "\t2\tBen\t1", "Line 3"),
    ],
)
def test_R_OPS_3_wrong_list_is_refused_with_its_line(old: str, new: str, told: str) -> None:
    assert old in TWO_FOLDS
    with pytest.raises(EvaluationInvalidError) as refused:
        parse_lfw_pairs(TWO_FOLDS.replace(old, new, 1))
    assert told in refused.value.detail


def test_R_OPS_3_empty_list_is_refused() -> None:
    with pytest.raises(EvaluationInvalidError, match="empty"):
        parse_lfw_pairs(" \n\n")


# Lines that look right for a while, and anything at all.
lines = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ["1\t1", "2\t1", "1", "Ada\t1\t2", "Ada\t1\tBen\t1", "Ben 1 2", "Ben 1 Cy 2", "Ada\t²\t2", "\0"]
        ),
    ),
    max_size=8,
).map("\n".join)


@given(lines)
def test_R_OPS_3_any_list_is_read_whole_or_refused(text: str) -> None:
    try:
        pairs = parse_lfw_pairs(text)
    except EvaluationInvalidError:
        return
    assert len(pairs) == len([line for line in text.splitlines() if line.strip()]) - 1
    assert all(pair.first.person and pair.second.person for pair in pairs)


def test_R_OPS_3_table_of_pairs_finds_its_columns() -> None:
    deepface = "file_x,file_y,Decision\na.jpg,b.jpg,Yes\na.jpg, c.jpg ,No\n\n"
    assert parse_pair_table(deepface, "t") == [FilePair("a.jpg", "b.jpg", True), FilePair("a.jpg", "c.jpg", False)]
    other = 'score,SAME,second,first\r\n0.5,1,"y, z.jpg",x.jpg\r\n'
    assert parse_pair_table(other, "t") == [FilePair("x.jpg", "y, z.jpg", True)]
    assert is_pair_table(deepface)
    assert not is_pair_table("name,age\nx,1\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no table of pairs"),
        ("name,age\n", "no table of pairs"),
        ("file_x,file_y,Decision\n", "no pairs"),
        ("file_x,file_y,Decision\na.jpg,b.jpg\n", "line 2: the row has 2 fields"),
        ("file_x,file_y,Decision\na.jpg,b.jpg,perhaps\n", "'perhaps' is neither yes nor no"),
        ("file_x,file_y,Decision\na.jpg,,yes\n", "line 2: a file name is missing"),
        ('file_x,file_y,Decision\n"a.jpg,b.jpg,yes\n', "no CSV"),
    ],
)
def test_R_OPS_3_wrong_table_is_refused(text: str, told: str) -> None:
    with pytest.raises(EvaluationInvalidError) as refused:
        parse_pair_table(text, "pairs.csv")
    assert told in refused.value.detail


@given(st.text(alphabet=st.sampled_from('ab.,"\n\r\0é'), max_size=60))
def test_R_OPS_3_any_table_is_read_or_refused(text: str) -> None:
    with suppress(EvaluationInvalidError):
        assert parse_pair_table("first,second,same\n" + text, "t")
    is_pair_table(text)
