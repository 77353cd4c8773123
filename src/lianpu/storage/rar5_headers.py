"""What the headers of a RAR 5 archive say of each file that libarchive does not: encrypted, or one part of several.

The headers are plain (https://www.rarlab.com/technote.htm); libarchive 3.6 would give an encrypted file's bytes as they
are, and of a file that goes on in another volume those that are here.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"Rar!\x1a\x07\x01\x00"
FILE, END = 2, 5
HAS_EXTRA, HAS_DATA, SPLIT_BEFORE, SPLIT_AFTER = 0x01, 0x02, 0x08, 0x10
ENCRYPTION_RECORD = 1


@dataclass(frozen=True, slots=True)
class FileMarks:
    is_encrypted: bool
    is_split: bool


def marks_of_files(data: bytes) -> Iterator[FileMarks]:
    """In order, as far as the headers can be read; what cannot be read here is libarchive's to tell."""
    place = len(SIGNATURE)
    try:
        while place + 4 < len(data):
            head = _Numbers(data, place + 4)
            size = head.next()
            start = head.place
            if zlib.crc32(data[place + 4 : start + size]) != int.from_bytes(data[place : place + 4], "little"):
                return
            kind, flags = head.next(), head.next()
            extra_bytes = head.next() if flags & HAS_EXTRA else 0
            data_bytes = head.next() if flags & HAS_DATA else 0
            if kind == END:
                return
            if kind == FILE:
                extra = data[start + size - extra_bytes : start + size] if extra_bytes else b""
                yield FileMarks(_is_encrypted(extra), bool(flags & (SPLIT_BEFORE | SPLIT_AFTER)))
            place = start + size + data_bytes
    except IndexError:
        return


def _is_encrypted(extra: bytes) -> bool:
    place = 0
    while place < len(extra):
        record = _Numbers(extra, place)
        size = record.next()
        end = record.place + size
        if record.next() == ENCRYPTION_RECORD:
            return True
        place = end
    return False


class _Numbers:
    """Numbers of seven bits a byte, the lowest first, the eighth bit says that more follow."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self.place = place

    def next(self) -> int:
        """
        Raises:
            IndexError: the data ends before it, or it has more than ten bytes.
        """
        value = 0
        for shift in range(0, 70, 7):
            byte = self._data[self.place]
            self.place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise IndexError("no number has more than ten bytes")
