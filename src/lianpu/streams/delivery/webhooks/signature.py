"""How a receiver knows that a message is ours, new and unchanged: `Lianpu-Signature: t=…,v1=…`."""

import hashlib
import hmac
import secrets

SIGNATURE_HEADER = "Lianpu-Signature"
EVENT_HEADER = "Lianpu-Event-Id"
KIND_HEADER = "Lianpu-Event-Kind"
SECRET_PREFIX = "whsec_"  # noqa: S105 (what secrets begin with)


def new_secret() -> str:
    """256 random bits, as text."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def signature(secret: str, body: bytes, at_s: int) -> str:
    """The value of the header.

    Args:
        secret: as the user was shown it; its UTF-8 bytes are the key.
        at_s: Unix time of this attempt, so that receivers can refuse messages that somebody kept.
    """
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"
