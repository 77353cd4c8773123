"""What may stand in an entry, and what every database keeps of it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.audit.audit import UPKEEP_S
from lianpu.audit.entry import ITEMS_MAX, Outcome
from lianpu.audit.gathering import ALONE, WINDOW_S
from lianpu.http.audited import Action
from tests.audit.tampering import search_by

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats() | st.text(),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3),
    max_leaves=5,
)


@given(st.text(), st.text(), st.dictionaries(st.text(max_size=5), VALUES.filter(lambda one: _depth(one) < 4)))
def test_R_ACC_4_any_text_can_be_stored(target: str, client: str, detail: dict[str, Any]) -> None:
    entry = replace(search_by(), target=target, client=client, request_id=client, detail=detail)
    cleaned = entry.cleaned()
    text = json.dumps([cleaned.target, cleaned.client, cleaned.request_id, cleaned.detail], ensure_ascii=False)
    assert "\0" not in text.encode().decode()
    assert json.loads(text)[3] == cleaned.detail
    assert cleaned.target is not None
    assert len(cleaned.target) <= 255
    assert len(cleaned.client) <= 64
    assert cleaned.cleaned() == cleaned


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(one) for one in inner), default=0)


@pytest.mark.parametrize(
    "value",
    [b"\xff\xd8\xff", bytearray(b"x"), memoryview(b"x"), np.zeros(128, np.float32), np.float32(0.5), object(), {1, 2}],
    ids=lambda value: type(value).__name__,
)
def test_R_ACC_4_image_content_and_vectors_are_refused(value: object) -> None:
    for detail in (value, [value], {"x": value}):
        with pytest.raises(TypeError, match="no place in the audit log"):
            search_by(of=detail).cleaned()


def test_R_ACC_4_long_lists_say_that_they_were_cut() -> None:
    cleaned = search_by(ids=[str(number) for number in range(ITEMS_MAX + 5)]).cleaned()
    ids = cleaned.detail["ids"]
    assert isinstance(ids, list)
    assert (len(ids), ids[0], ids[-1]) == (ITEMS_MAX + 1, "0", "and 5 more")


@pytest.mark.parametrize(
    ("outcome", "statuses"),
    [("ok", (200, 204, 304)), ("refused", (401, 403, 429)), ("failed", (400, 404, 409, 422, 500, 503))],
)
def test_R_ACC_4_outcome_follows_the_status(outcome: str, statuses: tuple[int, ...]) -> None:
    assert {Outcome.of(status) for status in statuses} == {outcome}


def test_R_ACC_4_documentation_names_every_action() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    rows = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert sorted(re.findall(r"`(\w+\.\w+)`", rows)) == sorted(action.value for action in Action)


def test_R_ACC_4_documented_limits_are_the_real_ones() -> None:
    assert (ALONE, UPKEEP_S, WINDOW_S) == (10, 30.0, 60.0)
