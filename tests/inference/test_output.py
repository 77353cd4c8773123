"""What a model may return: plain JSON alone, of a bounded size."""

import json
from enum import StrEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.inference.output import MAX_OUTPUT_BYTES, OutputError, plain_output

plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | plain_text,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(plain_text, inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(plain_text, json_values, max_size=5))
def test_R_INF_4_all_of_json_passes_unchanged_and_copied(output: dict[str, Any]) -> None:
    before = json.dumps(output)
    copied = plain_output(output)
    assert json.dumps(copied) == before
    output["later"] = 1
    assert json.dumps(copied) == before


def test_R_INF_4_subclasses_become_plain() -> None:
    class Colour(StrEnum):
        RED = "red"

    copied = plain_output({Colour.RED: (Colour.RED, np.float64(0.5), True)})
    assert copied == {"red": ["red", 0.5, True]}
    values = copied["red"]
    assert isinstance(values, list)
    assert [type(key) for key in copied] == [str]
    assert [type(value) for value in values] == [str, float, bool]


def _ring() -> dict[str, Any]:
    ring: dict[str, Any] = {}
    ring["again"] = [ring, ring]
    return ring


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ([1], "returned list where a mapping"),
        (None, "returned NoneType"),
        ({"a": {"b": [0, np.float32(1)]}}, r"output\.a\.b\[1\] is numpy\.float32"),
        ({"a": np.zeros(3)}, r"output\.a is numpy\.ndarray"),
        ({"a": float("nan")}, r"output\.a is nan"),
        ({"a": float("-inf")}, r"output\.a is -inf"),
        ({"a": b"bytes"}, "is bytes"),
        ({"a": {1, 2}}, "is set"),
        ({1: "a"}, "has the key 1, which is no text"),
        ({"a": "\ud800"}, "surrogate"),
        ({"\0": 1}, "NUL"),
        (_ring(), "nested more than|more than 200000 values"),
        ({"a": ["x" * MAX_OUTPUT_BYTES]}, "bytes as JSON"),
        ({"a": [0] * 300_000}, "more than 200000 values"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value[:20],
)
def test_R_INF_4_everything_else_is_refused_with_its_place(output: Any, told: str) -> None:
    with pytest.raises(OutputError, match=told):
        plain_output(output)
