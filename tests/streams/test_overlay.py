"""Drawing: names on the picture, in any script, within the picture."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lianpu.engines.lettering import Lettering
from lianpu.streams.overlay import COLOURS, Label, Tone, draw

LETTERING = Lettering(fonts=[])


def grey(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def test_R_STR_7_a_name_stands_above_its_box_in_the_colour_of_its_kind() -> None:
    picture = grey()
    drawn = draw(picture, [Label(100, 100, 180, 200, Tone.KNOWN, "张三 0.93", "p-1")], LETTERING)
    assert (picture == 90).all()
    plate = drawn[70:99, 100:180]
    assert (plate == COLOURS[Tone.KNOWN]).all(axis=-1).mean() > 0.1
    assert (plate > 240).all(axis=-1).any()
    assert np.abs(drawn[150, 100].astype(int) - COLOURS[Tone.KNOWN]).max() < 30
    assert (drawn[150, 140] == 90).all()


def test_R_STR_7_a_name_that_no_font_has_gives_way_to_the_id() -> None:
    label = Label(100, 100, 180, 200, Tone.KNOWN, "नमस्ते", "p-17")
    plain = Label(100, 100, 180, 200, Tone.KNOWN, "p-17", "")
    assert (draw(grey(), [label], LETTERING) == draw(grey(), [plain], LETTERING)).all()


def test_R_STR_7_at_the_upper_edge_the_name_stands_inside() -> None:
    drawn = draw(grey(), [Label(10, 0, 200, 120, Tone.UNKNOWN, "?", "")], LETTERING)
    assert (drawn[3:12, 10:20] == COLOURS[Tone.UNKNOWN]).any()


corners = st.floats(-400, 800)


@settings(max_examples=100, deadline=None)
@given(
    corners,
    corners,
    st.floats(0, 500),
    st.floats(0, 500),
    st.text(max_size=40),
    st.sampled_from([(20, 30), (240, 320)]),
)
def test_R_STR_7_any_box_and_text_can_be_drawn(
    left: float, top: float, width: float, height: float, text: str, size: tuple[int, int]
) -> None:
    drawn = draw(grey(*size), [Label(left, top, left + width, top + height, Tone.LOOKING, text, "id")], LETTERING)
    assert drawn.shape == (*size, 3)
