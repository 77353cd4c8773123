"""R-ENH 2: RAR and 7z from memory, in a process of their own; what is wrong with one file is told of that file."""

import io
import os
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianpu.errors import ArchiveDamagedError, ArchiveFormatError, ArchiveTooLargeError, ArchiveUnsafeError
from lianpu.storage import foreign_archive
from lianpu.storage.archive import list_entries, scan_entries, unpack_entries
from lianpu.storage.archive_entry import ArchiveLimits
from lianpu.storage.rar5_headers import marks_of_files
from tests.archives import (
    encrypted_zip,
    rar5,
    rar5_encrypted,
    rar5_link,
    rar5_locked,
    seven_zip_link,
    seven_zipped,
    tarred,
    zipped,
)

pytestmark = pytest.mark.skipif(not foreign_archive.has_libarchive(), reason="the system has no libarchive")
LIMITS = ArchiveLimits(max_items=50, max_item_bytes=2_000_000, max_total_bytes=3_000_000, max_ratio=100)
FILES = {"张三/1.jpg": b"one", "b/2.jpg": bytes(range(256)) * 40, "b/empty.jpg": b""}
EVIL = {"../evil.jpg": b"x", "/etc/x.jpg": b"x", "a/./x.jpg": b"x", "C:/x.jpg": b"x", "ok.jpg": b"good"}


def scanned(data: bytes) -> dict[str, str | None]:
    """Name → the code of what is against it."""
    return {entry.name: error and error.code for entry, error in scan_entries(io.BytesIO(data), LIMITS)}


def contents(data: bytes) -> dict[str, bytes]:
    entries = scan_entries(io.BytesIO(data), LIMITS)
    good = {place for place, (_, refusal) in enumerate(entries) if refusal is None}
    found: dict[str, bytes] = {}
    for place, content in unpack_entries(io.BytesIO(data), good, LIMITS):
        assert isinstance(content, bytes), content
        found[entries[place][0].name] = content
    return found


@pytest.mark.parametrize("pack", [zipped, tarred, rar5, seven_zipped])
def test_R_ENH_2_every_kind_gives_the_same(pack: Callable[..., bytes]) -> None:
    assert contents(pack(FILES)) == FILES


@pytest.mark.parametrize("pack", [zipped, tarred, rar5, seven_zipped])
def test_R_ENH_2_names_that_lead_elsewhere_are_refused_and_the_others_taken(pack: Callable[..., bytes]) -> None:
    told = scanned(pack(EVIL))
    assert told.pop("ok.jpg") is None
    assert set(told.values()) == {"archive_unsafe"}
    assert len(told) == 4
    assert contents(pack(EVIL)) == {"ok.jpg": b"good"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (rar5_link(), "archive_unsafe"),
        (seven_zip_link(), "archive_unsafe"),
        (rar5_encrypted({"a.jpg": b"x" * 64}), "archive_unsafe"),
        (encrypted_zip({"a.jpg": b"x" * 64}), "archive_unsafe"),
        (rar5({"a.jpg": b"x" * 64}, volume=True, cut_bytes=20), "archive_damaged"),
        (seven_zipped({"a.jpg": os.urandom(2_000_001)}), "archive_too_large"),
        (rar5({"a.jpg": os.urandom(2_000_001)}), "archive_too_large"),
    ],
    ids=["rar link", "7z link", "rar encrypted", "zip encrypted", "rar split", "7z large", "rar large"],
)
def test_R_ENH_2_one_file_is_refused_with_its_reason(data: bytes, code: str) -> None:
    (found,) = scanned(data).values()
    assert found == code
    assert contents(data) == {}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (rar5_locked(), ArchiveUnsafeError),
        (rar5(FILES)[:-60], ArchiveDamagedError),
        (seven_zipped(FILES)[:-20], ArchiveDamagedError),
        (zipped(FILES)[:-30], ArchiveDamagedError),
        (b"PK\x07\x08" + zipped(FILES), ArchiveDamagedError),
        (seven_zipped({"a.jpg": bytes(1_900_000)}), ArchiveTooLargeError),
        (seven_zipped({f"{n}.jpg": os.urandom(1_000_000) for n in range(4)}), ArchiveTooLargeError),
        (rar5({f"{n}.jpg": os.urandom(1_000_000) for n in range(4)}), ArchiveTooLargeError),
        (seven_zipped({f"{n}.jpg": b"" for n in range(51)}), ArchiveTooLargeError),
        (seven_zipped({f"__MACOSX/{n}": b"" for n in range(201)}), ArchiveTooLargeError),
        (b"hello " * 100, ArchiveDamagedError),
        (b"", ArchiveDamagedError),
    ],
)
def test_R_ENH_2_what_cannot_be_read_on_is_refused_as_a_whole(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        scan_entries(io.BytesIO(data), LIMITS)


@pytest.mark.parametrize("data", [b"Rar!\x1a\x07\x01\x00", b"7z\xbc\xaf\x27\x1c" + bytes(40), rar5({}), zipped({})])
def test_R_ENH_2_an_archive_of_nothing_has_nothing(data: bytes) -> None:
    assert scanned(data) == {}


def test_R_ENH_2_a_name_that_stands_twice_is_taken_once() -> None:
    data = tarred({"a.jpg": b"1"})[:1024] + tarred({"a.jpg": b"2"})
    assert [error and error.code for _, error in scan_entries(io.BytesIO(data), LIMITS)] == [None, "archive_unsafe"]
    assert contents(data) == {"a.jpg": b"1"}


def test_R_ENH_2_without_the_library_rar_and_7z_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_archive, "has_libarchive", lambda: False)
    with pytest.raises(ArchiveFormatError, match="libarchive13"):
        scan_entries(io.BytesIO(rar5(FILES)), LIMITS)
    assert contents(zipped(FILES)) == FILES


