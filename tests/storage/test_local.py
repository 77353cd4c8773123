"""Files are written whole or not at all, and only below the root."""

from pathlib import Path

import pytest

from lianpu.errors import StorageError
from lianpu.storage.local import LocalStorage


def test_R_LIB_1_file_is_there_whole_and_gone_when_deleted(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("a/b.jpeg", b"one")
    storage.write("a/b.jpeg", b"two")
    assert storage.read("a/b.jpeg") == b"two"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.jpeg"]
    storage.delete("a/b.jpeg")
    storage.delete("a/b.jpeg")
    with pytest.raises(FileNotFoundError):
        storage.read("a/b.jpeg")


def test_R_LIB_1_failed_write_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("a.jpeg", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        storage.write("a.jpeg", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpeg"]
    assert storage.read("a.jpeg") == b"old"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_R_LIB_1_name_that_leaves_the_root_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leaves the storage folder"):
        LocalStorage(tmp_path / "root").write(name, b"x")


def test_R_LIB_12_files_are_listed_with_what_interrupted_writes_left(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("a/b/one.jpeg", b"one")
    storage.write("a/.hidden", b"")
    storage.write("other/two.jpeg", b"two")
    part = tmp_path / "a" / "b" / ".one.jpeg.k3x9.part"
    part.write_bytes(b"on")
    listed = {(file.name, file.size_bytes, file.blob) for file in storage.files("a")}
    assert listed == {
        ("a/b/one.jpeg", 3, "a/b/one.jpeg"),
        ("a/b/.one.jpeg.k3x9.part", 2, "a/b/one.jpeg"),
        ("a/.hidden", 0, "a/.hidden"),
    }
    assert list(storage.files("none")) == []
    assert storage.size_bytes("a/b/one.jpeg") == 3
    with pytest.raises(FileNotFoundError):
        storage.size_bytes("a/none")
    storage.delete_unfinished("a/b/one.jpeg")
    assert not part.exists()
    assert storage.read("a/b/one.jpeg") == b"one"
