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
