"""Cursors: what was encoded comes back, anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.errors import CursorInvalidError
from lianpu.http.pagination import Cursor, decode_cursor


@given(st.lists(st.text(), min_size=1, max_size=3), st.text())
def test_R_OPS_5_cursor_round_trip(key: list[str], scope: str) -> None:
    cursor = Cursor(tuple(key))
    assert decode_cursor(cursor.encode(scope), scope, len(key)) == cursor


@given(st.text())
def test_R_OPS_5_foreign_text_is_refused_as_a_cursor(text: str) -> None:
    with pytest.raises(CursorInvalidError):
        decode_cursor(text, "persons", 2)
