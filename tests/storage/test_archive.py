"""R-LIB-5: archives of people one does not know are read within limits, and nothing in them leads anywhere."""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianpu.errors import ArchiveDamagedError, ArchiveTooLargeError, ArchiveUnsafeError
from lianpu.storage.archive import ArchiveLimits, list_entries, read_entries

LIMITS = ArchiveLimits(max_items=50, max_item_bytes=2_000_000, max_total_bytes=3_000_000, max_ratio=100)
FILES = {"张三/1.jpg": b"one", "b/2.jpg": bytes(range(256)) * 40, "b/empty.jpg": b""}


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], **member_fields: object) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for field, value in member_fields.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def contents(path: Path) -> dict[str, bytes]:
    wanted = {entry.name for entry in list_entries(path, LIMITS)}
    found: dict[str, bytes] = {}
    for entry, content in read_entries(path, wanted, LIMITS):
        assert isinstance(content, bytes), content
        found[entry.name] = content
    return found


@pytest.mark.parametrize(
    "pack",
    [
        zipped,
        lambda files: zipped(files, zipfile.ZIP_STORED),
        lambda files: zipped(files, zipfile.ZIP_LZMA),
        tarred,
        lambda files: gzip.compress(tarred(files)),
        lambda files: bz2.compress(tarred(files)),
        lambda files: lzma.compress(tarred(files)),
    ],
    ids=["zip", "zip stored", "zip lzma", "tar", "tar.gz", "tar.bz2", "tar.xz"],
)
def test_R_LIB_5_every_kind_is_told_by_its_content(tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    path = tmp_path / "upload"
    path.write_bytes(pack(FILES))
    assert contents(path) == FILES


def test_R_LIB_5_clutter_of_operating_systems_is_left_out(tmp_path: Path) -> None:
    clutter = {"__MACOSX/b/._2.jpg": b"x", ".DS_Store": b"x", "b/Thumbs.db": b"x", "b/.hidden.jpg": b"x"}
    for pack in (zipped, tarred):
        (tmp_path / "upload").write_bytes(pack({**FILES, **clutter}))
        assert contents(tmp_path / "upload") == FILES


@pytest.mark.parametrize(
    ("text", "encoding"), [("张三/照片.jpg", "gbk"), ("José/é.jpg", "cp437"), ("张三/1.jpg", "utf-8")]
)
def test_R_LIB_5_names_without_a_flag_are_read_as_they_were_meant(tmp_path: Path, text: str, encoding: str) -> None:
    raw = text.encode(encoding)
    placeholder = "x" * len(raw)
    data = zipped({placeholder: b"x"}).replace(placeholder.encode(), raw)
    (tmp_path / "upload").write_bytes(data)
    assert list(contents(tmp_path / "upload")) == [text]


def test_R_LIB_5_tar_names_that_are_no_utf_8_are_read_as_they_were_meant(tmp_path: Path) -> None:
    for encoding in ("gbk", "cp437"):
        text = {"gbk": "张三/照片.jpg", "cp437": "José/é.jpg"}[encoding]
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, encoding=encoding) as archive:
            archive.addfile(tarfile.TarInfo(text))
        (tmp_path / "upload").write_bytes(buffer.getvalue())
        assert list(contents(tmp_path / "upload")) == [text]


def test_R_LIB_5_the_unicode_path_beside_an_old_name_counts(tmp_path: Path) -> None:
    """As Info-ZIP writes it where its machine's own encoding does not have the name."""
    for checksum, expected in ((zlib.crc32(b"??/1.jpg"), "张三/1.jpg"), (1, "??/1.jpg")):
        name = "张三/1.jpg".encode()
        member = zipfile.ZipInfo("??/1.jpg")
        member.extra = struct.pack("<HH2s", 0x5455, 2, b"xx")
        member.extra += struct.pack("<HHBI", 0x7075, 5 + len(name), 1, checksum) + name
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(member, b"x")
        (tmp_path / "upload").write_bytes(buffer.getvalue())
        assert list(contents(tmp_path / "upload")) == [expected]


@pytest.mark.parametrize(
    "name", ["../x.jpg", "a/../../x.jpg", "/etc/x.jpg", "a//x.jpg", "C:/x.jpg", "a\\x.jpg", "a/\x01.jpg", "a/./x.jpg"]
)
def test_R_LIB_5_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    for pack in (zipped, tarred):
        (tmp_path / "upload").write_bytes(pack({name: b"x"}))
        with pytest.raises(ArchiveUnsafeError):
            list_entries(tmp_path / "upload", LIMITS)


