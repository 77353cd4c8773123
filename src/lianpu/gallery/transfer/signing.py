"""Who made an archive: an Ed25519 signature over all of its bytes, kept in the zip's comment at the very end."""

import base64
import binascii
import hashlib
import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from lianpu.errors import ArchiveDamagedError, ArchiveUntrustedError, ArchiveVersionError, StorageError
from lianpu.gallery.transfer.archive_format import FORMAT_VERSION
from lianpu.storage.private_file import make_private_file

READ_BYTES = 1 << 20
_COMMENT = re.compile(
    rb"lianpu-archive/(?P<version>\d{1,4}) ed25519 (?P<key>[A-Za-z0-9+/=]{44}) (?P<sign>[A-Za-z0-9+/=]{88})"
)
_PREFIX = f"lianpu-archive/{FORMAT_VERSION} ed25519 ".encode()
COMMENT_BYTES = len(_PREFIX) + 44 + 1 + 88
_END_RECORD_BYTES = 22
# What is signed says what for: the key's signatures can never be taken for another use's.
_CONTEXT = f"lianpu gallery archive {FORMAT_VERSION}\n".encode()


def fingerprint_of(public_key: bytes) -> str:
    """SHA-256 of the raw public key, in lower-case hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()


class SigningKey:
    """The installation's own key pair, made at first use and kept in a file that its user alone may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: Ed25519PrivateKey | None = None

    @property
    def fingerprint(self) -> str:
        """Blocks at first use.

        Raises:
            StorageError: the key cannot be read or made.
        """
        return fingerprint_of(self._public())

    def comment_placeholder(self) -> bytes:
        """As long as the signature that takes its place."""
        return b" " * COMMENT_BYTES

    def sign(self, archive: Path) -> None:
        """Put the signature over everything before it into the archive's comment. Blocks."""
        digest = _digest(archive)
        signature = self._private().sign(_CONTEXT + digest)
        with archive.open("r+b") as file:
            file.seek(-COMMENT_BYTES, os.SEEK_END)
            file.write(_PREFIX + base64.b64encode(self._public()) + b" " + base64.b64encode(signature))
            file.flush()
            os.fsync(file.fileno())

    def _public(self) -> bytes:
        return self._private().public_key().public_bytes_raw()

    def _private(self) -> Ed25519PrivateKey:
        if self._key is None:
            try:
                self._key = _read_key(self._path) or _made_key(self._path)
            except (OSError, ValueError) as error:
                raise StorageError(f"The signing key {self._path} cannot be read or made: {error}.") from error
        return self._key


def check_signature(archive: Path) -> str:
    """Blocks.

    Returns:
        The fingerprint of whoever signed the archive, every byte of which is as it was then.

    Raises:
        ArchiveDamagedError: it is cut off, changed, or no archive at all.
        ArchiveUntrustedError: nobody signed it.
        ArchiveVersionError: it is signed in the way of another version.
    """
    found = _COMMENT.fullmatch(_end(archive))
    if found is None:
        if _is_whole_zip(archive):
            raise ArchiveUntrustedError("Nobody has signed the archive.")
        raise ArchiveDamagedError("The file is no archive of a gallery, or its end is cut off.")
    if int(found["version"]) != FORMAT_VERSION:
        raise ArchiveVersionError(
            f"The archive has format {int(found['version'])}; this server reads format {FORMAT_VERSION}."
        )
    try:
        public_key = base64.b64decode(found["key"], validate=True)
        signature = base64.b64decode(found["sign"], validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _CONTEXT + _digest(archive))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise ArchiveDamagedError("The archive was changed after it was signed, or damaged on its way.") from error
    return fingerprint_of(public_key)


def _end(archive: Path, length: int = COMMENT_BYTES) -> bytes:
    with archive.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - length))
        return file.read()


def _is_whole_zip(archive: Path) -> bool:
    """Whether the end-of-archive record and its comment, of the length it declares, are the last bytes."""
    end = _end(archive, _END_RECORD_BYTES + 0xFFFF)
    start = end.rfind(b"PK\5\6")
    record = end[start : start + _END_RECORD_BYTES]
    if start < 0 or len(record) < _END_RECORD_BYTES:
        return False
    return start + _END_RECORD_BYTES + int.from_bytes(record[-2:], "little") == len(end)


def _digest(archive: Path) -> bytes:
    """SHA-256 of all but the comment's text."""
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        remaining = file.seek(0, os.SEEK_END) - COMMENT_BYTES
        file.seek(0)
        while remaining > 0 and (data := file.read(min(READ_BYTES, remaining))):
            digest.update(data)
            remaining -= len(data)
    return digest.digest()


def _read_key(path: Path) -> Ed25519PrivateKey | None:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("it is no Ed25519 key")
    return key


def _made_key(path: Path) -> Ed25519PrivateKey:
    """Two processes may make it at once: the first one's counts."""
    key = Ed25519PrivateKey.generate()
    make_private_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    made = _read_key(path)
    assert made is not None
    return made
