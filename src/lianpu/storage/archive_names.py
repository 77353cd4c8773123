"""Names in archives: what they were meant to be, whether they lead elsewhere, and which are clutter."""

import struct
import tarfile
import unicodedata
import zipfile
import zlib

from lianpu.errors import ArchiveUnsafeError

UTF8_NAME = 0x800
UNICODE_PATH = 0x7075
_CLUTTER = {"thumbs.db", "desktop.ini", "__macosx"}


def zip_name(member: zipfile.ZipInfo) -> str:
    # `filename` is cut at NUL and has Windows' backslashes turned, which hides what was meant.
    name = member.orig_filename
    if not member.flag_bits & UTF8_NAME:
        raw = name.encode("cp437")
        name = _unicode_path(member.extra, raw) or _meant(raw)
    return unicodedata.normalize("NFC", name)


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in UTF-8 that Info-ZIP and others put beside one of the old kind (APPNOTE 4.6.9)."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and len(field) > 5 and struct.unpack_from("<BI", field) == (1, zlib.crc32(raw)):
            return field[5:].decode("utf-8")
    return None


def _meant(raw: bytes) -> str:
    """Names that do not say their encoding are of the machine that packed them: UTF-8, a Chinese Windows, or DOS."""
    for encoding in ("utf-8", "gbk"):
        try:
            name = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or all(char.isascii() or "\u4e00" <= char <= "\u9fff" for char in name):
            return name
    return raw.decode("cp437")


def tar_name(member: tarfile.TarInfo) -> str:
    name = member.name
    try:
        name.encode()
    except UnicodeEncodeError:
        name = _meant(name.encode("utf-8", "surrogateescape"))
    return unicodedata.normalize("NFC", name)


def check_name(name: str) -> None:
    """
    Raises:
        ArchiveUnsafeError: it leads out of the folder that it is put into, or hides what it is.
    """
    parts = name.split("/")
    if (
        name.startswith("/")
        or any(part in {"", ".", ".."} for part in parts)
        or any(unicodedata.category(char) == "Cc" or char == "\\" for char in name)
        or (name[1:2] == ":" and name[0].isascii() and name[0].isalpha())
    ):
        raise ArchiveUnsafeError(f"The archive holds an unsafe name: {name!r}.")


def is_clutter(name: str) -> bool:
    return any(part.startswith(".") or part.lower() in _CLUTTER for part in name.removeprefix("./").split("/"))
