"""R-OPS 3: `lianpu bench` measures without a server, prints a table or the report, and `--tune` shows in `doctor`."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Lianpu

pytestmark = pytest.mark.slow


def test_R_OPS_3_bench_prints_what_this_machine_does(lianpu: Lianpu, home: Path) -> None:
    done = lianpu("bench", "--quick", "--home", home)
    assert done.code == 0, done.err
    assert "pack dlib@1 on cpu" in done.out
    for unit in ("faces/s", "searches/s", "streams", "enhancements/min"):
        assert unit in done.out
    assert "the gallery holds no face of this pack yet" in done.out
    assert "100,000 embeddings" in done.out
    assert "No ratio to insightface: it runs SCRFD and ArcFace networks" in done.out
    assert "leave out --quick" in done.out


# The largest upscaler is run by each runtime in turn.
@pytest.mark.timeout(600)
def test_R_SWP_6_tuning_is_shown_by_doctor_and_the_report_by_json(lianpu: Lianpu, home: Path) -> None:
    assert "were measured" not in lianpu("doctor", "--home", home).out
    done = lianpu("bench", "--quick", "--tune", "--json", "--home", home)
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["settings"]["pack"] == "dlib@1"
    assert "networks that were measured on" in report["settings"]["cpu_reason"]
    assert "networks that were measured on" in lianpu("doctor", "--home", home).out
