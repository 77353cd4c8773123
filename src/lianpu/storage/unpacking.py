"""The process that reads RAR and 7z: an archive on standard input, its files as frames on standard output, no disk.

Run as `python -m lianpu.storage.unpacking REQUEST`. libarchive parses what strangers wrote: what goes wrong here ends
this process alone, and its limits say that it writes no file and takes no more memory and time than it is given.
"""

import json
import struct
import sys
from ctypes import create_string_buffer
from enum import IntEnum
from importlib import import_module
from typing import Any

from lianpu.storage.rar5_headers import SIGNATURE, FileMarks, marks_of_files

HEAD = struct.Struct(">BI")
MEMORY_BYTES = 2 << 30
CPU_S = 300
BLOCK_BYTES = 1 << 16
SMALL_BYTES = 1 << 20
ENCRYPTED = "is encrypted"


class Frame(IntEnum):
    """What the payload of a frame is; one byte, then its length in four (big-endian), then the payload."""

    ENTRY = 1
    """JSON, once its content was read to the end."""
    CONTENT = 2
    """Of the entry before; where content was asked for and there is nothing against it."""
    DAMAGED = 3
    TOO_LARGE = 4
    END = 5
    ENCRYPTED = 6
    """As a whole: not even its names can be read."""


class TooMuch(Exception):  # noqa: N818 (a way out)
    """The archive as a whole goes beyond its limits."""


def main() -> None:
    request = json.loads(sys.argv[1])
    _limit()
    try:
        _read_all(sys.stdin.buffer.read(), request)
    except TooMuch as reason:
        _send(Frame.TOO_LARGE, str(reason).encode())
    except Exception as error:  # whatever a library of C meets in a file of a stranger
        text = _told(error)
        _send(Frame.ENCRYPTED if ENCRYPTED in text else Frame.DAMAGED, text.encode())
    else:
        _send(Frame.END, b"")
    sys.stdout.buffer.flush()


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, value in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        resource.setrlimit(kind, (value, value))


def _read_all(data: bytes, request: dict[str, Any]) -> None:
    # Here, since the limits hold by now.
    ffi: Any = import_module("libarchive.ffi")
    read: Any = import_module("libarchive.read")
    most_bytes = min(request["max_total_bytes"], max(SMALL_BYTES, request["packed_bytes"] * request["max_ratio"]))
    total_bytes = members = 0
    with read.new_archive_read(request["kind"], "none") as archive:
        ffi.read_open_memory(archive, data, len(data))
        marks = marks_of_files(data) if data.startswith(SIGNATURE) else iter(())
        for entry in read.ArchiveRead(archive):
            mark = next(marks, FileMarks(is_encrypted=False, is_split=False))
            members += 1
            if members > request["max_members"]:
                raise TooMuch(f"The archive lists more than {request['max_members']:,} files and folders.")
            told: dict[str, Any] = {
                "name": _name(entry.pathname),
                "is_folder": entry.isdir,
                "is_file": entry.isreg and not entry.islnk,
                "is_encrypted": mark.is_encrypted or bool(_is_encrypted(ffi, entry)),
                "is_split": mark.is_split,
                "is_too_large": False,
                "problem": None,
                "size_bytes": entry.size or 0,
            }
            content = bytearray()
            if told["is_file"] and not (told["is_encrypted"] or told["is_split"]):
                room = min(request["max_item_bytes"], most_bytes - total_bytes)
                content = _content(ffi, archive, room, told)
                total_bytes += len(content)
                if told["is_too_large"] and room < request["max_item_bytes"]:
                    raise TooMuch("The archive unpacks to far more than it holds, or than is taken: refused.")
                if not told["is_too_large"] and told["problem"] is None:
                    told["size_bytes"] = len(content)
            _send(Frame.ENTRY, json.dumps(told).encode())
            marks_against = ("is_encrypted", "is_split", "is_too_large", "problem")
            is_good = told["is_file"] and not any(told[name] for name in marks_against)
            if request["with_content"] and is_good:
                _send(Frame.CONTENT, content)


def _content(ffi: Any, archive: Any, room_bytes: int, told: dict[str, Any]) -> bytearray:
    """As much as there is room for; what stands against it goes into `told`."""
    content = bytearray()
    block = create_string_buffer(BLOCK_BYTES)
    try:
        while size := ffi.read_data(archive, block, BLOCK_BYTES):
            content += block.raw[:size]
            if len(content) > room_bytes:
                told["is_too_large"] = True
                break
    except Exception as error:
        if _is_fatal(error):
            raise
        told["problem"] = _told(error)
    return content


def _is_fatal(error: Exception) -> bool:
    """Whether nothing behind it can be read (libarchive: ARCHIVE_FATAL)."""
    return getattr(error, "retcode", None) == -30 and "encrypt" not in str(error).lower()


def _is_encrypted(ffi: Any, entry: Any) -> int:
    # Not among the package's own functions.
    function = ffi.libarchive.archive_entry_is_encrypted
    function.argtypes, function.restype = [ffi.c_archive_entry_p], ffi.c_int
    return function(entry._entry_p)  # noqa: SLF001


def _name(path: str | bytes | None) -> str:
    """Bytes where it is no UTF-8."""
    if isinstance(path, bytes):
        return path.decode("utf-8", "replace")
    return path or ""


def _told(error: Exception) -> str:
    text = str(getattr(error, "msg", None) or error)
    if "encrypt" in text.lower():
        return f"It {ENCRYPTED} ({text})."
    return f"It is damaged, cut short, or one part of several ({text})."


def _send(frame: Frame, payload: bytes | bytearray) -> None:
    sys.stdout.buffer.write(HEAD.pack(frame, len(payload)))
    sys.stdout.buffer.write(payload)


if __name__ == "__main__":
    main()
