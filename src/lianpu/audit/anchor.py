"""The anchor: how far the chain was known to reach, kept in a file beside the keys, away from the database."""

import json
from dataclasses import dataclass

from lianpu.audit.chain import Head
from lianpu.database.base import now_utc
from lianpu.errors import StorageError
from lianpu.storage.files import FileStorage

NAME = "keys/audit.head"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Whoever cuts the end off the chain in the database leaves this behind. Calls block."""

    storage: FileStorage

    def read(self) -> Head | None:
        """None: nothing was anchored yet.

        Raises:
            StorageError: the file cannot be read, or is damaged.
        """
        try:
            document = json.loads(self.storage.read(NAME))
            return Head(int(document["sequence"]), str(document["hash"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"The anchor {NAME} cannot be read: {error.strerror or error}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(f"The anchor {NAME} is damaged.") from error

    def write(self, head: Head) -> None:
        """
        Raises:
            StorageError: the file cannot be written.
        """
        document = {"sequence": head.sequence, "hash": head.hash, "at": now_utc().isoformat()}
        self.storage.write(NAME, json.dumps(document).encode())
