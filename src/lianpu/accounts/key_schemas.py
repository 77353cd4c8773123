"""What the API takes and gives about API keys."""

from datetime import datetime

from pydantic import BaseModel, Field

from lianpu.accounts.keys import KeyDraft, KeyOwner
from lianpu.accounts.roles import Scope
from lianpu.accounts.schemas import Name, Strict

LONGEST_LIFE_DAYS = 3650


class NewKeyFields(Strict):
    name: Name = Field(examples=["door camera"])
    scopes: list[Scope] = Field(min_length=1, description="Some of the caller's own.")
    expires_in_days: int | None = Field(default=None, ge=1, le=LONGEST_LIFE_DAYS, description="Null: never.")
    user_id: str | None = Field(default=None, description="Another user, whose key it shall be; needs `users:manage`.")

    def draft(self) -> KeyDraft:
        return KeyDraft(self.name, frozenset(self.scopes), self.expires_in_days, self.user_id)


class KeyAnswer(BaseModel):
    key_id: str
    name: str = Field(examples=["door camera"])
    prefix: str = Field(description="The part of the key that is no secret, to recognise it by.")
    scopes: list[Scope] = Field(description="What it may do at most; never more than its user's role.")
    user_id: str
    user_name: str
    created_at: datetime
    expires_at: datetime | None = Field(description="Null: never.")
    last_used_at: datetime | None = Field(description="Exact to a minute.")

    @classmethod
    def of(cls, owned: KeyOwner) -> "KeyAnswer":
        key = owned.key
        return cls(
            key_id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=[scope for scope in Scope if scope.value in key.scopes],
            user_id=owned.user.id,
            user_name=owned.user.name,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
        )


class KeysAnswer(BaseModel):
    keys: list[KeyAnswer]
    request_id: str


class NewKeyAnswer(BaseModel):
    key: KeyAnswer
    secret: str = Field(description="The API key. It cannot be shown again.", examples=["lianpu_…"])
    request_id: str
