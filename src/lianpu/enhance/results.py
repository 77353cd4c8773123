"""A result as it waits: sealed under a key, and lying under a name, that only its retrieval token gives."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What is known of a result without its token."""

    name: str
    """In the ephemeral store; made from the token, and the token cannot be made from it."""
    media_type: str
    file_name: str
    size_bytes: int
    expires_at: datetime


def new_token() -> bytes:
    return secrets.token_bytes(TOKEN_BYTES)


def spelt(token: bytes) -> str:
    return urlsafe_b64encode(token).decode().rstrip("=")


def token_of(text: str) -> bytes | None:
    """None: no token looks like this."""
    try:
        token = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return None
    return token if len(token) == TOKEN_BYTES else None


def name_of(token: bytes, enhancement_id: str) -> str:
    """Under which the result lies: a wrong token finds nothing, and so takes nothing away."""
    return f"{enhancement_id}:{_derived(token, f'name:{enhancement_id}').hex()}"


def key_of(token: bytes, enhancement_id: str) -> bytes:
    """32 bytes for AES-256-GCM; each seals one result."""
    return _derived(token, f"key:{enhancement_id}")


def _derived(token: bytes, label: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"lianpu enhancement {label}".encode()).derive(token)
