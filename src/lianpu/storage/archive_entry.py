"""What an archive of people one does not know may hold, and one file of it."""

from dataclasses import dataclass
from typing import Protocol

from lianpu.errors import ArchiveDamagedError, ArchiveTooLargeError, ArchiveUnsafeError

SMALL_BYTES = 1 << 20
"""Below this nothing is called a bomb, however well it is compressed."""
MEMBERS_PER_ITEM = 4
"""A folder each, and the shadow that macOS gives both: more than this is no archive of files."""
Refusal = ArchiveDamagedError | ArchiveUnsafeError | ArchiveTooLargeError
"""Why one file of an archive is not taken."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    max_items: int
    """Files; folders and clutter may come on top, within `max_members`."""
    max_item_bytes: int
    """Of one file, unpacked."""
    max_total_bytes: int
    """Of all files together, unpacked."""
    max_ratio: float
    """Unpacked to packed size, above 1 MiB."""

    @property
    def max_members(self) -> int:
        """Everything that an archive lists; each costs memory, however small it is."""
        return self.max_items * MEMBERS_PER_ITEM


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file of an archive; folders and the clutter of operating systems are none. `name` has forward slashes, NFC."""

    name: str
    size_bytes: int


class OpenedFile(Protocol):
    """A file of an archive while it is that file's turn."""

    def read(self, max_bytes: int) -> bytes:
        """At most so many bytes of it. Raises what the archive's format makes of damage."""
        ...
