"""Plots are real pictures, the same every time, and matplotlib leaves nothing behind in anybody's home."""

import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lianpu.evaluation.plots import Plot, Plots, PlottedScores

PICTURES = ("roc", "det", "histograms", "error_rates")


@pytest.fixture(scope="session")
def plots(tmp_path_factory: pytest.TempPathFactory) -> Plots:
    return Plots(tmp_path_factory.mktemp("matplotlib"))


def scores(seed: int, *, apart: float = 0.3) -> PlottedScores:
    random = np.random.default_rng(seed)
    impostor, genuine = random.normal(0.5, 0.05, 800), random.normal(0.5 + apart, 0.06, 300)
    return PlottedScores(f"pack-{seed}@1", impostor, genuine, 0.65)


def pixels(plot: Plot) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(plot.png)).convert("RGB"))


def texts(plot: Plot) -> str:
    """matplotlib draws letters as outlines and leaves the text beside them as a comment."""
    root = ET.fromstring(plot.svg, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))
    return " ".join(node.text or "" for node in root.iter() if node.tag is ET.Comment)


@pytest.mark.parametrize("picture", PICTURES)
def test_R_OPS_3_picture_shows_both_packs_and_its_axes(plots: Plots, picture: str) -> None:
    plot: Plot = getattr(plots, picture)([scores(1), scores(2)], "A title with $ and _")
    shown = texts(plot)
    for text in ("A title with $ and _", "pack-1@1", "pack-2@1"):
        assert text in shown
    drawn = pixels(plot)
    assert drawn.shape[0] > 400
    assert (drawn[0, 0] == 255).all()
    # Ink of several colours, on paper that stays mostly white.
    assert 0.5 < (drawn == 255).all(axis=2).mean() < 0.99
    assert len(plot.svg) < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("picture", PICTURES)
def test_R_OPS_3_same_scores_make_the_same_bytes(plots: Plots, picture: str) -> None:
    first: Plot = getattr(plots, picture)([scores(1)], "t")
    second: Plot = getattr(plots, picture)([scores(1)], "t")
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize("picture", PICTURES)
def test_R_OPS_3_perfect_and_tiny_sets_are_drawn_too(plots: Plots, picture: str) -> None:
    tiny = PlottedScores("tiny", np.array([0.1, 0.2]), np.array([0.9]), None)
    same = PlottedScores("same", np.full(5, 0.5), np.full(5, 0.5), 0.5)
    for packs in ([scores(1, apart=10)], [tiny], [same], [tiny, same]):
        assert pixels(getattr(plots, picture)(packs, "t")).size


def test_R_LIB_8_impostors_alone_are_drawn(plots: Plots) -> None:
    alone = PlottedScores("gallery", scores(1).impostor, threshold=0.7)
    histogram, rates = plots.histograms([alone], "t"), plots.error_rates([alone], "t")
    assert "threshold 0.700" in texts(histogram)
    assert "genuine" not in texts(histogram)
    assert "false-match rate" in texts(rates)
    assert "non-match" not in texts(rates)


@pytest.mark.slow
def test_R_OPS_3_drawing_writes_into_its_own_folder_alone_and_leaves_the_environment(tmp_path: Path) -> None:
    script = (
        "import os, sys, numpy as np; from pathlib import Path\n"
        "from lianpu.evaluation.plots import Plots, PlottedScores\n"
        "assert 'matplotlib' not in sys.modules\n"
        "before = dict(os.environ)\n"
        "Plots(Path('cache')).roc([PlottedScores('p', np.array([.1, .2]), np.array([.8]))], 't')\n"
        "assert dict(os.environ) == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    (tmp_path / "home").mkdir()
    # A file of that name in the working folder would be matplotlib's configuration.
    (tmp_path / "matplotlibrc").write_text("figure.dpi: 7\naxes.facecolor: black\n")
    environment = {"HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home"), "PATH": ""}
    subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=tmp_path, env=environment, check=True)
    assert list((tmp_path / "home").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "home", "matplotlibrc"]
