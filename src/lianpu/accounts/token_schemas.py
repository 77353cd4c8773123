"""What the token endpoint takes and gives (OAuth 2.0, RFC 6749 and RFC 7009)."""

from enum import StrEnum

from pydantic import BaseModel, Field, SecretStr

from lianpu.accounts.passwords import MAX_CHARS
from lianpu.accounts.sessions import Tokens

TOKEN_MAX_CHARS = 512


class GrantType(StrEnum):
    PASSWORD = "password"  # noqa: S105 (a grant)
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 (a grant)


class TokenForm(BaseModel):
    """Other fields that OAuth clients send (`scope`, `client_id`) are ignored, as RFC 6749 wants it."""

    grant_type: GrantType
    username: str = Field(default="", max_length=MAX_CHARS, description="With `grant_type=password`.")
    password: SecretStr = Field(default=SecretStr(""), max_length=MAX_CHARS, description="With `grant_type=password`.")
    refresh_token: SecretStr | None = Field(
        default=None, max_length=TOKEN_MAX_CHARS, description="With `grant_type=refresh_token`; else its cookie counts."
    )
    refresh_cookie: bool = Field(
        default=False, description="For browsers: the refresh token goes into a cookie that no script can read."
    )

    @property
    def wants_cookie(self) -> bool:
        """A token that comes in the cookie goes back into it."""
        return self.refresh_cookie or (self.grant_type is GrantType.REFRESH_TOKEN and self.refresh_token is None)


class RevocationForm(BaseModel):
    token: SecretStr | None = Field(
        default=None, max_length=TOKEN_MAX_CHARS, description="A refresh token; else its cookie counts."
    )


class TokenAnswer(BaseModel):
    access_token: str = Field(description="Send it as `Authorization: Bearer …`.")
    token_type: str = Field(default="bearer", examples=["bearer"])
    expires_in: int = Field(description="Seconds.", examples=[900])
    refresh_token: str | None = Field(description="Good for one use. Null: it is in the cookie.")
    refresh_expires_in: int = Field(description="Seconds without a refresh until the login ends.")
    scope: str = Field(description="What it may do, separated by spaces.", examples=["account gallery:read"])
    request_id: str

    @classmethod
    def of(cls, tokens: Tokens, request_id: str, *, in_cookie: bool) -> "TokenAnswer":
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in_s,
            refresh_token=None if in_cookie else tokens.refresh_token,
            refresh_expires_in=tokens.refresh_expires_in_s,
            scope=" ".join(sorted(tokens.scopes)),
            request_id=request_id,
        )
