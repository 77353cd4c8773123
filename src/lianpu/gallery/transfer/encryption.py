"""An archive under a passphrase: scrypt makes the key, AES-256-GCM seals the bytes chunk by chunk (STREAM).

| bytes | what |
|---|---|
| 8 | `LIANPUE1` |
| 1, 1, 1 | scrypt (RFC 7914): binary logarithm of N, then r and p |
| 16 | scrypt's salt |
| 7 | nonce prefix |
| … | chunks of 1 MiB of plaintext, the last one shorter, each followed by its tag of 16 bytes |

The nonce of a chunk is the prefix, its number (4 bytes, big-endian) and 1 for the last chunk, 0 for the others: chunks
cannot be left out, swapped or cut off at the end unnoticed (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-
Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015). The header is authenticated with every chunk.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from lianpu.errors import ArchiveDamagedError, ArchivePassphraseError

MAGIC = b"LIANPUE1"
LOG2_N, BLOCK_R, PARALLEL_P = 17, 8, 1
"""128 MiB of memory and some tenths of a second a guess."""
MAX_LOG2_N, MAX_PARALLEL_P = 18, 4
SALT_BYTES, PREFIX_BYTES, TAG_BYTES = 16, 7, 16
CHUNK_BYTES = 1 << 20
HEADER_BYTES = len(MAGIC) + 3 + SALT_BYTES + PREFIX_BYTES


@dataclass(frozen=True, slots=True)
class ArchiveKey:
    """Made of a passphrase for one file. `header` is public; `secret` opens the file."""

    header: bytes
    secret: bytes

    @classmethod
    def new(cls, passphrase: str) -> "ArchiveKey":
        """Blocks for some tenths of a second."""
        header = MAGIC + bytes((LOG2_N, BLOCK_R, PARALLEL_P))
        header += secrets.token_bytes(SALT_BYTES) + secrets.token_bytes(PREFIX_BYTES)
        return cls(header, _derived(passphrase, header))


def is_encrypted(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def encrypt(plain: Path, sealed: Path, key: ArchiveKey) -> None:
    """Blocks. A `sealed` that could not be finished is removed."""
    cipher = AESGCM(key.secret)
    try:
        with plain.open("rb") as source, sealed.open("wb") as target:
            target.write(key.header)
            number, chunk = 0, source.read(CHUNK_BYTES)
            while True:
                following = source.read(CHUNK_BYTES)
                target.write(cipher.encrypt(_nonce(key.header, number, last=not following), chunk, key.header))
                if not following:
                    break
                number, chunk = number + 1, following
            target.flush()
            os.fsync(target.fileno())
    except BaseException:
        sealed.unlink(missing_ok=True)
        raise


def decrypt(sealed: Path, plain: Path, passphrase: str | None) -> None:
    """Blocks. A `plain` that could not be finished is removed.

    Raises:
        ArchivePassphraseError: there is none, or it is not the one the file was sealed with.
        ArchiveDamagedError: the file was changed or cut off.
    """
    if not passphrase:
        raise ArchivePassphraseError("The archive is encrypted: its passphrase is needed.")
    try:
        with sealed.open("rb") as source, plain.open("wb") as target:
            header = source.read(HEADER_BYTES)
            cipher = AESGCM(_derived(passphrase, _checked(header)))
            number, chunk = 0, source.read(CHUNK_BYTES + TAG_BYTES)
            while True:
                following = source.read(CHUNK_BYTES + TAG_BYTES)
                target.write(_opened(cipher, header, number, chunk, last=not following))
                if not following:
                    return
                number, chunk = number + 1, following
    except BaseException:
        plain.unlink(missing_ok=True)
        raise


def _opened(cipher: AESGCM, header: bytes, number: int, chunk: bytes, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(header, number, last=last), chunk, header)
    except InvalidTag as error:
        if number == 0:
            raise ArchivePassphraseError("The passphrase is wrong, or the archive is damaged.") from error
        raise ArchiveDamagedError("The encrypted archive was changed or cut off.") from error


def _checked(header: bytes) -> bytes:
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise ArchiveDamagedError("The encrypted archive is cut off.")
    log2_n, block_r, parallel_p = header[len(MAGIC) : len(MAGIC) + 3]
    # A file must not choose how much memory it takes to look at it.
    if not (1 <= log2_n <= MAX_LOG2_N and block_r == BLOCK_R and 1 <= parallel_p <= MAX_PARALLEL_P):
        raise ArchiveDamagedError("The encrypted archive asks for a key that no archive has.")
    return header


def _derived(passphrase: str, header: bytes) -> bytes:
    log2_n, block_r, parallel_p = header[len(MAGIC) : len(MAGIC) + 3]
    salt = header[len(MAGIC) + 3 : len(MAGIC) + 3 + SALT_BYTES]
    return Scrypt(salt=salt, length=32, n=1 << log2_n, r=block_r, p=parallel_p).derive(passphrase.encode())


def _nonce(header: bytes, number: int, *, last: bool) -> bytes:
    return header[-PREFIX_BYTES:] + number.to_bytes(4, "big") + bytes((last,))
