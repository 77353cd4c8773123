"""R-LIB 5: tables of persons as other systems write them: encodings, headings, paths, and what is wrong by line."""

from pathlib import Path

import pytest

from lianpu.cli.people_table import Table, TableUnreadableError, encoding_of, read_table

PHOTO = b"\xff\xd8 a photo"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.PNG", "sub/c.jpeg", "notes.txt"):
        path = tmp_path / "table" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PHOTO)
    (tmp_path / "secret.jpg").write_bytes(PHOTO)
    return tmp_path / "table"


def read(folder: Path, text: str, encoding: str = "utf-8", *, told: str | None = None, **columns: str) -> Table:
    (folder / "people.csv").write_bytes(text.encode(encoding))
    return read_table(folder / "people.csv", folder, encoding=told, columns=columns)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_R_LIB_5_the_encoding_is_found_out(folder: Path, encoding: str) -> None:
    table = read(folder, "工号,姓名,照片,部门\n17,张三,a.jpg,研发部\n", encoding)
    assert table.problems == []
    (photo,) = table.photos
    assert (photo.id, photo.person, photo.metadata) == ("17", "张三", {"部门": "研发部"})


def test_R_LIB_5_an_encoding_that_cannot_be_found_out_is_told(folder: Path) -> None:
    text = "name,image\nJosé Müller,a.jpg\n"
    with pytest.raises(TableUnreadableError, match="neither UTF-8 nor GBK: say by --encoding"):
        read(folder, text, "cp1252")
    assert read(folder, text, "cp1252", told="cp1252").photos[0].person == "José Müller"
    with pytest.raises(TableUnreadableError, match="cannot be read as ascii"):
        read(folder, text, "cp1252", told="ascii")
    with pytest.raises(TableUnreadableError, match="cannot be read as klingon"):
        read(folder, text, told="klingon")
    assert encoding_of(b"plain") == "utf-8"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_R_LIB_5_columns_go_by_their_heading_and_others_are_metadata(folder: Path, delimiter: str) -> None:
    rows = [["Image", "NAME", "person_id", "department", "face_index"], ["sub\\c.jpeg", "Ada L", "", "R&D", "1"]]
    table = read(folder, "\r\n".join(delimiter.join(row) for row in rows))
    (photo,) = table.photos
    assert photo.entry == {
        "file": "00000002/c.jpeg",
        "person_id": "Ada_L",
        "name": "Ada L",
        "metadata": {"department": "R&D"},
        "face_index": 1,
    }
    assert (photo.read(), photo.size_bytes, photo.shown) == (PHOTO, len(PHOTO), "line 2 (c.jpeg)")


def test_R_LIB_5_headings_can_be_told(folder: Path) -> None:
    table = read(folder, "Who,Pic,name\nAda,a.jpg,not hers\n", name="Who", image="Pic")
    assert (table.photos[0].person, table.photos[0].metadata) == ("Ada", {"name": "not hers"})
    for text, columns, message in (
        ("a,b\n1,2\n", {}, "needs a column for the image and one for name or person_id"),
        ("", {}, "which is: empty"),
        ("name,photo,image\n", {}, "has several columns for image"),
        ("name,image\n", {"name": "Nome"}, "has no column 'Nome'; its heading is: name, image"),
        ('name,image\n"open,a.jpg\n', {}, "line 2"),
    ):
        with pytest.raises(TableUnreadableError, match=message):
            read(folder, text, **columns)


def test_R_LIB_5_what_is_wrong_with_a_row_is_told_by_its_line_and_the_others_are_taken(folder: Path) -> None:
    (folder / "link.jpg").symlink_to(folder.parent / "secret.jpg")
    table = read(
        folder,
        "person_id,name,image,face_index,city\n"
        "1,Ada,a.jpg,,Paris\n"
        "\n"
        "1,Ada,b.PNG,,\n"
        "2,Ben\n"
        ",,a.jpg,,\n"
        "3,Cleo,../secret.jpg,,\n"
        f"3,Cleo,{folder.parent / 'secret.jpg'},,\n"
        "3,Cleo,link.jpg,,\n"
        "3,Cleo,gone.jpg,,\n"
        "3,Cleo,notes.txt,,\n"
        "3,Cleo,,,\n"
        "3,Cleo,a.jpg,x,\n"
        "a/b,Dora,a.jpg,,\n"
        f"4,{'n' * 201},a.jpg,,\n"
        "1,Eve,a.jpg,,\n"
        "1,Ada,a.jpg,,Rome\n"
        "5,Fay,sub/c.jpeg,0,\n",
    )
    assert [(photo.id, photo.path.name) for photo in table.photos] == [("1", "a.jpg"), ("1", "b.PNG"), ("5", "c.jpeg")]
    told = {problem.line: problem.message for problem in table.problems}
    assert list(told) == [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]
    assert told[5] == "has 2 columns, the heading 5"
    assert told[6] == "has neither a name nor a person_id"
    assert all("lies outside" in told[line] for line in (7, 8, 9))
    assert told[10] == f"there is no image 'gone.jpg' in {folder}"
    assert told[11] == "its image 'notes.txt' has no name of a photo"
    assert told[12] == "names no image"
    assert told[13] == "face_index 'x' is no number from 0"
    assert told[14].startswith("person_id 'a/b' may hold letters")
    assert told[15].endswith("must have 1 to 200 characters")
    assert told[16] == "calls '1' 'Eve', line 2 calls them 'Ada'"
    assert told[17] == "says otherwise than line 2 about '1'"
