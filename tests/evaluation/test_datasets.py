"""Data sets: found, drawn and bounded; archives are read, not unpacked."""

import zipfile
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.errors import ArchiveDamagedError, ArchiveTooLargeError, EvaluationInvalidError
from lianpu.evaluation.datasets import DataSet, FaceChoice, Protocol, load_data_set
from lianpu.evaluation.pairs import Sampling, all_pairs
from lianpu.evaluation.sources import open_source
from tests.evaluation.conftest import LIMITS

Write = Callable[[dict[str, bytes | str]], Path]
LFW = {
    "pairs.txt": "2\t1\nAda\t1\t2\nAda\t2\tBen\t1\nCy\t1\t2\nBen\t1\tCy\t1\n",
    **{f"lfw/{person}/{person}_{number:04d}.jpg": b"x" for person, number in
       (("Ada", 1), ("Ada", 2), ("Ben", 1), ("Cy", 1), ("Cy", 2), ("Cy", 3))},
}  # fmt: skip


def load(path: Path, protocol: Protocol | None = None, table: str | None = None, **sampling: int) -> DataSet:
    return load_data_set(open_source(path, LIMITS), protocol, table, Sampling(**sampling))


def compared(data: DataSet) -> set[tuple[str, str, bool]]:
    return {
        (data.images[first], data.images[second], bool(same))
        for first, second, same in zip(data.pairs.first, data.pairs.second, data.pairs.same, strict=True)
    }


def test_R_OPS_3_lfw_is_found_and_its_folds_kept(write: Write) -> None:
    data = load(write(LFW))
    assert (data.protocol, data.face_choice) == (Protocol.LFW, FaceChoice.CENTRAL)
    # Cy's third image is in no pair.
    assert len(data.images) == 5
    assert compared(data) == {
        ("lfw/Ada/Ada_0001.jpg", "lfw/Ada/Ada_0002.jpg", True),
        ("lfw/Ada/Ada_0002.jpg", "lfw/Ben/Ben_0001.jpg", False),
        ("lfw/Cy/Cy_0001.jpg", "lfw/Cy/Cy_0002.jpg", True),
        ("lfw/Ben/Ben_0001.jpg", "lfw/Cy/Cy_0001.jpg", False),
    }
    assert data.pairs.folds is not None
    assert data.pairs.folds.tolist() == [0, 0, 1, 1]
    assert [data.persons[0] == data.persons[1], data.persons[0] == data.persons[2]] == [True, False]


def test_R_OPS_3_lfw_archive_is_the_same_and_nothing_is_unpacked(write: Write, tmp_path: Path) -> None:
    archive = tmp_path / "lfw.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in LFW.items():
            target.writestr(name, content)
    before = sorted(tmp_path.rglob("*"))
    data = load(archive)
    assert compared(data) == compared(load(write(LFW)))
    assert dict(data.source.read({"lfw/Ada/Ada_0001.jpg"})) == {"lfw/Ada/Ada_0001.jpg": b"x"}
    assert [path for path in sorted(tmp_path.rglob("*")) if "source" not in path.parts] == before


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lfw/Ben/Ben_0001.jpg": None}, "names Ben/Ben_0001, which is not in"),
        ({"other/Ben/Ben_0001.png": b"x"}, "Ben/Ben_0001 more than once"),
        ({"pairs.txt": b"\xff\xfe\x00"}, "pairs.txt is no UTF-8 text"),
        ({"pairs.txt": "words"}, "Line 1"),
    ],
)
def test_R_OPS_3_lfw_that_does_not_fit_is_refused(write: Write, changed: dict[str, bytes | None], told: str) -> None:
    files = {name: content for name, content in {**LFW, **changed}.items() if content is not None}
    with pytest.raises(EvaluationInvalidError) as refused:
        load(write(files))
    assert told in refused.value.detail


