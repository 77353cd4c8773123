"""`lianpu calibrate` and `lianpu gallery health` on a gallery of made-up people."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from lianpu.bootstrap import open_platform
from lianpu.settings import load_settings
from tests.api.synthetic import add_people
from tests.cli.conftest import Lianpu


@pytest.fixture
def gallery(home: Path) -> Path:
    """Twelve people by the embedded pack; two of them are one."""
    random = np.random.default_rng(8)
    people = {f"p{number:02d}": 0.08 * random.normal(size=(2, 128)) for number in range(12)}
    for images in people.values():
        images[1] = images[0] + 0.01 * random.normal(size=128)
    people["p01"] = people["p00"] + 0.02 * random.normal(size=(2, 128))

    async def fill() -> None:
        settings = load_settings({"home": str(home)}, environment={}, folder=home).settings
        async with open_platform(settings, runs_jobs=False) as platform:
            vectors = {name: images.astype(np.float32) for name, images in people.items()}
            await add_people(platform, "dlib", vectors)

    asyncio.run(fill())
    return home


def test_R_LIB_8_calibrate_prints_a_table_writes_plots_and_sets_the_threshold(
    lianpu: Lianpu, gallery: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "calibration"
    done = lianpu("calibrate", "--home", gallery, "--fmr", "0.02", "--output", folder, "--apply")
    assert done.code == 0, done.err
    assert "12 people, 24 images" in done.out
    assert "proposed 0.02" in done.out
    assert "With 12 people no false-match rate below" in done.out
    assert "look alike: P00 and P01" in done.out
    report = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
    assert (folder / "histogram.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (folder / "error_rates.svg").read_bytes()
    again = json.loads(lianpu("calibrate", "--home", gallery, "--json").out)
    (of_gallery,) = [row for row in again["thresholds"] if row["kind"] == "gallery"]
    assert of_gallery["threshold"] == pytest.approx(report["proposed"]["threshold"])
    refused = lianpu("calibrate", "--home", gallery, "--fmr", "1.5")
    assert (refused.code, "validation_failed" in refused.err) == (1, True)


def test_R_LIB_8_calibrate_shows_a_threshold_that_every_distance_reaches(lianpu: Lianpu, gallery: Path) -> None:
    async def set_to_zero() -> None:
        settings = load_settings({"home": str(gallery)}, environment={}, folder=gallery).settings
        async with open_platform(settings, runs_jobs=False) as platform:
            await platform.gallery.insights.set_threshold("dlib", 0.0)

    asyncio.run(set_to_zero())
    done = lianpu("calibrate", "--home", gallery)
    assert done.code == 0, done.err
    (row,) = [line for line in done.out.splitlines() if "gallery" in line]
    assert "∞" in row


def test_R_LIB_9_health_lists_what_is_wrong_and_dismisses_it(lianpu: Lianpu, gallery: Path) -> None:
    done = lianpu("gallery", "health", "--home", gallery)
    assert done.code == 0, done.err
    assert "[high] duplicate persons" in done.out
    assert "'P00' and 'P01'" in done.out
    (finding,) = json.loads(lianpu("gallery", "health", "--last", "--json", "--home", gallery).out)["report"][
        "findings"
    ]
    mended = lianpu("gallery", "health", "--apply", f"{finding['finding_id']}=dismiss", "--home", gallery)
    assert mended.code == 0, mended.err
    assert "Nothing is wrong." in mended.out
    assert "1 finding(s) were dismissed." in mended.out
