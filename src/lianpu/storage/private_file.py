"""Files for their owner's eyes alone: keys and secrets."""

import contextlib
import os
import secrets
from pathlib import Path


def make_private_file(path: Path, content: bytes) -> None:
    """Write a file of mode 600, whole or not at all; one that is there already stays, whoever was faster.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            # Unlike a rename, this leaves what is there.
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
