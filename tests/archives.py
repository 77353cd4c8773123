"""Archives of every kind, made in memory: what people send, and what those who mean harm send."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from ctypes import c_char_p

from libarchive import ffi
from libarchive.entry import ArchiveEntry
from libarchive.write import custom_writer

Files = Mapping[str, bytes]


def zipped(files: Files, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Files, mode: str = "w", **member_fields: object) -> bytes:
    """`mode`: `w:gz` and the like."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for field, value in member_fields.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def seven_zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with custom_writer(buffer.write, "7zip") as archive:
        for name, data in files.items():
            archive.add_file_from_memory(name, len(data), data)
    return buffer.getvalue()


def seven_zip_link() -> bytes:
    """A symbolic link, which the package itself cannot make."""
    buffer = io.BytesIO()
    with custom_writer(buffer.write, "7zip") as archive:
        entry = ArchiveEntry(None, pathname="link.jpg", filetype=0o120000, perm=0o777, size=0)
        set_link = ffi.libarchive.archive_entry_set_symlink
        set_link.argtypes, set_link.restype = [ffi.c_archive_entry_p, c_char_p], None
        set_link(entry._entry_p, b"/etc/passwd")
        ffi.write_header(archive._pointer, entry._entry_p)
        ffi.write_finish_entry(archive._pointer)
    return buffer.getvalue()


def encrypted_zip(files: Files) -> bytes:
    """What a password protects is marked so; its content does not matter, since nobody tries to read it."""
    data = bytearray(zipped(files))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(mark, place + 4)
    return bytes(data)


# RAR 5.0, as https://www.rarlab.com/technote.htm describes it: no free program makes such archives.
RAR5 = b"Rar!\x1a\x07\x01\x00"
MAIN, FILE, CRYPT, END = 1, 2, 4, 5
HAS_EXTRA, HAS_DATA, SPLIT_AFTER = 0x01, 0x02, 0x10
IS_FOLDER, HAS_CRC = 0x01, 0x04
VOLUME = 0x01
UNIX = 1


def rar5(files: Files, *, extra: bytes = b"", volume: bool = False, cut_bytes: int | None = None) -> bytes:
    """Stored, not compressed.

    Args:
        extra: records behind each file's header.
        volume: the first of several, whose last file goes on in the next.
        cut_bytes: how much of each file is here.
    """
    blocks = [RAR5, _block(MAIN, 0, _number(VOLUME if volume else 0))]
    for name, data in files.items():
        here = data[:cut_bytes]
        fields = b"".join(
            [
                _number(HAS_CRC),
                _number(len(data)),
                _number(0o100644),
                struct.pack("<I", zlib.crc32(data)),
                _number(0),
                _number(UNIX),
                _number(len(name.encode())),
                name.encode(),
            ]
        )
        flags = HAS_DATA | (SPLIT_AFTER if volume else 0)
        blocks += [_block(FILE, flags, fields, data_bytes=len(here), extra=extra), here]
    return b"".join([*blocks, _block(END, 0, _number(VOLUME if volume else 0))])


def rar5_link() -> bytes:
    """A symbolic link: a redirection record (type 5) of the kind 1."""
    target = b"/etc/passwd"
    record = _number(5) + _number(1) + _number(0) + _number(len(target)) + target
    return rar5({"link.jpg": b""}, extra=_number(len(record)) + record)


def rar5_encrypted(files: Files) -> bytes:
    """Each file with an encryption record (type 1)."""
    record = _number(1) + _number(0) + _number(0) + bytes([15]) + bytes(16) + bytes(16)
    return rar5(files, extra=_number(len(record)) + record)


def rar5_locked() -> bytes:
    """Its headers are encrypted too."""
    return RAR5 + _block(CRYPT, 0, _number(0) + _number(0) + bytes([15]) + bytes(16)) + bytes(200)


def _block(kind: int, flags: int, fields: bytes, *, data_bytes: int = 0, extra: bytes = b"") -> bytes:
    flags |= HAS_EXTRA if extra else 0
    head = _number(kind) + _number(flags)
    head += _number(len(extra)) if extra else b""
    head += _number(data_bytes) if flags & HAS_DATA else b""
    body = head + fields + extra
    sized = _number(len(body)) + body
    return struct.pack("<I", zlib.crc32(sized)) + sized


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    parts = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        parts.append(low | (0x80 if value else 0))
        if not value:
            return bytes(parts)
