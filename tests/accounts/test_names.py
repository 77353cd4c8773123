"""Names: what may be one, and which two are the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.accounts.models import NAME_KEY_MAX_CHARS, NAME_MAX_CHARS
from lianpu.accounts.names import checked_name, name_key


@given(st.text(max_size=80))
def test_R_ACC_1_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = checked_name(text)
    except ValueError:
        return
    assert 1 <= len(name) <= NAME_MAX_CHARS
    assert name == name.strip()
    assert 1 <= len(name_key(name)) <= NAME_KEY_MAX_CHARS
    assert not any(unicodedata.category(char).startswith("C") for char in name)
    assert name_key(name) == name_key(name_key(name))
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["ada", "张三", "O'Brien", "محمد", "ada@example.org", "Ada Lovelace", "é", "x" * 64])
def test_R_ACC_1_names_of_any_script(name: str) -> None:
    assert checked_name(f" {name} ") == unicodedata.normalize("NFC", name)


BLANK = ("", "   ", "\u3164", "\u2800")
WITH_CONTROLS = ("a\tb", "a\0b", "a\nb", "a\u200bb", "a\u202eb", "a\u00adb", "a\ufe0f", "\ud800")


@pytest.mark.parametrize("name", [*BLANK, *WITH_CONTROLS, "x" * 65, "\ufdfa" * 64], ids=ascii)
def test_R_ACC_1_names_that_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must"):
        checked_name(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "aDA"),
        ("Straße", "STRASSE"),
        ("ﬁona", "fiona"),
        ("Ａｄａ", "ada"),
        ("e\u0301va", "éva"),
        ("a  b", "A b"),
    ],
)
def test_R_ACC_1_names_that_look_the_same_are_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_R_ACC_1_other_names_are_others() -> None:
    assert len({name_key(name) for name in ("ada", "adá", "ad a", "张三", "張三")}) == 5
