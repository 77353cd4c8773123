"""R-LIB 5: people of another system: a folder, a table, a running CompreFace; said first, and nothing twice."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from lianpu.cli.compreface_source import CompreFaceSource, CompreFaceUnreachableError, portions
from lianpu.engines.image import encode_jpeg
from tests.cli.compreface_server import KEY, ROOT, FakeCompreFace, serving
from tests.cli.conftest import Lianpu


@pytest.fixture
def table(tmp_path: Path, portraits: Sequence[bytes], blank: bytes) -> Path:
    """Two persons with three photos, a photo without a face, and a line that cannot be used."""
    folder = tmp_path / "old system"
    (folder / "photos").mkdir(parents=True)
    for number, photo in enumerate([*portraits[:3], blank]):
        (folder / "photos" / f"{number}.jpg").write_bytes(photo)
    text = (
        "工号,姓名,照片,部门\n1,张三,photos/0.jpg,研发部\n2,李四,photos/1.jpg,市场部\n2,李四,photos/2.jpg,\n"
        "3,王五,photos/3.jpg,\n4,赵六,../gone.jpg,\n"
    )
    (folder / "people.csv").write_bytes(text.encode("gbk"))
    return folder / "people.csv"


@pytest.fixture
def blank() -> bytes:
    return encode_jpeg(np.full((200, 200, 3), 90, dtype=np.uint8), quality=90)


@pytest.fixture
def compreface(portraits: Sequence[bytes]) -> Iterator[FakeCompreFace]:
    subjects = {
        "张 三": {"00000000-aaaa": portraits[0], "00000000-bbbb": portraits[1]},
        "Ada": {"00000000-cccc": portraits[2]},
        "Nobody": {},
    }
    with serving(FakeCompreFace(subjects)) as server:
        yield server


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(KEY + "\n")
    return tmp_path / "key"


def gallery(lianpu: Lianpu, home: Path) -> dict[str, tuple[str, int, dict[str, str]]]:
    """Name, number of images and metadata by id."""
    persons = json.loads(lianpu("faces", "list", "--json", "--home", home).out)
    return {one["person_id"]: (one["name"], one["image_count"], one["metadata"]) for one in persons}


@pytest.mark.slow
def test_R_LIB_5_a_table_is_said_first_then_imported_and_nothing_twice(lianpu: Lianpu, home: Path, table: Path) -> None:
    done = lianpu("import", "people", table, "--home", home, "--dry-run")
    assert (done.code, done.out) == (1, "3 would be added, 0 known already, 2 refused\n")
    told = [line for line in done.err.splitlines() if line.startswith("line ")]
    assert told[0] == f"line 6: its image '../gone.jpg' lies outside {table.parent}"
    assert told[1].startswith("line 5 (3.jpg): No face was found")
    assert f"{table} is read as gb18030" in done.err
    assert gallery(lianpu, home) == {}

    done = lianpu("import", "people", table, "--home", home, "--strict")
    assert (done.code, done.out) == (1, "")
    assert "2 would be refused: nothing is imported" in done.err
    assert gallery(lianpu, home) == {}

    done = lianpu("import", "people", table, "--home", home)
    assert (done.code, done.out) == (1, "3 added, 0 known already, 2 refused\n")
    persons = {"1": ("张三", 1, {"部门": "研发部"}), "2": ("李四", 2, {"部门": "市场部"})}
    assert gallery(lianpu, home) == persons
    done = lianpu("import", "people", table, "--home", home)
    assert done.out == "0 added, 3 known already, 2 refused\n"
    assert gallery(lianpu, home) == persons


def test_R_LIB_5_a_folder_is_imported_as_enroll_does(lianpu: Lianpu, home: Path, table: Path) -> None:
    people = table.parent / "people"
    for number, name in enumerate(("Ada", "Ben")):
        (people / name).mkdir(parents=True)
        (table.parent / "photos" / f"{number}.jpg").rename(people / name / "1.jpg")
    done = lianpu("import", "people", people, "--home", home)
    assert (done.code, done.out) == (0, "2 added, 0 known already, 0 refused\n")
    assert set(gallery(lianpu, home)) == {"Ada", "Ben"}
    done = lianpu("enroll", people, "--home", home)
    assert (done.code, done.out) == (0, "0 added, 2 known already, 0 refused\n")


def test_R_LIB_5_what_is_no_source_is_said(lianpu: Lianpu, home: Path, table: Path) -> None:
    for arguments, message in (
        (("nowhere",), "There is no folder and no file nowhere"),
        (("compreface",), "needs the address of one"),
        ((table, "http://x"), "nothing else has an address"),
        ((table, "--column", "colour=Farbe"), "a field is one of person_id, name, image, face_index"),
        ((table, "--column", "name=Nome"), "has no column 'Nome'"),
    ):
        done = lianpu("import", "people", *arguments, "--home", home)
        assert done.code != 0
        assert message in done.err.replace("\n", " ").replace("│ ", "").replace("  ", " "), done.err


@pytest.mark.slow
def test_R_LIB_5_subjects_of_a_running_compreface_are_imported(
    lianpu: Lianpu, home: Path, compreface: FakeCompreFace, key_file: Path
) -> None:
    arguments = ("import", "people", "compreface", compreface.url, "--api-key-file", key_file, "--home", home)
    done = lianpu(*arguments, "--dry-run")
    assert (done.code, done.out) == (0, "3 would be added, 0 known already, 0 refused\n"), done.err
    assert "1 subjects have no photo and are left out" in done.err
    assert gallery(lianpu, home) == {}
    done = lianpu(*arguments)
    assert (done.code, done.out) == (0, "3 added, 0 known already, 0 refused\n"), done.err
    assert gallery(lianpu, home) == {"张_三": ("张 三", 2, {}), "Ada": ("Ada", 1, {})}
    compreface.subjects["Ada"]["00000000-dddd"] = b""
    done = lianpu(*arguments)
    assert (done.code, done.out) == (1, "0 added, 3 known already, 1 refused\n")
    assert "Ada, image 00000000-dddd: CompreFace has no photo of it (HTTP 200)" in done.err


def fetched(url: str) -> tuple[list[str], list[str]]:
    """Names of the photos that come from there, and why others do not."""
    refused: list[str] = []

    async def fetch() -> list[str]:
        source = CompreFaceSource(url, KEY, max_photo_bytes=10**6)
        try:
            await source.subjects()
            told = portions(source, lambda _, reason: refused.append(reason), max_photos=2, max_bytes=10**6)
            return [photo.file async for portion in told for photo in portion]
        finally:
            await source.aclose()

    return asyncio.run(fetch()), refused


def test_R_LIB_5_nobody_but_the_named_host_is_asked(compreface: FakeCompreFace, portraits: Sequence[bytes]) -> None:
    assert fetched(compreface.url) == (["00000000-aaaa.jpg", "00000000-bbbb.jpg", "00000000-cccc.jpg"], [])
    with serving(FakeCompreFace({})) as other:
        path = f"{ROOT}/faces/00000000-cccc/img"
        compreface.redirects = {path: f"{other.url}{path}"}
        with pytest.raises(CompreFaceUnreachableError, match="another server than was named"):
            fetched(compreface.url)
        assert other.asked == []
    # To itself it may.
    compreface.redirects = {f"{ROOT}/faces": f"{compreface.url}{ROOT}/elsewhere"}
    with pytest.raises(CompreFaceUnreachableError, match="faces answers with 200: nothing of CompreFace"):
        fetched(compreface.url)
    assert compreface.asked[-1] == f"{ROOT}/elsewhere"
    compreface.redirects = {f"{ROOT}/subjects": f"{ROOT}/subjects"}
    with pytest.raises(CompreFaceUnreachableError, match="redirects again and again"):
        fetched(compreface.url)
    compreface.redirects = {}
    compreface.subjects["Ada"] = {"../../subjects": portraits[0]}
    assert fetched(compreface.url)[1] == ["has an id that is none of CompreFace's"]
    for url in ("ftp://x", "http://user:pass@x", "compreface.lan", "http://x?key=1", "http://127.0.0.1:9"):
        with pytest.raises(CompreFaceUnreachableError):
            fetched(url)


def test_R_LIB_5_a_wrong_key_and_photos_that_are_too_large_are_said(
    lianpu: Lianpu, home: Path, compreface: FakeCompreFace, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("import", "people", "compreface", compreface.url, "--api-key-file", key_file, "--home", home)
    smallest = min(len(photo) for photos in compreface.subjects.values() for photo in photos.values())
    monkeypatch.setenv("LIANPU_BULK__MAX_ITEM_BYTES", str(smallest))
    done = lianpu(*arguments)
    assert (done.code, done.out) == (1, "1 added, 0 known already, 2 refused\n")
    assert done.err.count(f"has more than {smallest:,} bytes") == 2
    key_file.write_text("wrong")
    done = lianpu(*arguments)
    assert done.code == 1
    assert "error [compreface_unreachable]: /api/v1/recognition/subjects answers with 401: wrong key." in done.err
    assert "wrong-key" not in done.err
