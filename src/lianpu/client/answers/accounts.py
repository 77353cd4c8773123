"""Users, logins, API keys."""

from datetime import datetime

from lianpu.client.answers.record import Record


class User(Record):
    user_id: str | None
    """Null: a credential that belongs to no user, such as `server.api_key`."""
    name: str
    role: str
    scopes: tuple[str, ...]
    """What it may do; of `/users/me`: by the credential of this call."""
    granted_scopes: tuple[str, ...]
    """Those beyond the role's, given to this user by name."""
    is_active: bool
    must_change_password: bool
    """Until then, a user may do nothing else."""
    last_login_at: datetime | None
    created_at: datetime | None
    """Null where `user_id` is."""


class LoginSession(Record):
    session_id: str
    client: str
    """Address and browser at the login."""
    created_at: datetime
    used_at: datetime
    """When it was last refreshed."""
    expires_at: datetime
    """Moves on whenever it is refreshed."""
    is_current: bool
    """The one that makes this call."""


class ApiKey(Record):
    key_id: str
    name: str
    prefix: str
    """The part of the key that is no secret, to recognise it by."""
    scopes: tuple[str, ...]
    """What it may do at most; never more than its user's role."""
    user_id: str
    user_name: str
    created_at: datetime
    expires_at: datetime | None
    """Null: never."""
    last_used_at: datetime | None
    """Exact to a minute."""


class NewApiKey(Record):
    key: ApiKey
    secret: str
    """The API key. It cannot be shown again."""
    request_id: str
