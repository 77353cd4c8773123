"""An archive of photos in memory: looked through, unpacked file by file, and the results as one ZIP."""

import errno
import io
import json
import zipfile
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field

from lianpu.enhance.report_schemas import EnhancementReportAnswer
from lianpu.enhance.tasks import PhotoStep, StepStatus
from lianpu.errors import InvalidInputError
from lianpu.storage.archive import scan_entries, unpack_entries
from lianpu.storage.archive_entry import ArchiveLimits, Refusal
from lianpu.storage.erasure import erase
from lianpu.storage.segments import SegmentedFile

REPORT_NAME, FAILURES_NAME = "enhancement-report.json", "failed-files.txt"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""No time: the same photos give the same archive."""


class ViewedFile(io.RawIOBase):
    """Memory as a file, without a copy."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: len(self._view)}[whence]
        if start + offset < 0:
            # As files of the disk do; zipfile looks for a record before the one that it found.
            raise OSError(errno.EINVAL, "before the beginning")
        self._place = start + offset
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        part = self._view[self._place : self._place + len(buffer)]
        memoryview(buffer).cast("B")[: len(part)] = part
        self._place += len(part)
        return len(part)


def steps_of(archive: memoryview, limits: ArchiveLimits) -> list[PhotoStep]:
    """Blocks. What cannot be taken has failed already.

    Raises:
        what `scan_entries` raises.
    """
    return [_step(entry.name, entry.size_bytes, refusal) for entry, refusal in _scanned(archive, limits)]


def contents_of(
    archive: memoryview, steps: list[PhotoStep], limits: ArchiveLimits
) -> Generator[tuple[int, bytes | Refusal]]:
    """Blocks: the files that are still to be worked on, in the archive's order.

    Raises:
        what `unpack_entries` raises.
    """
    wanted = {place for place, step in enumerate(steps) if step.status is StepStatus.PENDING}
    return unpack_entries(ViewedFile(archive), wanted, limits)  # pyright: ignore[reportArgumentType] (a raw file)


@dataclass(slots=True)
class BatchOutput:
    """The enhanced photos until they are packed."""

    max_bytes: int
    files: dict[str, bytearray] = field(default_factory=dict[str, bytearray])
    size_bytes: int = 0

    def add(self, name: str, data: bytearray) -> None:
        self.files[name] = data
        self.size_bytes += len(data)

    def erase(self) -> None:
        for data in self.files.values():
            erase(data)
        self.files = {}

    def packed(self, steps: Iterable[PhotoStep]) -> SegmentedFile:
        """Blocks: one ZIP, sorted by name; each photo is overwritten as soon as it is in it."""
        archive = SegmentedFile()
        steps = sorted(steps, key=lambda step: step.name)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packer:  # pyright: ignore[reportArgumentType]
            for name in sorted(self.files):
                data = self.files.pop(name)
                _write(packer, name, data)
                erase(data)
            _write(packer, REPORT_NAME, _report(steps))
            failures = [f"{step.name}: {step.error.detail}\n" for step in steps if step.error is not None]
            if failures:
                _write(packer, FAILURES_NAME, "".join(failures).encode())
        return archive


def _scanned(archive: memoryview, limits: ArchiveLimits):  # noqa: ANN202 (as scan_entries)
    return scan_entries(ViewedFile(archive), limits)  # pyright: ignore[reportArgumentType] (a raw file)


def _step(name: str, size_bytes: int, refusal: Refusal | None) -> PhotoStep:
    if refusal is None:
        return PhotoStep(name, size_bytes)
    assert isinstance(refusal, InvalidInputError)
    return PhotoStep(name, size_bytes, StepStatus.FAILED, error=refusal)


def _write(packer: zipfile.ZipFile, name: str, data: bytes | bytearray) -> None:
    member = zipfile.ZipInfo(name, EPOCH)
    member.external_attr = 0o644 << 16
    # As on Unix, whatever packs it: the same photos give the same archive.
    member.create_system = 3
    with packer.open(member, "w") as file:
        file.write(data)


def _report(steps: Iterable[PhotoStep]) -> bytes:
    photos = [_told(step) for step in steps]
    return json.dumps({"photos": photos}, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def _told(step: PhotoStep) -> Mapping[str, object]:
    report = None
    if step.report is not None:
        report = EnhancementReportAnswer.of(step.report).model_dump(mode="json", exclude={"seconds"})
    error = None if step.error is None else {"code": step.error.code, "detail": step.error.detail}
    return {
        "name": step.name,
        "status": step.status.value,
        "output_name": step.output_name,
        "report": report,
        "error": error,
    }
