"""R-OPS 5: what every storage of images does, whether it is a folder or a bucket."""

import dataclasses
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lianpu.bootstrap.building import storage_of
from lianpu.database.base import now_utc
from lianpu.errors import SettingsError, StorageError, StorageUnavailableError
from lianpu.settings import load_settings
from lianpu.storage import s3
from lianpu.storage.files import FileStorage
from lianpu.storage.local import LocalStorage
from lianpu.storage.s3 import Bucket, S3Storage
from tests.redis_server import unused_port
from tests.s3_server import SECRET, s3_server

NAMES = ("a.jpeg", "gallery/ab/0198-7.jpeg", "gallery/ab/张三 è+%20&=?#.jpeg", "gallery/.hidden", "x/" * 30 + "deep")
REFUSED = ("", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "a/", "a\\b", "a\nb", "a\0b")
numbers = itertools.count()


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with s3_server() as made:
        yield made


@pytest.fixture(params=["folder", "s3", "s3 below a prefix"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> FileStorage:
    if request.param == "folder":
        return LocalStorage(tmp_path / "root")
    bucket: Bucket = request.getfixturevalue("bucket")
    # One server for all: each test has a folder of its own, and none of them at the root of the prefix's test.
    prefix = f"{next(numbers)}" if request.param == "s3" else f"/lianpu/{next(numbers)}/"
    return S3Storage(dataclasses.replace(bucket, prefix=prefix))


@pytest.mark.parametrize("name", NAMES)
def test_R_OPS_5_a_blob_is_there_whole_is_replaced_and_goes(storage: FileStorage, name: str) -> None:
    for missing in (storage.read, storage.size_bytes):
        with pytest.raises(FileNotFoundError):
            missing(name)
    storage.write(name, b"one")
    storage.write(name, b"number two")
    assert storage.read(name) == b"number two"
    assert storage.size_bytes(name) == 10
    storage.delete(name)
    storage.delete(name)
    with pytest.raises(FileNotFoundError):
        storage.read(name)


def test_R_OPS_5_a_file_of_the_disk_becomes_a_blob_and_is_gone(storage: FileStorage, tmp_path: Path) -> None:
    # More than S3 takes in one part.
    content = bytes(range(256)) * (12 * 4096)
    file = tmp_path / "uploaded"
    file.write_bytes(content)
    storage.take("images/large", file)
    assert not file.exists()
    assert storage.size_bytes("images/large") == len(content)
    assert storage.read("images/large") == content


def test_R_OPS_5_files_are_listed_below_a_folder_alone(storage: FileStorage) -> None:
    names = {f"gallery/{number % 7}/{number}.jpeg" for number in range(60)}
    for name in names:
        storage.write(name, name.encode())
    storage.write("gallery2/no.jpeg", b"no")
    storage.write("unfinished/note.json", b"[]")
    listed = list(storage.files("gallery"))
    assert {file.name for file in listed} == {file.blob for file in listed} == names
    assert len(listed) == len(names)
    assert all(file.size_bytes == len(file.name) for file in listed)
    assert all(abs(file.modified_at - now_utc()) < timedelta(minutes=2) for file in listed)
    assert [file.name for file in storage.files("gallery/3")]
    assert list(storage.files("none")) == []
    storage.delete_unfinished("gallery/3/3.jpeg")
    assert storage.read("gallery/3/3.jpeg")


@pytest.mark.parametrize("name", REFUSED)
def test_R_OPS_5_names_that_leave_the_storage_or_are_written_in_two_ways_are_refused(
    storage: FileStorage, name: str
) -> None:
    for call in (storage.read, storage.delete, storage.size_bytes, lambda one: storage.write(one, b"x")):
        with pytest.raises(ValueError, match="leaves the storage folder"):
            call(name)


def test_R_OPS_5_a_service_that_is_away_says_so_and_heals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(s3, "RETRIES", 0)
    port = unused_port()
    storage = S3Storage(Bucket("faces", endpoint=f"http://127.0.0.1:{port}", access_key_id="k", secret_access_key="s"))
    file = tmp_path / "uploaded"
    file.write_bytes(b"kept")
    calls = (
        lambda: storage.read("a"),
        lambda: storage.write("a", b"x"),
        lambda: storage.take("a", file),
        lambda: storage.delete("a"),
        lambda: storage.size_bytes("a"),
        lambda: list(storage.files("gallery")),
    )
    for call in calls:
        with pytest.raises(StorageUnavailableError) as caught:
            call()
        # What catches the trouble of a disk, or of a storage, catches it too.
        assert isinstance(caught.value, OSError)
        assert isinstance(caught.value, StorageError)
        assert (caught.value.status, caught.value.code) == (503, "storage_unavailable")
        assert str(port) not in f"{caught.value} {caught.value.detail}"
    assert file.read_bytes() == b"kept"
    with s3_server(port=port):
        storage.write("a", b"x")
        assert storage.read("a") == b"x"


def test_R_OPS_5_a_bucket_that_is_not_there_is_no_missing_file(bucket: Bucket) -> None:
    storage = S3Storage(dataclasses.replace(bucket, name="nothing-here"))
    for call in (lambda: storage.write("a", b"x"), lambda: storage.read("a"), lambda: list(storage.files("a"))):
        with pytest.raises(StorageUnavailableError):
            call()


def test_R_OPS_5_the_secret_is_shown_nowhere(bucket: Bucket) -> None:
    storage = S3Storage(dataclasses.replace(bucket, name="nothing-here"))
    with pytest.raises(StorageUnavailableError) as caught:
        storage.write("a", b"x")
    assert SECRET not in f"{bucket!r} {storage!r} {caught.value}"


@pytest.mark.parametrize("given", [{}, {"storage.bucket": "faces", "storage.access_key_id": "key"}])
def test_R_OPS_5_a_bucket_that_is_said_by_halves_is_refused(tmp_path: Path, given: dict[str, str]) -> None:
    values = {"home": str(tmp_path), "storage.kind": "s3", **given}
    settings = load_settings(values, environment={}, folder=tmp_path).settings
    with pytest.raises(SettingsError, match=r"storage\.bucket is needed"):
        storage_of(settings)
