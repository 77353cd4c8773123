"""Which ids and names are taken."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.gallery.identity import checked_metadata, checked_name, checked_person_id, person_id_from

json_texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | json_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_texts, inner, max_size=3),
    max_leaves=10,
)


@given(st.text(max_size=200))
def test_R_LIB_1_an_id_that_is_taken_survives_a_url_and_is_its_own_normal_form(text: str) -> None:
    try:
        taken = checked_person_id(text)
    except ValueError:
        return
    assert checked_person_id(taken) == taken
    assert not set(taken) & set("/\\?#% \t\n\x00")
    assert taken not in {".", ".."}
    assert 1 <= len(taken) <= 128


@pytest.mark.parametrize("text", ["张三", "a", "0", "employee-17", "x@y.z", "a:b", "محمد", "é"])
def test_R_LIB_1_ids_of_any_script_are_taken(text: str) -> None:
    assert checked_person_id(text) == unicodedata.normalize("NFC", text)


@given(st.text(min_size=1, max_size=60).filter(lambda name: "/" not in name and "\x00" not in name))
def test_R_LIB_5_every_folder_name_gives_an_id_that_is_taken(name: str) -> None:
    assert checked_person_id(person_id_from(name)) == person_id_from(name)


@given(st.text(max_size=250))
def test_R_LIB_1_names_are_trimmed_and_hold_no_control_characters(text: str) -> None:
    try:
        name = checked_name(text)
    except ValueError:
        return
    assert name == name.strip()
    assert not any(unicodedata.category(char) == "Cc" for char in name)


@given(st.dictionaries(json_texts, json_values, max_size=4))
def test_R_LIB_1_small_json_objects_are_taken_as_metadata(value: dict[str, Any]) -> None:
    assert checked_metadata(value) == value