def test_R_LIB_5_elsewhere_rar_is_no_archive(tmp_path: object) -> None:
    path = tmp_path / "upload"  # type: ignore[operator]
    path.write_bytes(rar5(FILES))
    with pytest.raises(ArchiveDamagedError):
        list_entries(path, LIMITS)


def test_R_LIB_5_the_folder_itself_is_no_unsafe_name(tmp_path: object) -> None:
    """As `tar -c .` writes it first."""
    import tarfile

    folder = tmp_path / "photos"  # type: ignore[operator]
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"one")
    path = tmp_path / "upload"  # type: ignore[operator]
    with tarfile.open(path, "w") as archive:
        archive.add(folder, ".")
    assert [entry.name for entry in list_entries(path, LIMITS)] == ["1.jpg"]


def test_R_ENH_2_a_reader_that_dies_is_told_as_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a file of a stranger had made the library write where it must not."""
    real = subprocess.Popen

    def dying(command: list[str], **options: object) -> object:
        return real([command[0], "-c", "import os; os.kill(os.getpid(), 11)"], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", dying)
    with pytest.raises(ArchiveDamagedError, match="made its reader fail"):
        scan_entries(io.BytesIO(rar5(FILES)), LIMITS)


def test_R_ENH_2_whoever_stops_in_the_middle_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def noted(*given: object, **options: object) -> subprocess.Popen[bytes]:
        children.append(real(*given, **options))  # type: ignore[call-overload]
        return children[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    reading = unpack_entries(io.BytesIO(rar5({f"{n}.jpg": os.urandom(900_000) for n in range(3)})), range(3), LIMITS)
    assert next(reading)[0] == 0
    reading.close()
    assert [child.poll() is not None for child in children] == [True]


@given(
    start=st.sampled_from([rar5(FILES), rar5_encrypted(FILES), rar5_locked()]),
    changes=st.lists(st.tuples(st.integers(8, 400), st.integers(0, 255)), max_size=12),
)
@settings(max_examples=300, deadline=None)
def test_R_ENH_2_headers_that_are_nonsense_end_the_look_at_them(start: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(start)
    for place, value in changes:
        if place < len(data):
            data[place] = value
    assert len(list(marks_of_files(bytes(data)))) <= 3