def _linked_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("a/link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def _encrypted_zip() -> bytes:
    data = bytearray(zipped({"a/x.jpg": b"x"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


def _twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/x.jpg", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a/x.jpg", b"2")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        _linked_zip,
        _encrypted_zip,
        _twice,
        lambda: tarred({"a/x.jpg": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        lambda: tarred({"a/x.jpg": b""}, type=tarfile.LNKTYPE, linkname="../../x"),
        lambda: tarred({"a/x.jpg": b""}, type=tarfile.CHRTYPE),
        lambda: tarred({"a/x.jpg": b""}, type=tarfile.FIFOTYPE),
    ],
    ids=["zip link", "encrypted", "twice", "symbolic link", "hard link", "device", "pipe"],
)
def test_R_LIB_5_links_devices_secrets_and_doubles_are_refused(tmp_path: Path, make: Callable[[], bytes]) -> None:
    (tmp_path / "upload").write_bytes(make())
    with pytest.raises(ArchiveUnsafeError):
        list_entries(tmp_path / "upload", LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        zipped({"a/x.jpg": bytes(1_900_000)}),
        zipped({"a/x.jpg": bytes(2_000_001)}, zipfile.ZIP_STORED),
        zipped({f"a/{number}.jpg": bytes(1_100_000) for number in range(3)}, zipfile.ZIP_STORED),
        zipped({f"a/{number}.jpg": b"" for number in range(51)}),
        gzip.compress(tarred({"a/x.jpg": bytes(1_900_000)})),
        tarred({"a/x.jpg": bytes(2_000_001)}),
        zipped({f"a{number}/": b"" for number in range(201)}),
        zipped({f"a{number}{'x' * 300}/": b"" for number in range(200)}),
        tarred({f"a{number}": b"" for number in range(201)}, type=tarfile.DIRTYPE),
        tarred({f"__MACOSX/{number}": b"" for number in range(201)}),
    ],
    ids=[
        "bomb",
        "one too large",
        "all too large",
        "too many",
        "tar bomb",
        "tar one too large",
        "too many folders",
        "long directory",
        "tar too many folders",
        "tar too much clutter",
    ],
)
def test_R_LIB_5_more_than_the_limits_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "upload").write_bytes(data)
    with pytest.raises(ArchiveTooLargeError):
        list_entries(tmp_path / "upload", LIMITS)


@pytest.mark.parametrize("cut", [1, 300, 600, 1500])
@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: gzip.compress(tarred(files))])
def test_R_LIB_5_a_cut_archive_is_told(tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes], cut: int) -> None:
    data = pack({"a/x.jpg": bytes(range(256)) * 8})
    (tmp_path / "upload").write_bytes(data[: min(cut, len(data) - 40)])
    with pytest.raises(ArchiveDamagedError):
        list_entries(tmp_path / "upload", LIMITS)


def test_R_LIB_5_a_tar_that_breaks_off_in_a_header_is_no_shorter_tar(tmp_path: Path) -> None:
    """tarfile itself would end there without a word, and everything behind it would be lost."""
    data = bytearray(tarred({"a/1.jpg": b"1", "a/2.jpg": b"2"}))
    data[1024 + 148] ^= 0x41
    (tmp_path / "upload").write_bytes(data)
    with pytest.raises(ArchiveDamagedError):
        list_entries(tmp_path / "upload", LIMITS)


def _of_a_future_version() -> bytes:
    data = bytearray(zipped({"a/x.jpg": b"x"}))
    data[data.index(b"PK\x01\x02") + 6] = 200
    return bytes(data)


def _headers_without_end(kind: bytes) -> bytes:
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 12
    one = header.tobuf(tarfile.USTAR_FORMAT) + b"12 path=abc\n".ljust(512, b"\0")
    return one * 2000 + tarred({"a/x.jpg": b"x"})


@pytest.mark.parametrize(
    "data",
    [
        _of_a_future_version(),
        _headers_without_end(tarfile.XHDTYPE),
        _headers_without_end(tarfile.GNUTYPE_LONGNAME),
        zipped({"a/x.jpg": b"x"}, zipfile.ZIP_STORED).replace(b"PK\x01\x02", b"PK\x01\x03"),
        b"PK",
        b"\x1f\x8b",
    ],
    ids=["zip of the future", "headers of headers", "names of names", "no directory", "PK alone", "gzip alone"],
)
def test_R_LIB_5_what_no_tool_would_write_is_called_damaged(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "upload").write_bytes(data)
    with pytest.raises(ArchiveDamagedError):
        list_entries(tmp_path / "upload", LIMITS)


def test_R_LIB_5_one_damaged_file_does_not_end_the_others(tmp_path: Path) -> None:
    data = zipped({"a/1.jpg": b"first photo", "a/2.jpg": b"second photo"}, zipfile.ZIP_STORED)
    (tmp_path / "upload").write_bytes(data.replace(b"first photo", b"first phot0"))
    found = dict(read_entries(tmp_path / "upload", {"a/1.jpg", "a/2.jpg"}, LIMITS))
    by_name = {entry.name: content for entry, content in found.items()}
    assert isinstance(by_name["a/1.jpg"], ArchiveDamagedError)
    assert by_name["a/2.jpg"] == b"second photo"


@given(
    start=st.sampled_from([zipped(FILES), tarred(FILES), gzip.compress(tarred(FILES)), b"", b"PK\x03\x04"]),
    # Archives keep what can be twisted at their ends; a place counts from the end where it is negative.
    changes=st.lists(st.tuples(st.integers(-400, 1600), st.integers(0, 255)), max_size=12),
    tail=st.binary(max_size=40),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_R_LIB_5_whatever_comes_is_read_or_refused(
    tmp_path: Path, start: bytes, changes: list[tuple[int, int]], tail: bytes
) -> None:
    data = bytearray(start)
    for place, value in changes:
        if -len(data) <= place < len(data):
            data[place] = value
    (tmp_path / "upload").write_bytes(bytes(data) + tail)
    try:
        entries = list_entries(tmp_path / "upload", LIMITS)
        for entry, content in read_entries(tmp_path / "upload", {entry.name for entry in entries}, LIMITS):
            assert isinstance(content, ArchiveDamagedError) or len(content) == entry.size_bytes
    except (ArchiveDamagedError, ArchiveUnsafeError, ArchiveTooLargeError):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["upload"]
