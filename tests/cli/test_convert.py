"""`lianpu models convert` where it converts nothing; what it makes: tests/packs/test_converting.py."""

import hashlib
import sys
from pathlib import Path

import pytest

from tests.archives import zipped
from tests.cli.conftest import Lianpu


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """As torch.save writes them, as far as can be seen without reading the pickle."""
    path = tmp_path / "RealNet_x4.pth"
    path.write_bytes(zipped({"RealNet_x4/data.pkl": b"\x80\x02}.", "RealNet_x4/version": b"3"}))
    return path


def test_R_ENH_3_without_the_extra_the_command_says_how_to_install_it(
    lianpu: Lianpu, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    told = lianpu("models", "convert", weights, "--output", tmp_path / "pack")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("error [converter_missing]: ")
    assert "lianpu[convert]" in told.err
    assert "uv sync --inexact --no-dev --extra convert" in told.err
    assert len(told.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".pth"] == []


def test_R_ENH_3_what_is_no_weights_is_told_whatever_is_installed(lianpu: Lianpu, tmp_path: Path) -> None:
    (tmp_path / "photo.pth").write_bytes(b"\xff\xd8\xff\xe0 a photo")
    told = lianpu("models", "convert", tmp_path / "photo.pth", "--output", tmp_path / "pack")
    assert told.code == 1
    assert told.err.startswith("error [weights_unusable]: photo.pth holds no weights: ")
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--name", "Real Net"), "[pack_invalid]: 'Real Net' is no name of a pack"),
        (("--name", "realesrgan-x4plus"), "[pack_invalid]: 'realesrgan-x4plus' is the name of an embedded pack"),
        (("--version", "a b"), "[pack_invalid]: 'a b' is no version of a pack"),
    ],
)
def test_R_ENH_3_a_name_that_does_not_go_is_told_before_anything_is_read(
    lianpu: Lianpu, weights: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = lianpu("models", "convert", weights, "--output", tmp_path / "pack", *arguments)
    assert done.code == 1
    assert told in done.err


def test_R_ENH_3_the_terms_of_weights_that_the_catalogue_knows_are_not_changed(
    lianpu: Lianpu, weights: Path, tmp_path: Path
) -> None:
    catalogue = tmp_path / "ours.toml"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    catalogue.write_text(
        f'[[packs]]\nname = "real"\nversion = "4"\nfamily = "upscale"\n'
        f'licence = {{ id = "LicenseRef-Theirs", commercial = false, acceptance = true }}\n'
        f'[[packs.files]]\npath = "{weights.name}"\nsha256 = "{digest}"\n'
    )
    (tmp_path / "lianpu.yaml").write_text(f"packs:\n  catalogue: [{catalogue.as_posix()}]\n")
    done = lianpu("models", "convert", weights, "--output", tmp_path / "pack", "--licence", "MIT")
    assert done.code == 1
    assert "is a file of real@4, whose terms (LicenseRef-Theirs) --licence cannot change" in done.err


def test_R_ENH_3_neither_a_folder_that_is_there_nor_an_odd_tile_is_taken(
    lianpu: Lianpu, weights: Path, tmp_path: Path
) -> None:
    there = lianpu("models", "convert", weights, "--output", tmp_path)
    assert there.code == 2
    assert "is there already" in there.err
    odd = lianpu("models", "convert", weights, "--output", tmp_path / "pack", "--tile", "100")
    assert odd.code == 2
    assert "multiple of 16" in odd.err
