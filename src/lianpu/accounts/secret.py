"""The installation's secret: made at first use, kept in a file that its user alone may read."""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from lianpu.errors import StorageError
from lianpu.storage.private_file import make_private_file

SECRET_BYTES = 32
_FOR_TOKENS = b"lianpu access tokens 1"
_FOR_REFRESHING = b"lianpu refresh tokens 1"
_FOR_DIGESTS = b"lianpu credential digests 1"
_FOR_AUDIT = b"lianpu audit log 1"
_FOR_ADDRESSES = b"lianpu signed addresses 1"
_FOR_SOURCES = b"lianpu sources of streams 1"
_FOR_MARKS = b"lianpu ids of labelled outputs 1"
_FOR_WEBHOOKS = b"lianpu secrets of webhooks 1"


class AccountSecret:
    """Signs access and refresh tokens and keys the hashes of API keys.

    Whoever has it can act as anybody. A new one ends all logins and voids all API keys.
    """

    def __init__(self, path: Path, configured: str | None = None) -> None:
        """`configured`: from the settings, where several nodes share one; the file is not used then."""
        self._path = path
        self._secret = None if configured is None else hashlib.sha256(configured.encode()).digest()

    @property
    def token_key(self) -> bytes:
        """32 bytes. Blocks at first use.

        Raises:
            StorageError: the file cannot be read or made.
        """
        return self._derived(_FOR_TOKENS)

    @property
    def refresh_key(self) -> bytes:
        """As `token_key`."""
        return self._derived(_FOR_REFRESHING)

    @property
    def audit_key(self) -> bytes:
        """As `token_key`; seals the audit log, whose events cannot be proved under a new secret."""
        return self._derived(_FOR_AUDIT)

    @property
    def address_key(self) -> bytes:
        """As `token_key`; signs addresses that are good for a while."""
        return self._derived(_FOR_ADDRESSES)

    @property
    def source_key(self) -> bytes:
        """As `token_key`; encrypts what streams are read from."""
        return self._derived(_FOR_SOURCES)

    @property
    def webhook_key(self) -> bytes:
        """As `token_key`; encrypts what messages to webhooks are signed with."""
        return self._derived(_FOR_WEBHOOKS)

    @property
    def mark_key(self) -> bytes:
        """As `token_key`; what the ids hidden in labelled outputs are made with."""
        return self._derived(_FOR_MARKS)

    def digest(self, credential: str) -> str:
        """HMAC-SHA256 in hexadecimal: credentials are random and long, so a slow hash would protect nothing more."""
        key = self._derived(_FOR_DIGESTS)
        return hmac.new(key, credential.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def _derived(self, purpose: bytes) -> bytes:
        if self._secret is None:
            try:
                self._secret = _read(self._path) or _made(self._path)
            except OSError as error:
                raise StorageError(f"The secret {self._path} cannot be read or made: {error.strerror}.") from error
        return hmac.new(self._secret, purpose, hashlib.sha256).digest()


def _read(path: Path) -> bytes | None:
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
        secret = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(secret) != SECRET_BYTES:
        raise StorageError(f"{path} holds {len(secret)} bytes instead of {SECRET_BYTES}: it is damaged.")
    return secret


def _made(path: Path) -> bytes:
    """Two processes may make it at once: the first one's counts."""
    make_private_file(path, secrets.token_bytes(SECRET_BYTES))
    secret = _read(path)
    assert secret is not None
    return secret