def test_R_OPS_3_archive_is_bounded(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("pairs.txt", b"0" * (2 << 20))
    with pytest.raises(ArchiveTooLargeError):
        load(bomb)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(bomb.read_bytes()[:-40])
    with pytest.raises(ArchiveDamagedError):
        load(cut)


def test_R_OPS_3_folder_compares_all_images_with_all(write: Write) -> None:
    names = ["wrapped/Ada/1.jpg", "wrapped/Ada/deeper/2.png", "wrapped/Ben/1.JPG", "wrapped/Cy/1.jpg"]
    data = load(write({**dict.fromkeys(names, b"x"), "wrapped/Ada/notes.txt": b"", "wrapped/Ada/.hidden.jpg": b""}))
    assert (data.protocol, data.face_choice) == (Protocol.FOLDER, FaceChoice.LARGEST)
    assert compared(data) == {
        (first, second, "Ada" in first and "Ada" in second) for first, second in combinations(names, 2)
    }


@pytest.mark.parametrize("names", [[], ["a.jpg", "b.jpg"], ["Ada/1.jpg", "Ada/2.jpg"], ["Ada/1.jpg", "Ben/1.jpg"]])
def test_R_OPS_3_folder_without_two_persons_and_two_images_of_one_is_refused(write: Write, names: list[str]) -> None:
    with pytest.raises(EvaluationInvalidError, match="two persons at least"):
        load(write({"readme.txt": b"", **dict.fromkeys(names, b"x")}))


@given(st.lists(st.integers(1, 6), min_size=2, max_size=9), st.integers(1, 60), st.integers(0, 3))
def test_R_OPS_3_drawn_pairs_are_different_pairs_of_the_right_kind(counts: list[int], most: int, seed: int) -> None:
    persons = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    pairs = all_pairs(persons, Sampling(max_pairs=most, seed=seed))
    assert (pairs.first < pairs.second).all()
    assert ((persons[pairs.first] == persons[pairs.second]) == pairs.same).all()
    assert len(set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))) == len(pairs)
    genuine = sum(count * (count - 1) // 2 for count in counts)
    impostor = len(persons) * (len(persons) - 1) // 2 - genuine
    assert pairs.same.sum() == min(most, genuine)
    assert (~pairs.same).sum() == min(most, impostor)
    again = all_pairs(persons, Sampling(max_pairs=most, seed=seed))
    assert (again.first == pairs.first).all()
    assert (again.second == pairs.second).all()


def test_R_OPS_3_limit_takes_evenly_from_folds_and_kinds(testkit: Path) -> None:
    data = load(testkit / "images/lfw_view2.zip", limit=100)
    assert data.pairs.folds is not None
    taken = np.bincount(data.pairs.folds * 2 + data.pairs.same, minlength=20)
    assert taken.tolist() == [5] * 20
    assert len(data.images) <= 200
    assert len(load(testkit / "images/lfw_small", limit=7).images) == 28


def test_R_OPS_3_table_of_pairs_joins_people_by_its_genuine_pairs(write: Write) -> None:
    table = "file_x,file_y,Decision\na.jpg,b.jpg,Yes\nb.jpg,c.jpg,yes\nd.jpg,c.jpg,No\n"
    data = load(
        write(
            {"pairs.csv": table, "other.csv": "name,age\n", **dict.fromkeys(["a.jpg", "b.jpg", "c.jpg", "d.jpg"], b"")}
        )
    )
    assert data.protocol is Protocol.PAIRS
    assert compared(data) == {("a.jpg", "b.jpg", True), ("b.jpg", "c.jpg", True), ("d.jpg", "c.jpg", False)}
    a, b, c, d = data.persons
    assert a == b == c != d


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a.jpg,../secret.jpg,yes", "'../secret.jpg', which is no image"),
        ("a.jpg,/etc/passwd,yes", "'/etc/passwd', which is no image"),
        ("a.jpg,a.jpg,yes", "with itself"),
    ],
)
def test_R_OPS_3_table_cannot_name_what_is_not_there(write: Write, row: str, told: str) -> None:
    folder = write({"pairs.csv": f"file_x,file_y,Decision\n{row}\n", "a.jpg": b"", "b.jpg": b""})
    (folder.parent / "secret.jpg").write_bytes(b"")
    with pytest.raises(EvaluationInvalidError) as refused:
        load(folder)
    assert told in refused.value.detail


def test_R_OPS_3_two_tables_need_a_name(testkit: Path) -> None:
    folder = testkit / "images/deepface"
    with pytest.raises(EvaluationInvalidError, match="several tables of pairs"):
        load(folder)
    data = load(folder, table="master.csv")
    assert (int(data.pairs.same.sum()), len(data.pairs)) == (38, 300)
    with pytest.raises(EvaluationInvalidError, match=r"holds no other\.csv"):
        load(folder, table="other.csv")
    with pytest.raises(EvaluationInvalidError, match="does not go with the protocol lfw"):
        load(folder, Protocol.LFW, "master.csv")
