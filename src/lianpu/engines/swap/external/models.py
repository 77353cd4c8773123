"""Whether the model files of a program are there, and are models: downloads leave web pages and pointers behind."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lianpu.engines.swap.swapper import Finding

_LEAST_BYTES = 1_000_000
_WEB_PAGE = (b"<!doctype", b"<html", b"<head")
_POINTERS = (b"version https://git-lfs", b"/annex/objects")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelFile:
    path: str
    """Below the folder of models."""
    digests: tuple[str, ...] = ()
    """SHA-256 of the files known by that name; none: not known."""
    crc_file: bool = False
    """A file `NAME.hash` beside it holds its CRC-32, and the program refuses the model without it."""
    is_needed: bool = True
    alternatives: tuple[str, ...] = ()
    """Names of files that do as well."""


def model_finding(folder: Path, model: ModelFile, pinned: Mapping[str, str], *, deep: bool) -> Finding:
    """
    Args:
        pinned: SHA-256 by file name, of the administrator's own; goes before those that are known.
        deep: read the files whole and compare their digests.
    """
    for name in (model.path, *model.alternatives):
        file = folder / name
        if file.is_file():
            problem = _problem(file, model, pinned, deep=deep)
            return Finding(f"model {name}", problem is None, problem or _described(file, deep=deep), _advice(problem))
    advice = f"Place it as {folder / model.path}: the program's own download can hang, or store a web page."
    return Finding(f"model {model.path}", False, "it is not there", advice)


def _problem(file: Path, model: ModelFile, pinned: Mapping[str, str], *, deep: bool) -> str | None:
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(512).lstrip().lower()
    if head.startswith(_WEB_PAGE):
        return "it is a web page and no model"
    if head.startswith(_POINTERS) or any(pointer in head[:64] for pointer in _POINTERS):
        return "it is a pointer of Git LFS and no model"
    if size < _LEAST_BYTES:
        return f"it has {size} bytes, which is no whole model"
    if model.crc_file and not _crc_path(file).is_file():
        return f"{_crc_path(file).name} is missing beside it"
    return _digest_problem(file, model, pinned) if deep else None


def _digest_problem(file: Path, model: ModelFile, pinned: Mapping[str, str]) -> str | None:
    wanted = (pinned[file.name],) if file.name in pinned else model.digests
    sha256, crc = _digests(file)
    if wanted and sha256 not in wanted:
        return f"its SHA-256 is {sha256}, which is none that is known ({', '.join(wanted)})"
    if model.crc_file and _crc_path(file).read_text("utf-8", "replace").strip().lower() != f"{crc:08x}":
        return f"its CRC-32 is {crc:08x}, and {_crc_path(file).name} says another"
    return None


def _digests(file: Path) -> tuple[str, int]:
    sha256, crc = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            sha256.update(chunk)
            crc = zlib.crc32(chunk, crc)
    return sha256.hexdigest(), crc


def _crc_path(file: Path) -> Path:
    return file.with_suffix(".hash")


def _described(file: Path, *, deep: bool) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB" + (", its digest is right" if deep else "")


def _advice(problem: str | None) -> str | None:
    return None if problem is None else "Replace the file by the whole one."
