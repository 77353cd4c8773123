"""Names are legible in any script, and what cannot be drawn is not drawn wrongly."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import features

from lianpu.engines.lettering import Lettering

DEJAVU = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
needs_fribidi = pytest.mark.skipif(
    not features.check("raqm"), reason="FriBiDi is not installed: letters cannot be shaped"
)


@pytest.mark.parametrize(
    "name", ["Ada Lovelace", "张三", "Ελένη", "Владимир", "山田太郎", "김민준", "Zoë Ångström", "?"]
)
def test_R_STR_7_names_are_drawn_by_the_font_inside_the_wheel(name: str) -> None:
    mask = Lettering(fonts=[]).mask(name, 24)
    assert mask is not None
    assert 12 <= mask.shape[0] <= 32
    assert mask.max() > 200
    assert mask[0].any()
    assert mask[:, -1].any()


@needs_fribidi
@pytest.mark.parametrize("name", ["محمد", "שלום", "محمد Smith"])
def test_R_STR_7_scripts_from_the_right_are_shaped(name: str) -> None:
    lettering = Lettering(fonts=[DEJAVU])
    mask = lettering.mask(name, 32)
    assert mask is not None
    assert lettering.can_draw(name)


@needs_fribidi
def test_R_STR_7_arabic_letters_join() -> None:
    """Between letters that join there is no empty column; between the same ones kept apart there are several."""
    lettering = Lettering(fonts=[DEJAVU])
    joined, apart = (lettering.mask(text, 48) for text in ("محمد", "م\u200cح\u200cم\u200cد"))
    assert joined is not None
    assert apart is not None
    assert joined.any(axis=0).all()
    assert not apart.any(axis=0).all()


def test_R_STR_7_what_no_font_has_is_said_and_not_drawn() -> None:
    lettering = Lettering(fonts=[])
    for name in ("नमस्ते", "สวัสดี", "محمد", "🙂"):
        assert lettering.mask(name, 24) is None
        assert not lettering.can_draw(name)
    assert lettering.mask("  ", 24) is None


def test_R_STR_7_a_file_that_is_no_font_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert not Lettering(fonts=[tmp_path / "broken.ttf", tmp_path / "missing.ttf"]).can_draw("नमस्ते")


def test_R_STR_7_the_same_name_is_drawn_once() -> None:
    lettering = Lettering(fonts=[])
    first = lettering.mask("张三", 24)
    assert first is lettering.mask("张三", 24)
    assert first is not None
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=12), st.integers(-5, 80))
def test_R_STR_7_any_text_is_drawn_or_refused(text: str, height_px: int) -> None:
    lettering = Lettering(fonts=[DEJAVU])
    mask = lettering.mask(text, height_px)
    if mask is not None:
        assert lettering.can_draw(text)
        assert mask.dtype == np.uint8
        assert mask.ndim == 2
