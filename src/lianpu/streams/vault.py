"""Sources at rest: encrypted, because a camera's address holds its password (AES-256-GCM, NIST SP 800-38D)."""

import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lianpu.errors import SourceUnreadableError

NONCE_BYTES = 12


class SourceVault:
    def __init__(self, key: Callable[[], bytes]) -> None:
        """`key`: gives 32 bytes; asked at each use."""
        self._key = key

    def sealed(self, source: str, stream_id: str) -> bytes:
        """Bound to the stream: nobody can put one stream's source into another's row."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._key()).encrypt(nonce, source.encode(), stream_id.encode())

    def opened(self, sealed: bytes, stream_id: str) -> str:
        """
        Raises:
            SourceUnreadableError: it was made with another secret, or changed.
        """
        try:
            opened = AESGCM(self._key()).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], stream_id.encode())
        except (InvalidTag, ValueError) as error:
            raise SourceUnreadableError(
                "The stream's source cannot be decrypted: the installation's secret is another one than when it was "
                "started. Start it anew."
            ) from error
        return opened.decode()
