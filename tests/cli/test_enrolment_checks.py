"""Warnings of enrolment and liveness, as commands print them."""

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Lianpu


@pytest.fixture
def one_person_twice(testkit: Path, tmp_path: Path) -> Path:
    """Two folders, two names, one face; and a face turned far away under a third."""
    photos = sorted((testkit / "images/lfw_small/Abdoulaye_Wade").iterdir())
    turned = testkit / "images/pose_rotate/pose/left_face.jpeg"
    for name, photo in (("Wade", photos[0]), ("Double", photos[1]), ("Turned", turned)):
        (tmp_path / "people" / name).mkdir(parents=True)
        shutil.copy(photo, tmp_path / "people" / name)
    return tmp_path / "people"


def test_R_LIB_9_enroll_prints_warnings_or_refuses_by_mode(lianpu: Lianpu, home: Path, one_person_twice: Path) -> None:
    done = lianpu("enroll", one_person_twice, "--home", home, "--conflict-mode", "reject", "--quality-mode", "reject")
    assert (done.code, done.out) == (1, "1 added, 0 known already, 2 refused\n")
    refusals = [
        line for line in done.err.splitlines() if line.endswith((" [quality_too_low]", " [enrolment_conflict]"))
    ]
    assert len(refusals) == 2, done.err
    turned, other = sorted(refusals, key=lambda line: "left_face" not in line)
    assert "left_face.jpeg: The face is not good enough: yaw" in turned
    assert turned.endswith(" [quality_too_low]")
    assert other.endswith(" [enrolment_conflict]")
    done = lianpu("enroll", one_person_twice, "--home", home, "--conflict-mode", "warn", "--quality-mode", "warn")
    assert (done.code, done.out) == (0, "2 added, 1 known already, 0 refused\n")
    assert done.err.count("warning: yaw in degrees is ") == 1
    assert done.err.count("warning: looks like ") == 1


def test_R_LIB_10_recognition_prints_liveness_where_it_is_on(
    lianpu: Lianpu, home: Path, testkit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = sorted((testkit / "models/antispoof").glob("*.onnx"))
    done = lianpu("models", "import", "--home", home, "--liveness", networks[0], "--liveness", networks[1])
    assert done.code == 0, done.err
    assert "minifasnet@1 is installed (Apache-2.0; commercial use: yes)" in done.out
    monkeypatch.setenv("LIANPU_LIVENESS__MODE", "observe")
    assert "liveness mode observe, pack minifasnet" in lianpu("doctor", "--home", home).out
    monkeypatch.setenv("LIANPU_LIVENESS__PACK", "dlib")
    assert "'dlib' is no pack that can judge" in lianpu("doctor", "--home", home).out
    monkeypatch.delenv("LIANPU_LIVENESS__MODE")
    monkeypatch.delenv("LIANPU_LIVENESS__PACK")
    live, fake = (testkit / f"images/antispoof/image_{name}.jpg" for name in ("T1", "F2"))
    observe, enforce = (("--home", home, "--liveness-mode", mode) for mode in ("observe", "enforce"))
    assert ", not live (0.00)" in lianpu("detect", fake, *observe).out
    assert "not live: matches no one" in lianpu("search", fake, *enforce).out
    compared = lianpu("compare", live, fake, *observe).out
    assert "first photo, live (1.00)" in compared
    assert "second photo, not live (0.00)" in compared
