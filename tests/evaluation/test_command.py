"""`lianpu evaluate`: what people see, what scripts read, and how every bad input is refused."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Done, environment, lianpu  # noqa: F401
from tests.evaluation.conftest import PACK

Run = Callable[..., Done]
Write = Callable[[dict[str, bytes | str]], Path]


@pytest.fixture
def run(lianpu: Callable[..., Done], kit_home: Path) -> Run:  # noqa: F811
    def call(*arguments: str | Path) -> Done:
        return lianpu("evaluate", *arguments, "--pack", PACK, "--home", kit_home)

    return call


def test_R_OPS_3_evaluate_prints_writes_and_draws(run: Run, few_people: Path, tmp_path: Path) -> None:
    before = sorted(few_people.rglob("*"))
    done = run(few_people, "--face", "central", "--output", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report == json.loads((tmp_path / "out/report.json").read_text())
    assert (report["protocol"], report["face_choice"]) == ("folder", "central")
    assert (report["images"], report["persons"], report["genuine_pairs"], report["impostor_pairs"]) == (20, 10, 10, 180)
    (pack,) = report["packs"]
    assert (pack["pack"], pack["version"], pack["miss_rate"], pack["auc"]) == ("kit", "1", 0.0, 1.0)
    assert pack["best_threshold"]["raw"] == pytest.approx(2 * pack["best_threshold"]["score"] - 1)
    assert pack["tar_at_far"][3] == {
        "far": 1e-4,
        "tar": None,
        "reason": "180 impostor pairs cannot show a rate below 1 in 180",
    }
    assert sum(pack["histogram"]["impostor"]) == 180
    assert (pack["curve"]["fmr"][0], pack["curve"]["fmr"][-1]) == (1.0, 0.0)
    pictures = {path.name for path in (tmp_path / "out").iterdir()} - {"report.json"}
    assert pictures == {
        f"{stem}.{form}" for stem in ("roc", "det", "histograms", "error_rates") for form in ("png", "svg")
    }
    assert sorted(few_people.rglob("*")) == before


def test_R_OPS_3_evaluate_shows_a_table(run: Run, few_people: Path) -> None:
    done = run(few_people, "--limit", "3")
    assert done.code == 0, done.err
    assert "6 images of 3 persons, 3 genuine and 12 impostor pairs" in done.out
    for shown in ("kit@1", "images without a face", "0 (0.00%)", "identified at rank 1", "too few pairs"):
        assert shown in done.out


def _damaged(folder: Path) -> Path:
    path = folder / "damaged.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pairs.txt", "1\nAda\t1\t2\nAda\t1\tBen\t1\n")
    path.write_bytes(path.read_bytes()[:-30])
    return path


def test_R_OPS_5_bad_input_has_its_code(run: Run, write: Write, few_people: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    cases = [
        ((tmp_path / "nowhere",), "evaluation_invalid", "There is no folder or archive"),
        ((empty,), "evaluation_invalid", "PERSON/photo.jpg"),
        ((few_people, "--protocol", "lfw"), "evaluation_invalid", "holds no pairs.txt"),
        ((few_people, "--protocol", "pairs"), "evaluation_invalid", "holds no table of pairs"),
        ((write({"pairs.txt": "1\nA\t1\n"}),), "evaluation_invalid", "announces 1 × 2 × 1 pairs"),
        ((_damaged(tmp_path),), "archive_damaged", "no readable zip or tar"),
        ((few_people, "--pack", "kitt"), "pack_not_found", "Did you mean 'kit'?"),
    ]
    for arguments, code, told in cases:
        done = run(*arguments)
        assert done.code == 1, arguments
        assert done.err.startswith(f"error [{code}]: ")
        assert told in done.err
        assert done.out == ""
    for option in ("--protocol", "--face"):
        assert run(few_people, option, "other").code == 2
