"""R-ENH 8: `lianpu enhance`: a photo, a folder and an archive, through the same API."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from tests.api.enhance.conftest import jpeg
from tests.archives import zipped
from tests.cli.conftest import Lianpu

PLAIN = ("--restorer", "none", "--upscaler", "lanczos")
pytestmark = pytest.mark.timeout(600)


def size_of(path: Path) -> tuple[int, int]:
    with PillowImage.open(path) as photo:
        return photo.size


def test_R_ENH_8_a_photo_a_folder_and_an_archive(lianpu: Lianpu, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "旅行").mkdir(parents=True)
    (folder / "旅行" / "海边.jpg").write_bytes(jpeg(1))
    (folder / "top.png").write_bytes(jpeg(2, suffix=".png"))
    (folder / "notes.txt").write_text("no photo")
    (folder / "broken.jpg").write_bytes(jpeg(3)[:300])

    single = lianpu("enhance", folder / "top.png", tmp_path / "one.png", "--level", "3", *PLAIN, "--home", home)
    assert single.code == 0, single.err
    assert size_of(tmp_path / "one.png") == (240, 160)
    again = lianpu("enhance", folder / "top.png", tmp_path / "one.png", *PLAIN, "--home", home)
    assert again.code == 2
    assert "--overwrite" in again.err

    many = lianpu("enhance", folder, tmp_path / "out", *PLAIN, "--home", home)
    assert many.code == 1
    assert "broken.jpg" in many.err
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["top.png", "旅行/海边.jpg"]
    assert size_of(tmp_path / "out" / "旅行" / "海边.jpg") == (120, 80)

    archive = tmp_path / "photos.zip"
    archive.write_bytes(zipped({"a/1.jpg": jpeg(4), "a/2.txt": b"x"}))
    packed = lianpu("enhance", archive, tmp_path / "better.zip", *PLAIN, "--home", home)
    assert packed.code == 1
    assert "a/2.txt" in packed.err
    with zipfile.ZipFile(io.BytesIO((tmp_path / "better.zip").read_bytes())) as result:
        assert sorted(result.namelist()) == ["a/1.jpg", "enhancement-report.json", "failed-files.txt"]


@pytest.mark.parametrize("name", ["photo.gif", "empty.jpg"])
def test_R_ENH_8_what_is_no_photo_is_told(lianpu: Lianpu, home: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"" if name == "empty.jpg" else b"GIF89a" + bytes(50))
    told = lianpu("enhance", tmp_path / name, tmp_path / "out.jpg", *PLAIN, "--home", home)
    assert told.code == 1
    assert "[image_" in told.err
    assert not (tmp_path / "out.jpg").exists()
