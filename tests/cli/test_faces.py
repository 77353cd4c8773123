"""R-LIB-5: many photos and many persons from the command line."""

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from lianpu.cli.photo_folder import SharedIdError, photos_of
from lianpu.cli.photo_uploads import Photo, packed, problem_of, uploads_of
from lianpu.storage.archive import ArchiveLimits, list_entries, read_entries
from tests.cli.conftest import Lianpu


@pytest.fixture
def archive(tmp_path: Path, portraits: list[bytes]) -> Path:
    """Two persons, and a photo that is none."""
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w") as photos:
        for name, photo in (("Ada/1.jpg", portraits[0]), ("Ada2/1.jpg", portraits[1]), ("Eve/1.jpg", b"no photo")):
            photos.writestr(name, photo)
    return path


def test_R_LIB_5_an_archive_is_enrolled_and_persons_deleted(lianpu: Lianpu, home: Path, archive: Path) -> None:
    done = lianpu("enroll", archive, "--home", home)
    assert (done.code, done.out) == (1, "2 added, 0 known already, 1 refused\n"), done.err
    assert "Eve/1.jpg: " in done.err
    assert "[image_format_unsupported]" in done.err
    assert "lianpu jobs retry" in done.err
    gone = lianpu("faces", "delete", "Ada2", "nobody", "--yes", "--home", home)
    assert (gone.code, "Ada2: 1 images deleted, nothing is left" in gone.out) == (1, True)
    assert "nobody: not found" in gone.err


@pytest.mark.slow
def test_R_LIB_5_an_archive_is_tried_and_its_persons_put_in_order(lianpu: Lianpu, home: Path, archive: Path) -> None:
    dry = lianpu("enroll", archive, "--dry-run", "--home", home)
    assert (dry.code, dry.out) == (1, "2 would be added, 0 known already, 1 refused\n"), dry.err
    assert json.loads(lianpu("faces", "list", "--json", "--home", home).out) == []
    assert lianpu("enroll", archive, "--home", home).out == "2 added, 0 known already, 1 refused\n"
    skipped = lianpu("enroll", archive, "--on-existing", "skip", "--home", home)
    assert skipped.out == "0 added, 0 known already, 1 refused, 2 skipped\n"
    shown = lianpu("faces", "list", "--name", "ada2", "--home", home).out
    assert "Ada2" in shown
    assert "dlib@1" in shown
    [image] = json.loads(lianpu("faces", "show", "Ada", "--json", "--home", home).out)["images"]
    moved = lianpu("faces", "move", "Ada", image["image_id"], "--to", "Ada2", "--delete-empty", "--home", home)
    assert moved.out == "The image is Ada2's (Ada2). Ada had no other image and is removed.\n"
    assert "[person_not_found]" in lianpu("faces", "show", "Ada", "--home", home).err
    lines = lianpu("faces", "show", "Ada2", "--home", home).out.splitlines()
    assert lines[0] == "Ada2  Ada2  dlib@1"
    assert len(lines) == 3
    assert sum(line.endswith("  primary") for line in lines) == 1
    new = lianpu("faces", "move", "Ada2", image["image_id"], "--new", "Ada", "--home", home)
    person = new.out.rpartition("(")[2].partition(")")[0]
    merged = lianpu("faces", "merge", "Ada2", person, "--yes", "--home", home)
    assert merged.out == "1 images moved, 0 duplicates dropped.\n"


def test_R_LIB_5_a_folder_is_sent_as_an_archive_with_a_manifest(people: Path, tmp_path: Path) -> None:
    strange = ["12:30 \\ 正面.jpg", "a.jpg", "C:"]
    for name in strange[:2]:
        (people / "Li Si" / strange[2]).mkdir(parents=True, exist_ok=True)
        (people / "Li Si" / strange[2] / name).write_bytes(name.encode())
    (people / "Li Si" / ".thumbs").mkdir()
    (people / "Li Si" / ".thumbs" / "1.jpg").write_bytes(b"hidden")
    photos = photos_of(people)
    path = tmp_path / "upload"
    gone = photos[0]
    gone.path.unlink()
    refused: list[Photo] = []
    path.write_bytes(_sent(photos, refused))
    assert refused == [gone]
    limits = ArchiveLimits(max_items=100, max_item_bytes=10**7, max_total_bytes=10**8, max_ratio=100)
    sent = {entry.name: content for entry, content in read_entries(path, _names(path, limits), limits)}
    entries = json.loads(bytes(sent.pop("manifest.json")))  # type: ignore[arg-type]
    assert {entry["file"] for entry in entries} == set(sent) == {photo.file for photo in photos[1:]}
    assert sent["Li Si/C:/12:30 _ 正面.jpg"] == strange[0].encode()
    said = {entry["file"]: (entry["person_id"], entry["name"]) for entry in entries}
    # Whatever lies between: the folder beside the other persons' is the person.
    assert said["Eileen Collins/nasa/astronaut.png"] == ("Eileen_Collins", "Eileen Collins")
    assert said["张三/正面 1.JPG"] == ("张三", "张三")
    with tarfile.open(path) as archive:  # other tools can read it, too
        assert len(archive.getmembers()) == len(photos)


def test_R_LIB_5_what_cannot_be_sent_is_told_before(tmp_path: Path) -> None:
    photos = [Photo(name, tmp_path / f"{name}.jpg", f"{name}/1.jpg", 100) for name in ("ada", "batch", "n" * 201)]
    assert problem_of(photos[0], 100) is None
    assert problem_of(photos[0], 99) == "has 100 bytes; at most 99 are taken"
    assert all("cannot be a person's name or id" in (problem_of(photo, 100) or "") for photo in photos[1:])
    many = photos[:1] * 7
    assert [len(part) for part in uploads_of(many, 3, 10**6)] == [3, 3, 1]
    assert [len(part) for part in uploads_of(many, 100, 5000)] == [2, 2, 2, 1]
    assert [len(part) for part in uploads_of(many, 100, 1)] == [1] * 7
    for name in ("a b", "a_b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"x")
    with pytest.raises(SharedIdError, match="would both get the id 'a_b'"):
        photos_of(tmp_path)


def _sent(photos: list[Photo], refused: list[Photo]) -> bytes:
    import asyncio

    async def collect() -> bytes:
        return b"".join([part async for part in packed(photos, lambda photo, _: refused.append(photo))])

    return asyncio.run(collect())


def _names(path: Path, limits: ArchiveLimits) -> set[str]:
    return {entry.name for entry in list_entries(path, limits)}
