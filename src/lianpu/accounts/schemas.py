"""What the API takes and gives about users and their sessions."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from lianpu.accounts.models import LoginSession, User
from lianpu.accounts.names import checked_name
from lianpu.accounts.passwords import MAX_CHARS
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import GRANTED, Role, Scope

Name = Annotated[str, AfterValidator(checked_name), Field(max_length=64, examples=["ada", "张三"])]
Password = Annotated[SecretStr, Field(min_length=1, max_length=MAX_CHARS, examples=["correct horse battery staple"])]


def _grantable(scope: Scope) -> Scope:
    if scope not in GRANTED:
        raise ValueError(f"is given by roles; only {', '.join(GRANTED)} can be granted by name")
    return scope


GrantableScope = Annotated[Scope, AfterValidator(_grantable), Field(examples=["swap"])]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SetupFields(Strict):
    setup_token: SecretStr = Field(max_length=MAX_CHARS, description="The part of the one-time link behind the `#`.")
    name: Name
    password: Password


class NewUserFields(Strict):
    name: Name
    password: Password
    role: Role = Field(default=Role.VIEWER, description="More than `viewer` is for administrators to give.")
    must_change_password: bool | None = Field(
        default=None, description="Whether the user may do nothing before; true when an administrator leaves it out."
    )


class OwnProfileFields(Strict):
    name: Name


class NewPasswordFields(Strict):
    current_password: Password
    new_password: Password


class UserFields(Strict):
    """What is left out stays as it is. A new role, grant, state or password ends all logins of the user."""

    name: Name | None = None
    role: Role | None = None
    granted_scopes: list[GrantableScope] | None = Field(
        default=None, description="All scopes that the user is given beyond the role's; empty: none."
    )
    is_active: bool | None = Field(default=None, description="False: no login and no API key of the user works.")
    password: Password | None = Field(default=None, description="The user has to change it at the next login.")


class UserAnswer(BaseModel):
    user_id: str | None = Field(description="Null: a credential that belongs to no user, such as `server.api_key`.")
    name: str = Field(examples=["ada"])
    role: Role
    scopes: list[Scope] = Field(description="What it may do; of `/users/me`: by the credential of this call.")
    granted_scopes: list[Scope] = Field(description="Those beyond the role's, given to this user by name.")
    is_active: bool
    must_change_password: bool = Field(description="Until then, a user may do nothing else.")
    last_login_at: datetime | None
    created_at: datetime | None = Field(description="Null where `user_id` is.")

    @classmethod
    def of(cls, user: User, scopes: frozenset[Scope] | None = None) -> "UserAnswer":
        return cls(
            user_id=user.id,
            name=user.name,
            role=Role(user.role),
            scopes=sorted(user.scopes if scopes is None else scopes),
            granted_scopes=[scope for scope in GRANTED if scope.value in (user.granted or ())],
            is_active=user.is_active,
            must_change_password=user.must_change_password,
            last_login_at=user.last_login_at,
            created_at=user.created_at,
        )

    @classmethod
    def of_principal(cls, principal: Principal) -> "UserAnswer":
        """Of one without an account."""
        return cls(
            user_id=None,
            name=principal.name,
            role=principal.role,
            scopes=sorted(principal.scopes),
            granted_scopes=[],
            is_active=True,
            must_change_password=False,
            last_login_at=None,
            created_at=None,
        )


class SessionAnswer(BaseModel):
    session_id: str
    client: str = Field(description="Address and browser at the login.", examples=["192.0.2.7 Mozilla/5.0 …"])
    created_at: datetime
    used_at: datetime = Field(description="When it was last refreshed.")
    expires_at: datetime = Field(description="Moves on whenever it is refreshed.")
    is_current: bool = Field(description="The one that makes this call.")

    @classmethod
    def of(cls, login: LoginSession, principal: Principal) -> "SessionAnswer":
        return cls(
            session_id=login.id,
            client=login.client,
            created_at=login.created_at,
            used_at=login.used_at,
            expires_at=login.expires_at,
            is_current=login.id == principal.credential_id,
        )


class SetupAnswer(BaseModel):
    setup_needed: bool = Field(description="There is no administrator yet.")
    registration: str = Field(description="`open`: anybody may make an account.", examples=["closed"])
    password_min_chars: int
    request_id: str


class UserOnlyAnswer(BaseModel):
    user: UserAnswer
    request_id: str


class UsersAnswer(BaseModel):
    users: list[UserAnswer]
    request_id: str


class SessionsAnswer(BaseModel):
    sessions: list[SessionAnswer]
    request_id: str
