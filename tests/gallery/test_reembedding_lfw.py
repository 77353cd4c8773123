"""A gallery of LFW people changes its pack while it is searched, over HTTP: the benchmark, smaller."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "reembed_lfw.py"


@pytest.mark.slow
def test_R_LIB_7_a_hundred_people_change_their_pack_and_go_back_without_a_failed_search(
    testkit: Path, tmp_path: Path
) -> None:
    sizes = ["--people", "100", "--shadow-searches", "40", "--phase-s", "1", "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--testkit", str(testkit), *sizes], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["problems"] == []
    assert figures["people"] == figures["reembedding"]["embedded"] == 100
    assert set(figures["by_pack"]) == {"foamliu", "insightface"}
    assert all(phase["named_right"] >= 0.8 for phase in figures["phases"].values() if phase["searches"] >= 10)
    assert figures["shadow"]["agreement"] >= 0.85
