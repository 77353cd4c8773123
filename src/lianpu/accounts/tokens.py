"""Credentials as they travel: access and refresh tokens (signed), API keys and set-up tokens (random)."""

import base64
import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import jwt

from lianpu.accounts.secret import AccountSecret
from lianpu.database.base import now_utc
from lianpu.errors import TokenError, TokenExpiredError

ALGORITHM = "HS256"
ISSUER = "lianpu"
KEY_MARK = "lianpu_"
PREFIX_CHARS = 10
SECRET_CHARS = 43
"""Of 62 letters and digits: 256 bits."""
LOCAL_TOKEN_S = 60
_LETTERS = string.ascii_letters + string.digits


class TokenKind(StrEnum):
    ACCESS = "access"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a token that is genuine and not expired says."""

    kind: TokenKind
    subject: str
    """Id of the user; of a local token the system user's name."""
    session_id: str
    expires_at: datetime


class AccessTokens:
    """JSON Web Tokens (RFC 7519), signed by HMAC-SHA256."""

    def __init__(self, secret: AccountSecret, *, lifetime: timedelta) -> None:
        self._secret = secret
        self.lifetime = lifetime

    def issue(self, user_id: str, session_id: str) -> str:
        return self._signed(TokenKind.ACCESS, user_id, session_id, self.lifetime)

    def issue_local(self, system_user: str) -> str:
        """For commands on this machine; good for a minute."""
        return self._signed(TokenKind.LOCAL, system_user, "", timedelta(seconds=LOCAL_TOKEN_S))

    def read(self, token: str) -> AccessToken:
        """
        Raises:
            TokenExpiredError: it was genuine.
            TokenError: it is not one of this server's.
        """
        try:
            claims = jwt.decode(
                token,
                self._secret.token_key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub", "typ", "sid"]},
            )
            kind = TokenKind(claims["typ"])
            expires_at = datetime.fromtimestamp(claims["exp"], tz=now_utc().tzinfo)
        except jwt.ExpiredSignatureError as error:
            raise TokenExpiredError("The access token has expired: get a new one by the refresh token.") from error
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
            raise TokenError("The access token is not one of this server.") from error
        return AccessToken(kind, str(claims["sub"]), str(claims["sid"]), expires_at)

    def _signed(self, kind: TokenKind, subject: str, session_id: str, lifetime: timedelta) -> str:
        now = now_utc()
        claims = {
            "iss": ISSUER,
            "typ": kind.value,
            "sub": subject,
            "sid": session_id,
            "iat": now,
            "exp": now + lifetime,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._secret.token_key, ALGORITHM)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a genuine one says; whether it is still good, its session says."""

    session_id: str
    generation: int


class RefreshTokens:
    """`<session>.<generation>.<signature>`: of an old one, too, it can be told whose it was.

    Being derived, the token that is good now can be given out a second time, to a tab that asked at the same moment.
    """

    def __init__(self, secret: AccountSecret) -> None:
        self._secret = secret

    def issue(self, token: RefreshToken) -> str:
        stated = f"{token.session_id}.{token.generation}"
        return f"{stated}.{self._signature(stated)}"

    def read(self, text: str) -> RefreshToken:
        """
        Raises:
            TokenError: it is not one of this server's.
        """
        stated, _, signature = text.rpartition(".")
        session_id, _, generation = stated.rpartition(".")
        # Compared as bytes: text compares in constant time only while it is ASCII.
        if not hmac.compare_digest(
            signature.encode("utf-8", "surrogatepass"), self._signature(stated).encode()
        ) or not (generation.isascii() and generation.isdecimal()):
            raise TokenError("The refresh token is not one of this server.")
        return RefreshToken(session_id, int(generation))

    def _signature(self, stated: str) -> str:
        key = self._secret.refresh_key
        digest = hmac.new(key, stated.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_setup_token() -> str:
    return _random(SECRET_CHARS)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    prefix: str
    key: str
    """`lianpu_<prefix>_<secret>`: shown once and never stored."""


def new_api_key() -> NewApiKey:
    prefix = _random(PREFIX_CHARS)
    return NewApiKey(prefix, f"{KEY_MARK}{prefix}_{_random(SECRET_CHARS)}")


def prefix_of(key: str) -> str | None:
    """None: it does not look like an API key of a user."""
    prefix, _, secret = key.removeprefix(KEY_MARK).partition("_")
    looks_right = key.startswith(KEY_MARK) and len(prefix) == PREFIX_CHARS and len(secret) == SECRET_CHARS
    return prefix if looks_right else None


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
